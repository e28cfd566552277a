//! Which file of an archive is what. Names of the old tracker's files do not depend on the account's language; those of Fit do, and
//! are cut, so its files are told by their first bytes.

use std::collections::HashMap;

use crate::AdapterError;
use crate::archive::{Archive, Entry, first};

/// Bytes of a file by which it is told.
const HEAD: usize = 4 * 1024;
/// Files of a folder that are looked into, and folders.
const MAX_LOOKS: u8 = 3;
const MAX_FOLDERS: usize = 4_000;

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
pub fn roles(archive: &Archive<'_>) -> Result<Vec<Role>, AdapterError> {
    let mut folders: HashMap<&str, (u8, bool)> = HashMap::new();
    let mut roles = Vec::with_capacity(archive.entries.len());
    for entry in &archive.entries {
        let known = of_tracker(entry);
        roles.push(match known {
            Some(role) => role,
            None => of_fit(archive, entry, &mut folders)?,
        });
    }
    Ok(roles)
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

/// Of Fit, by the first bytes; of a folder in which none of the first files is, none is.
fn of_fit<'e>(
    archive: &Archive<'_>,
    entry: &'e Entry,
    folders: &mut HashMap<&'e str, (u8, bool)>,
) -> Result<Role, AdapterError> {
    let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let is_of_fit = entry.path.contains("/Fit/");
    if !entry.path.ends_with(".json") {
        return Ok(match (is_of_fit, entry.path.rsplit_once('.')) {
            (true, Some((_, "tcx"))) => Role::Beside("track-file"),
            (true, Some((_, "csv"))) => Role::Beside("summary-table"),
            _ => Role::Other,
        });
    }
    if folders.len() >= MAX_FOLDERS && !folders.contains_key(folder) {
        return Ok(Role::Other);
    }
    let (looks, is_known) = folders.entry(folder).or_default();
    if !*is_known && *looks >= MAX_LOOKS && !is_of_fit {
        return Ok(Role::Other);
    }
    *looks = looks.saturating_add(1);
    let Ok(mut file) = archive.read(entry) else {
        return Ok(Role::Other);
    };
    let role = told(&first(&mut file, HEAD));
    *is_known |= role != Role::Other;
    Ok(match (role, is_of_fit) {
        (Role::Other, true) => Role::Beside("other-file"),
        (role, _) => role,
    })
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
