//! Google Takeout: the archive in which an account's records of Fit, of Fitbit and of Google Health lie, in one ZIP or several.
//!
//! No vendor describes it; it is read as real archives are. What it holds twice is read once: of Fit's streams the one that merges
//! the others, of the tracker's records the tables before the lists. Bounds: those of a ZIP, and of a list one element at a time.

mod coverage;
mod elements;
mod files;
mod fit;
mod lists;
mod sessions;
mod tables;
mod twins;

use std::io::Read;

use model::units::Conversion;
use model::{Metric, Outcome, UtcMillis};

use crate::archive::{self, Archive, Sequential};
use crate::push::Push;
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink, SinkClosed};
use elements::Stopped;
use files::Role;
use sessions::Nights;
use twins::Twins;

/// Archives of Google Takeout.
#[derive(Clone, Copy, Debug)]
pub struct GoogleTakeout;

impl Adapter for GoogleTakeout {
    fn name(&self) -> &'static str {
        "google-takeout"
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "a Google Takeout archive with the folder of Fit, Fitbit or Google Health (the ZIP, or a file of Fit's points)"
    }

    fn brought(&self) -> Option<[&'static str; 2]> {
        Some([
            "「Google データ エクスポート」のZIPファイル（Fit、Fitbit、Google ヘルスを選んだもの。いくつかに分かれていれば、1つずつ）",
            "The ZIP of Google Takeout with Fit, Fitbit or Google Health chosen; where it is in parts, one after the other",
        ])
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn promotes(&self, vendor_type: &str, _: &str) -> Option<(Metric, Conversion)> {
        crate::google_fit::coverage::promotes(vendor_type)
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        let head = archive::head(input);
        if !archive::is_zip(&head) {
            return head.trim_ascii_start().starts_with(b"{") && files::told(&head) == Role::Points;
        }
        let Ok(archive) = Archive::open(input) else {
            return false;
        };
        let roles = files::roles(&archive).unwrap_or_default();
        roles.iter().any(|role| *role != Role::Other)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        let head = archive::head(input);
        if archive::is_zip(&head) {
            return read_archive(input, sink);
        }
        let mut push = Push::new(sink, UtcMillis::LATEST);
        let file = Sequential { input, at: 0 };
        let read = fit::points(&mut push, file, &fit::stream(&head), true);
        let ended = stopped(read, "in its points")?;
        finish(push, ended)
    }
}

fn finish(push: Push<'_>, ended: Option<AdapterError>) -> Result<Reading, AdapterError> {
    let mut reading = push.finish()?;
    reading.ended = ended;
    Ok(reading)
}

/// What stopped a file; where the receiver is gone, everything stops.
fn stopped(read: Result<(), Stopped>, place: &str) -> Result<Option<AdapterError>, SinkClosed> {
    match read {
        Ok(()) => Ok(None),
        Err(Stopped::Closed) => Err(SinkClosed),
        Err(Stopped::Damaged(line, column)) => Ok(Some(AdapterError::Damaged {
            place: format!("{place}, at line {line}, column {column}"),
            problem: "it is not what the rest of it is".to_owned(),
        })),
    }
}

/// What is read in what order: the better form of a thing before the others.
fn order(role: Role) -> u8 {
    let is_newer = |table: &str| {
        tables::COLUMNS
            .iter()
            .any(|column| column.table == table && column.form == twins::Form::Table)
    };
    match role {
        Role::Points => 0,
        Role::Session => 1,
        Role::Table("UserSleeps" | "UserSleepStages" | "UserExercises") => 2,
        Role::Table(table) if is_newer(table) => 3,
        Role::Table(_) => 4,
        Role::List(_) => 5,
        Role::Beside(_) | Role::Other => 6,
    }
}

fn read_archive(input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
    let archive = Archive::open(input)?;
    let roles = files::roles(&archive)?;
    if roles.iter().all(|role| *role == Role::Other) {
        return Err(AdapterError::NothingInside {
            expected: "records of Fit, Fitbit or Google Health",
            problem: format!(
                "none of its {} files is one. Choose these services when you make the archive",
                roles.len()
            ),
        });
    }
    let mut places: Vec<usize> = (0..roles.len()).collect();
    places.sort_by_key(|place| order(roles[*place]));
    let written = archive.entries.iter().filter_map(|entry| entry.written).max();
    let mut push = Push::new(sink, written.unwrap_or(UtcMillis::LATEST));
    if let Some(written) = written {
        push.asserted(written)?;
    }
    let (mut nights, mut twins, mut ended) = (Nights::default(), Twins::default(), None);
    let streams = streams(&archive, &roles, &places)?;
    let ids: Vec<&str> = streams.iter().map(|(_, id)| id.as_str()).collect();
    let mut chosen = streams
        .iter()
        .zip(fit::chosen(&ids))
        .map(|((_, id), chosen)| (id, chosen));
    let mut nights_are_open = true;
    for place in places {
        let (entry, role) = (&archive.entries[place], roles[place]);
        if order(role) > 2 && std::mem::take(&mut nights_are_open) {
            std::mem::take(&mut nights).finish(&mut push, &mut twins, written)?;
        }
        let mut file: Box<dyn Read + Send> = match role {
            Role::Beside(reason) => {
                push.count(Outcome::Unsupported, reason);
                continue;
            }
            Role::Other => continue,
            _ => match archive.read(entry) {
                Ok(file) => file,
                Err(error) => {
                    push.count(Outcome::Rejected, "file-damaged");
                    ended.get_or_insert(error);
                    continue;
                }
            },
        };
        let read = match role {
            Role::Points => {
                let (id, is_chosen) = chosen.next().map_or(("", true), |(id, chosen)| (id.as_str(), chosen));
                fit::points(&mut push, file, id, is_chosen)
            }
            Role::Session => fit::session(&mut push, &mut file).map_err(|_| Stopped::Closed),
            Role::Table("UserSleeps") => nights.nights(&mut push, file),
            Role::Table("UserSleepStages") => nights.stages(&mut push, file),
            Role::Table("UserExercises") => sessions::exercises(&mut push, file, &mut twins, written),
            Role::Table(table) => tables::table(&mut push, file, table, &mut twins),
            Role::List(list) => lists::list(&mut push, file, list, &mut twins, written),
            Role::Beside(_) | Role::Other => Ok(()),
        };
        if let Some(error) = stopped(read, "in one of its files")? {
            push.count(Outcome::Rejected, "file-damaged");
            ended.get_or_insert(error);
        }
    }
    nights.finish(&mut push, &mut twins, written)?;
    finish(push, ended)
}

/// The streams of all files of points, in the order in which they are read.
fn streams(archive: &Archive<'_>, roles: &[Role], places: &[usize]) -> Result<Vec<(usize, String)>, AdapterError> {
    let points = places.iter().filter(|place| roles[**place] == Role::Points);
    let stream = |place: &usize| {
        let head = match archive.read(&archive.entries[*place]) {
            Ok(mut file) => archive::first(&mut file, archive::HEAD),
            Err(_) => Vec::new(),
        };
        (*place, fit::stream(&head))
    };
    Ok(points.map(stream).collect())
}

#[cfg(test)]
mod tests;
