//! Which file of an archive is what. Names of the old tracker's files do not depend on the account's language; those of Fit do, and
//! are cut, so its files are told by their first bytes.

use std::collections::{HashMap, HashSet};

use crate::archive::{Archive, Entry, first};

/// Bytes of a file by which it is told.
const HEAD: usize = 4 * 1024;
/// Files of a folder that are looked into, and folders.
const MAX_LOOKS: u8 = 3;
const MAX_FOLDERS: usize = 4_000;
/// The folder around all products, in every language.
const WHOLE: &str = "Takeout";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Points of one stream of Fit.
    Points,
    /// A session of Fit.
    Session,
    /// A table whose name begins so.
    Table(&'static str),
    /// A list whose name begins so.
    List(&'static str),
    /// The profile, of which only the zone is read.
    Profile,
    /// Of these products, and not read: one word.
    Beside(&'static str),
    /// Of another product.
    Other,
}

/// Tables of the newer form, which come first: their times are instants. Then those of folders of their own.
pub const TABLES: &[&str] = &[
    "steps",
    "distance",
    "floors",
    "calories",
    "active_minutes",
    "active_zone_minutes",
    "heart_rate",
    "heart_rate_variability",
    "oxygen_saturation",
    "daily_resting_heart_rate",
    "daily_heart_rate_variability",
    "daily_oxygen_saturation",
    "daily_respiratory_rate",
    "weight",
    "height",
    "body_fat",
    "UserSleeps",
    "UserSleepStages",
    "UserExercises",
    "Daily SpO2",
    "Minute SpO2",
    "Daily Respiratory Rate Summary",
    "Daily Heart Rate Variability Summary",
    "Heart Rate Variability Details",
    "Computed Temperature",
];

/// Lists of the older form.
pub const LISTS: &[&str] = &[
    "steps",
    "distance",
    "calories",
    "heart_rate",
    "resting_heart_rate",
    "lightly_active_minutes",
    "moderately_active_minutes",
    "very_active_minutes",
    "sedentary_minutes",
    "demographic_vo2_max",
    "weight",
    "sleep",
    "exercise",
];

/// The files of an archive, each with what it is.
pub fn roles(archive: &Archive<'_>) -> Vec<Role> {
    let tracked: Vec<Option<Role>> = archive.entries.iter().map(of_tracker).collect();
    let rest = archive.entries.iter().zip(&tracked);
    let fit = Fit::of(archive, rest.filter(|(_, role)| role.is_none()).map(|(entry, _)| entry));
    let roles = archive.entries.iter().zip(tracked);
    roles
        .map(|(entry, role)| role.unwrap_or_else(|| fit.role(archive, entry)))
        .collect()
}

/// Of the tracker's folders, by the names of folder and file.
fn of_tracker(entry: &Entry) -> Option<Role> {
    let has = |part: &str| entry.path.contains(part);
    let is_ours = has("Global Export Data/")
        || has("_GoogleData/")
        || has("MyFitbitData/")
        || has("Takeout/Fitbit/")
        || has("Takeout/Google Health/");
    if !is_ours {
        return None;
    }
    let name = entry.name();
    // Some 80 % of the bytes, and nothing that was measured.
    if name.starts_with("UserActivityProbabilities") || name.starts_with("UserSensorCompressionToken") {
        return Some(Role::Beside("probabilities-file"));
    }
    if name.starts_with("gps_location") || name.ends_with(".tcx") {
        return Some(Role::Beside("track-file"));
    }
    if has("Your Profile/") && name.eq_ignore_ascii_case("profile.csv") {
        return Some(Role::Profile);
    }
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    Some(match end {
        "csv" => match TABLES.iter().find(|known| **known == family(stem)) {
            Some(table) => Role::Table(table),
            None => Role::Beside("table-without-a-mapping"),
        },
        "json" => match LISTS.iter().find(|known| **known == family(stem)) {
            Some(list) => Role::List(list),
            None => Role::Beside("list-without-a-mapping"),
        },
        "txt" | "md" | "html" | "pdf" => Role::Other,
        _ => Role::Beside("other-file"),
    })
}

/// `heart_rate_2026-09-12` and `Daily SpO2 - 2026-09-01-2026-10-01` without what begins with a digit.
fn family(stem: &str) -> &str {
    let bytes = stem.as_bytes();
    let is_cut = |at: &usize| {
        matches!(bytes[*at], b'-' | b'_')
            && bytes[at + 1..]
                .iter()
                .find(|byte| **byte != b' ')
                .is_some_and(u8::is_ascii_digit)
    };
    match (0..bytes.len()).find(is_cut) {
        Some(at) => stem[..at].trim_end(),
        None => stem,
    }
}

/// Where the files of Fit lie, whatever the account's language calls it.
struct Fit<'e> {
    /// Folders that hold records.
    folders: HashSet<&'e str>,
    /// The product's own folders, of which those are a part: all in them is Fit's.
    products: HashSet<&'e str>,
}

impl<'e> Fit<'e> {
    /// By the first files of each folder: where none of them is a record, the folder holds none.
    fn of(archive: &Archive<'_>, entries: impl Iterator<Item = &'e Entry>) -> Self {
        let mut looks: HashMap<&str, u8> = HashMap::new();
        let mut fit = Self {
            folders: HashSet::new(),
            products: HashSet::new(),
        };
        for entry in entries.filter(|entry| entry.path.ends_with(".json")) {
            let folder = folder(&entry.path);
            let is_new = !looks.contains_key(folder);
            if fit.folders.contains(folder) || (is_new && looks.len() >= MAX_FOLDERS) {
                continue;
            }
            let looks = looks.entry(folder).or_default();
            if *looks >= MAX_LOOKS {
                continue;
            }
            *looks += 1;
            if look(archive, entry) != Role::Other {
                fit.folders.insert(folder);
                let product = self::folder(folder);
                if !product.is_empty() && product != WHOLE {
                    fit.products.insert(product);
                }
            }
        }
        fit
    }

    fn has(&self, path: &str) -> bool {
        let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
        path.contains("/Fit/") || above.any(|folder| self.products.contains(folder))
    }

    /// Of a file that is no tracker's.
    fn role(&self, archive: &Archive<'_>, entry: &Entry) -> Role {
        let is_of_fit = self.has(&entry.path);
        match entry.path.rsplit_once('.') {
            Some((_, "json")) if is_of_fit => match look(archive, entry) {
                Role::Other => Role::Beside("other-file"),
                role => role,
            },
            Some((_, "json")) if self.folders.contains(folder(&entry.path)) => look(archive, entry),
            Some((_, "tcx")) if is_of_fit => Role::Beside("track-file"),
            Some((_, "csv")) if is_of_fit => Role::Beside("summary-table"),
            _ => Role::Other,
        }
    }
}

/// The folder that a path lies in.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What the first bytes of a file of an archive say; nothing where it cannot be read.
fn look(archive: &Archive<'_>, entry: &Entry) -> Role {
    let file = archive.read(entry);
    file.map_or(Role::Other, |mut file| told(&first(&mut file, HEAD)))
}

/// What the first bytes of a JSON file say.
pub fn told(head: &[u8]) -> Role {
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    if has(b"\"Data Points\"") || has(b"\"Data Source\"") {
        Role::Points
    } else if has(b"\"fitnessActivity\"") && has(b"\"startTime\"") {
        Role::Session
    } else {
        Role::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_what_stands_before_the_date() {
        for (stem, expected) in [
            ("heart_rate_2026-09-12", "heart_rate"),
            ("heart_rate-2026-09-12", "heart_rate"),
            ("daily_resting_heart_rate", "daily_resting_heart_rate"),
            ("Daily SpO2 - 2026-09-01-2026-10-01", "Daily SpO2"),
            ("Minute SpO2 - 2026-09-01", "Minute SpO2"),
            ("exercise-100", "exercise"),
            ("UserSleeps_2026-09-01", "UserSleeps"),
            ("", ""),
        ] {
            assert_eq!(family(stem), expected);
        }
    }
}
