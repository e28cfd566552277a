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

use std::collections::HashMap;
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
        let roles = files::roles(&archive);
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
        // It says where civil times were.
        Role::Profile => 0,
        Role::Points => 0,
        Role::Session => 1,
        Role::Table(NIGHTS | "UserSleepStages" | "UserExercises") => 2,
        Role::Table(table) if is_newer(table) => 3,
        Role::Table(_) => 4,
        Role::List(_) => 5,
        Role::Beside(_) | Role::Other => 6,
    }
}

fn read_archive(input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
    let archive = Archive::open(input)?;
    let roles = files::roles(&archive);
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
    let mut reader = Reader {
        push: Push::new(sink, written.unwrap_or(UtcMillis::LATEST)),
        written,
        streams: streams(&archive, &roles),
        nights: Some(Nights::default()),
        twins: Twins::default(),
    };
    if let Some(written) = written {
        reader.push.asserted(written)?;
    }
    let mut ended = None;
    for place in places {
        let role = roles[place];
        if order(role) > order(Role::Table(NIGHTS)) {
            reader.end_nights()?;
        }
        if let Role::Beside(reason) = role {
            reader.push.count(Outcome::Unsupported, reason);
        }
        if matches!(role, Role::Beside(_) | Role::Other) {
            continue;
        }
        let error = match archive.read(&archive.entries[place]) {
            Ok(file) => stopped(reader.file(place, role, file), "in one of its files")?,
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            reader.push.count(Outcome::Rejected, "file-damaged");
            ended.get_or_insert(error);
        }
    }
    reader.end_nights()?;
    finish(reader.push, ended)
}

const NIGHTS: &str = "UserSleeps";

/// An archive under way.
struct Reader<'s> {
    push: Push<'s>,
    written: Option<UtcMillis>,
    /// By the place of a file of points: its stream, and whether its points count.
    streams: HashMap<usize, (String, bool)>,
    /// Gathered until all tables of them are read.
    nights: Option<Nights>,
    twins: Twins,
}

impl Reader<'_> {
    fn file(&mut self, place: usize, role: Role, file: Box<dyn Read + Send + '_>) -> Result<(), Stopped> {
        let (push, twins, written) = (&mut self.push, &mut self.twins, self.written);
        match (role, &mut self.nights) {
            (Role::Profile, _) => tables::profile(push, file),
            (Role::Points, _) => match self.streams.get(&place) {
                Some((stream, is_chosen)) => fit::points(push, file, stream, *is_chosen),
                None => fit::points(push, file, "", true),
            },
            (Role::Session, _) => fit::session(push, file).map_err(|SinkClosed| Stopped::Closed),
            (Role::Table(NIGHTS), Some(nights)) => nights.nights(push, file),
            (Role::Table("UserSleepStages"), Some(nights)) => nights.stages(push, file),
            (Role::Table("UserExercises"), _) => sessions::exercises(push, file, twins, written),
            (Role::Table(table), _) => tables::table(push, file, table, twins),
            (Role::List(list), _) => lists::list(push, file, list, twins, written),
            (Role::Beside(_) | Role::Other, _) => Ok(()),
        }
    }

    fn end_nights(&mut self) -> Result<(), SinkClosed> {
        match self.nights.take() {
            Some(nights) => nights.finish(&mut self.push, &mut self.twins, self.written),
            None => Ok(()),
        }
    }
}

/// The streams of all files of points, each with whether its points count.
fn streams(archive: &Archive<'_>, roles: &[Role]) -> HashMap<usize, (String, bool)> {
    let points = (0..roles.len()).filter(|place| roles[*place] == Role::Points);
    let stream = |place: usize| {
        let mut file = archive.read(&archive.entries[place]).ok()?;
        Some((place, fit::stream(&archive::first(&mut file, archive::HEAD))))
    };
    let streams: Vec<(usize, String)> = points.filter_map(stream).collect();
    let ids: Vec<&str> = streams.iter().map(|(_, id)| id.as_str()).collect();
    let chosen = fit::chosen(&ids);
    streams
        .into_iter()
        .zip(chosen)
        .map(|((place, id), is_chosen)| (place, (id, is_chosen)))
        .collect()
}

#[cfg(test)]
mod tests;
