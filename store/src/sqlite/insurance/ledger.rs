//! Ledgers followed: what their lines say of those who are known, and what ends by it.

use std::collections::HashMap;

use model::checkup::Subject;
use model::{LocalDay, OrganisationId, PersonId};

use super::{Candidate, Hashes, candidates, hashes, insurances_of, insure, opened, with_tickets};
use crate::matching::{self, Likeness};
use crate::packages::Followed;
use crate::sqlite::writer::Writing;
use crate::{Insured, Result};

/// What the lines of a ledger say, where they are of somebody who is known.
pub(crate) fn follow(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    lines: &[Vec<Insured>],
) -> Result<Vec<Followed>> {
    let of_line =
        |line: &Vec<Insured>| -> Vec<Hashes> { line.iter().map(|told| hashes(writing, &told.subject)).collect() };
    let by_line: Vec<Vec<Hashes>> = lines.iter().map(of_line).collect();
    let all: Vec<Hashes> = by_line.iter().flatten().cloned().collect();
    let candidates = candidates(writing, organisation, &all)?;
    let mut followed = Vec::with_capacity(lines.len());
    for (line, hashes) in lines.iter().zip(&by_line) {
        followed.push(follow_line(writing, organisation, line, hashes, &candidates)?);
    }
    Ok(followed)
}

/// One line: all that it tells is of one person.
fn follow_line(
    writing: &Writing<'_>,
    organisation: OrganisationId,
    line: &[Insured],
    hashes: &[Hashes],
    candidates: &HashMap<Vec<u8>, Vec<Candidate>>,
) -> Result<Followed> {
    let (mut same, mut perhaps, mut known): (Vec<PersonId>, Option<&'static str>, Vec<Insured>) = Default::default();
    for (told, hashes) in line.iter().zip(hashes) {
        for candidate in hashes.iter().filter_map(|hash| candidates.get(hash)).flatten() {
            let insured = opened(writing, candidate)?;
            // When it holds is what the ledger says: only who it is matters here.
            let always = Insured {
                gained: None,
                lost: None,
                ..insured.clone()
            };
            let likeness = matching::compare(&told.subject, &always, LocalDay(0));
            // Whose ticket it is, a list of tickets tells by the number alone.
            let is_by_number = likeness == Likeness::OneOfTwins && !told.tickets.is_empty();
            if is_by_number || matches!(likeness, Likeness::Same(_)) {
                known.push(insured);
                if !same.contains(&candidate.person) {
                    same.push(candidate.person);
                }
            } else {
                perhaps = perhaps.or(likeness.doubt());
            }
        }
    }
    let person = match (same.as_slice(), perhaps) {
        ([one], _) => *one,
        ([], None) => return Ok(Followed::Unknown),
        ([], Some(why)) => return Ok(Followed::Possible(why.to_owned())),
        _ => return Ok(Followed::Possible("several people are known by the same".to_owned())),
    };
    let (mut is_changed, mut documents) = (false, 0);
    for ended in ended_by(&insurances_of(writing, organisation, person)?, line) {
        is_changed = true;
        documents += insure(writing, organisation, person, &ended)?;
    }
    for told in line.iter().filter(|told| matching::by_number(&told.subject).is_some()) {
        let before = matching::of_number(&known, &told.subject).and_then(|place| known.get(place));
        if !told.tickets.is_empty() {
            let after = before.map(|before| Insured {
                tickets: with_tickets(before.tickets.clone(), &told.tickets),
                ..before.clone()
            });
            if let Some(after) = after.filter(|after| Some(after) != before) {
                is_changed = true;
                documents += insure(writing, organisation, person, &after)?;
            }
            continue;
        }
        // Of what the ledger leaves open, what was said before stays.
        let told = Insured {
            subject: Subject {
                symbol: matching::symbol(&told.subject, before),
                branch: match told.subject.branch.is_empty() {
                    true => before.map_or(String::new(), |before| before.subject.branch.clone()),
                    false => told.subject.branch.clone(),
                },
                ..told.subject.clone()
            },
            residence: told.residence.or(before.and_then(|before| before.residence)),
            tickets: before.map_or(Vec::new(), |before| before.tickets.clone()),
            ..told.clone()
        };
        if !known.contains(&told) {
            is_changed = true;
            documents += insure(writing, organisation, person, &told)?;
        }
    }
    Ok(match is_changed {
        true => Followed::Changed(documents),
        false => Followed::Known,
    })
}

/// What of a person's insurances a line ends without telling of it: it says that one of the same insurer was lost on a day, by another
/// number or by none, as where the list has the number of whoever insures them since. What began later goes on.
fn ended_by(known: &[Insured], line: &[Insured]) -> Vec<Insured> {
    let is_told = |insured: &Insured| {
        let mut told = line
            .iter()
            .map(|told| matching::of_number(std::slice::from_ref(insured), &told.subject));
        told.any(|place| place.is_some())
    };
    let still_open = known
        .iter()
        .filter(|insured| insured.lost.is_none() && !is_told(insured));
    let ended = still_open.filter_map(|insured| {
        let of_insurer = line
            .iter()
            .filter(|told| matching::is_of_one_insurer(&told.subject, &insured.subject));
        let lost = of_insurer.filter_map(|told| told.lost).max()?;
        let has_begun = insured.gained.is_none_or(|gained| gained <= lost);
        has_begun.then(|| Insured {
            lost: Some(lost),
            ..insured.clone()
        })
    });
    ended.collect()
}
