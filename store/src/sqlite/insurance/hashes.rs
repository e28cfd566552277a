//! The keyed hashes by which subjects are found, and what was kept by former ones: derived anew when a folder is opened.
//!
//! What names and numbers are for comparison grows (a form of a kanji, a part that documents leave out), and with it what is hashed. A row
//! bears the derivation its hashes were made by. The first opening by a version that makes them otherwise goes through the others, some
//! at a time: whoever is cut off there goes on with those that are left.

use model::PersonId;
use model::checkup::Subject;
use rusqlite::params;

use super::{Candidate, opened};
use crate::sqlite::database::{Database, Snapshot};
use crate::sqlite::fault::Doing as _;
use crate::sqlite::writer::Writing;
use crate::{Result, matching};

/// Which derivation [`hashes`] is: another number whenever it makes anything else of a subject.
pub(crate) const DERIVATION: u32 = 1;

/// The keyed hashes by which a subject is found: of the number, of the name, and of the number of care insurance. Empty where it says
/// too little for one.
pub(crate) type Hashes = [Vec<u8>; 3];

/// The columns that hold them.
pub(super) const COLUMNS: [&str; 3] = ["number_hash", "name_hash", "care_hash"];

/// The keyed hashes of a subject.
pub(crate) fn hashes(snapshot: &Snapshot<'_>, subject: &Subject) -> Hashes {
    hashed_of(subject).map(|(what, parts)| {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        match parts.is_empty() {
            true => Vec::new(),
            false => snapshot.keys().lookup_hash(what, &parts),
        }
    })
}

/// What is hashed of a subject, and as what; no parts where it says too little.
fn hashed_of(subject: &Subject) -> [(&'static str, Vec<String>); 3] {
    fn all<const N: usize>(parts: Option<[String; N]>) -> Vec<String> {
        parts.map_or_else(Vec::new, Vec::from)
    }
    [
        ("insurance.own-number", all(matching::by_number(subject))),
        ("insurance.name", all(matching::by_name(subject))),
        ("insurance.care", all(matching::by_care(subject))),
    ]
}

/// Insurances that are derived anew in one unit: some twenty milliseconds.
const AT_ONCE: u32 = 500;

/// True where a table holds hashes of another derivation: two looks into its index, since it is asked at each opening.
pub(crate) fn has_others(snapshot: &Snapshot<'_>, table: &'static str) -> Result<bool> {
    let any = |beside| format!("EXISTS (SELECT 1 FROM {table} WHERE derivation {beside} ?1)");
    snapshot
        .query_row(&format!("SELECT {} OR {}", any("<"), any(">")), [DERIVATION], |row| {
            row.get(0)
        })
        .doing("looking for hashes of another derivation")
}

/// Derives anew the hashes of all insurances that were made by another derivation; how many. Blocks.
pub(crate) fn derive_anew(database: &Database) -> Result<u64> {
    if !database.read_blocking(|snapshot| has_others(snapshot, "insurance"))? {
        return Ok(0);
    }
    let (mut after, mut derived) = (Some((PersonId(0), 0)), 0);
    while let Some(from) = after {
        let unit = database.queue("derive insurances anew", true, move |writing| {
            derive_some(writing, from, AT_ONCE)
        })?;
        let (more, next) = unit.wait()?;
        (after, derived) = (next, derived + more);
    }
    if derived > 0 {
        tracing::info!(derived, "by what insured people are found was derived anew");
    }
    Ok(derived)
}

/// Those of the next insurances after a person's of a number; how many, and after which to go on.
pub(super) fn derive_some(
    writing: &Writing<'_>,
    after: (PersonId, i64),
    at_once: u32,
) -> Result<(u64, Option<(PersonId, i64)>)> {
    let rows: Vec<Candidate> = writing
        .prepare_cached(
            "SELECT number, body, person FROM insurance
             WHERE derivation <> ?1 AND (person, number) > (?2, ?3) ORDER BY person, number LIMIT ?4",
        )
        .and_then(|mut statement| {
            let bound = params![DERIVATION, after.0.0, after.1, at_once];
            statement
                .query_map(bound, |row| Candidate::of(PersonId(row.get(2)?), row))?
                .collect()
        })
        .doing("looking for insurances to derive anew")?;
    let next = rows.last().filter(|_| rows.len() == at_once as usize);
    let next = next.map(|row| (row.person, row.number));
    let mut derived = 0;
    for row in rows {
        let insured = match opened(writing, &row) {
            Ok(insured) => insured,
            Err(error) => {
                // It finds nobody either way, and everybody else's is no worse for it.
                tracing::warn!(person = %row.person, %error, "an insurance could not be derived anew");
                continue;
            }
        };
        let [number_hash, name_hash, care_hash] = hashes(writing, &insured.subject);
        writing
            .prepare_cached(
                "UPDATE insurance SET number_hash = ?3, name_hash = ?4, care_hash = ?5, derivation = ?6
                 WHERE person = ?1 AND number = ?2",
            )
            .and_then(|mut statement| {
                let bound = params![row.person.0, row.number, number_hash, name_hash, care_hash, DERIVATION];
                statement.execute(bound)
            })
            .doing("deriving an insurance anew")?;
        derived += 1;
    }
    Ok((derived, next))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{Context, SHA256};
    use model::LocalDay;

    use super::*;

    /// A change that passes here unseen would find nobody who was kept before it.
    #[test]
    fn whatever_is_hashed_otherwise_is_another_derivation() {
        let mut sum = Context::new(&SHA256);
        // All characters of the planes in use, some at once, and what comes of several.
        let characters: Vec<char> = ('\u{0}'..'\u{33480}').chain('\u{e0100}'..'\u{e01f0}').collect();
        let characters = characters.chunks(16).map(|some| some.iter().collect());
        let several = ["００-１２３", "ｶﾞｷﾞ", "か\u{3099}", "ギュー・ヨウ", "葛\u{e0100}城"].map(str::to_owned);
        for text in characters.chain(several) {
            let subject = Subject {
                insurer: format!("1{text}2"),
                symbol: "見本".to_owned(),
                number: format!("3{text}4"),
                care_number: format!("5{text}"),
                name: text,
                postal_code: "999-9999".to_owned(),
                birth: Some(LocalDay(0)),
                sex: Some(2),
                ..Subject::default()
            };
            for (what, parts) in hashed_of(&subject) {
                sum.update(what.as_bytes());
                for part in parts {
                    sum.update(&[0]);
                    sum.update(part.as_bytes());
                }
            }
        }
        let sum = sum.finish();
        assert_eq!(
            (DERIVATION, &sum.as_ref()[..4]),
            (1, &[30, 190, 80, 133][..]),
            "raise DERIVATION with the sum, so that what is kept is derived anew"
        );
    }
}
