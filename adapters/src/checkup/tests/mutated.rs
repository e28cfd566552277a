//! Documents whose elements somebody deleted, swapped, repeated, moved or renamed, that were cut off or had a byte changed, or into
//! which something of another person's came: each gives a reason or a reading, and never a record of somebody else.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use model::checkup::Subject;
use proptest::sample::Index;

use super::elements::{Act, Changed, Elements, change, changes, item_of, places, put};
use super::*;

/// Other people, whom a record must not be of by mistake.
static OTHERS: LazyLock<Vec<Subject>> = LazyLock::new(|| (0..400).map(|seed| MadeUp::of(seed).subject).collect());

/// True where one is taken for the other: by number and birth date, or by name, birth date, sex and postal code.
fn may_be(one: &Subject, other: &Subject) -> bool {
    let numbers = |subject: &Subject| [&subject.insurer, &subject.symbol, &subject.number].map(String::clone);
    let named = |subject: &Subject| (subject.name.clone(), subject.sex, subject.postal_code.clone());
    one.birth == other.birth && (numbers(one) == numbers(other) || named(one) == named(other))
}

/// Fails where a record is of somebody else than its document was of.
pub(super) fn is_nobody_elses(subject: &Subject, of: &Subject) -> Result<(), TestCaseError> {
    for other in OTHERS.iter().filter(|other| !may_be(of, other)) {
        prop_assert!(!may_be(subject, other), "{subject:?} may be {other:?}");
    }
    Ok(())
}

/// The one checkup of a document, if any: a document without one says why.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Checkup>, TestCaseError> {
    let (collected, reading) = harness::read(&CheckupDocuments, bytes);
    let records = collected.records();
    let (mut read, mut left_out) = (Vec::new(), 0);
    for piece in collected.pieces {
        match piece {
            Handed::Checkup(brought) => read.push(brought.checkup),
            Handed::NotStored(some) => left_out += some.len() as u64,
            _ => {}
        }
    }
    match reading {
        Ok(reading) => {
            let accounting = reading.accounting;
            prop_assert!(accounting.adds_up());
            prop_assert_eq!((reading.samples, accounting.received), (records, left_out));
            prop_assert!(read.len() <= 1);
            prop_assert!(
                !read.is_empty() || !accounting.reasons.is_empty(),
                "nothing, and no reason"
            );
        }
        Err(_) => prop_assert!(read.is_empty()),
    }
    Ok(read.pop())
}

fn sorted(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = findings.collect();
    findings.sort_by_key(|finding| (finding.item, finding.reading));
    findings
}

/// Fails where a result of an item that was not touched is not as it was.
fn is_untouched(read: &Checkup, made: &Checkup, touched: &BTreeSet<Item>) -> Result<(), TestCaseError> {
    let others = |checkup: &Checkup| {
        let findings = checkup.findings.iter();
        sorted(findings.filter(|finding| !touched.contains(&finding.item)).cloned())
    };
    let (read, made) = (others(read), others(made));
    let other = read.iter().zip(&made).find(|(read, made)| read != made);
    prop_assert!(other.is_none(), "{other:?}");
    prop_assert_eq!(read.len(), made.len());
    Ok(())
}

/// Fails where a result is not one that a document tells, of its item where results were left whole.
fn is_told(read: &Checkup, by: &[&Checkup], mixes_results: bool) -> Result<(), TestCaseError> {
    for finding in &read.findings {
        let mut told = by.iter().flat_map(|checkup| &checkup.findings);
        let is_told = told.any(|told| (mixes_results || told.item == finding.item) && told.result == finding.result);
        prop_assert!(is_told, "nobody tells {finding:?}");
    }
    Ok(())
}

/// What of a subject is told is what was told.
pub(super) fn is_same_or_unsaid<T: PartialEq + Default>(read: &T, made: &T) -> bool {
    read == made || *read == T::default()
}

pub(super) fn has_own_numbers(read: &Subject, made: &Subject) -> bool {
    is_same_or_unsaid(&read.insurer, &made.insurer)
        && is_same_or_unsaid(&read.symbol, &made.symbol)
        && is_same_or_unsaid(&read.number, &made.number)
        && is_same_or_unsaid(&read.branch, &made.branch)
}

fn is_nothing_but(read: &Subject, made: &Subject) -> bool {
    has_own_numbers(read, made)
        && is_same_or_unsaid(&read.name, &made.name)
        && is_same_or_unsaid(&read.birth, &made.birth)
        && is_same_or_unsaid(&read.sex, &made.sex)
        && is_same_or_unsaid(&read.postal_code, &made.postal_code)
        && read.care_number.is_empty()
}

proptest! {
    #[test]
    fn elements_that_are_missing_or_elsewhere_give_a_reason_and_nobody_elses_results(
        seed in 0u64..400, changes in prop::collection::vec(changes(), 1..4)
    ) {
        let made = MadeUp::of(seed).checkup(2025);
        let (mut text, mut touched, mut mixes_results) = (document(&made), BTreeSet::new(), false);
        for &one in &changes {
            let changed = change(&text, one);
            text = changed.text;
            touched.extend(changed.touched);
            mixes_results |= changed.mixes_results;
        }
        let Some(read) = read(text.as_bytes())? else { return Ok(()) };
        is_nobody_elses(&read.subject, &made.subject)?;
        prop_assert!(has_own_numbers(&read.subject, &made.subject), "{:?}", read.subject);
        is_untouched(&read, &made, &touched)?;
        let has = |act: Act| changes.iter().any(|change| change.act == act);
        // Under another name an element may be another word of the same document.
        if !has(Act::Rename) {
            is_told(&read, &[&made], mixes_results)?;
            prop_assert!(has(Act::Move) || is_nothing_but(&read.subject, &made.subject), "{:?}", read.subject);
        }
    }

    #[test]
    fn a_byte_that_is_another_gives_a_reason_and_nobody_elses_results(
        seed in 0u64..400, at in any::<Index>(), other in 1u8..
    ) {
        let made = MadeUp::of(seed).checkup(2025);
        let text = document(&made);
        let at = at.index(text.len());
        let (element, mut touched) = Elements::of(&text).at_byte(at);
        let mut bytes = text.into_bytes();
        bytes[at] ^= other;
        // One digit can make another item of one.
        touched.extend(item_of(&String::from_utf8_lossy(&bytes[element])));
        let Some(read) = read(&bytes)? else { return Ok(()) };
        is_nobody_elses(&read.subject, &made.subject)?;
        // One byte can make a request to delete of a report: it is of the same person.
        if !read.is_deletion() {
            is_untouched(&read, &made, &touched)?;
        }
    }

    #[test]
    fn a_document_that_is_cut_off_is_no_record(seed in 0u64..400, at in any::<Index>()) {
        let text = document(&MadeUp::of(seed).checkup(2025));
        let at = at.index(Elements::of(&text).end());
        prop_assert_eq!(read(&text.as_bytes()[..at])?, None);
    }

    #[test]
    fn what_comes_from_another_persons_document_makes_no_record_of_that_person(
        seed in 0u64..400, apart in 1u64..400, which in [places(), places()], place in any::<Index>(), is_at_home in any::<bool>()
    ) {
        let [made, other] = [seed, seed + apart].map(|seed| MadeUp::of(seed).checkup(2025));
        let Changed { text, touched, mixes_results } = put(&document(&made), &document(&other), which, place, is_at_home);
        let Some(read) = read(text.as_bytes())? else { return Ok(()) };
        is_nobody_elses(&read.subject, &made.subject)?;
        prop_assert!(!may_be(&read.subject, &other.subject));
        let own = Subject { name: read.subject.name.clone(), ..made.subject.clone() };
        prop_assert_eq!(&read.subject, &own);
        is_untouched(&read, &made, &touched)?;
        is_told(&read, &[&made, &other], mixes_results)?;
    }
}

#[test]
fn another_persons_record_is_seen_where_it_comes_out() {
    let [one, other] = [1, 2].map(|seed| MadeUp::of(seed).checkup(2025));
    assert!(is_nobody_elses(&one.subject, &one.subject).is_ok());
    assert!(is_nobody_elses(&other.subject, &one.subject).is_err());
    assert!(is_untouched(&other, &one, &BTreeSet::new()).is_err());
    assert!(is_told(&other, &[&one], false).is_err() && is_told(&other, &[&one, &other], false).is_ok());
    let by_name = Subject {
        number: one.subject.number.clone(),
        ..other.subject.clone()
    };
    assert!(is_nobody_elses(&by_name, &one.subject).is_err(), "{by_name:?}");
}

/// The text of the first element of a name.
fn part<'t>(text: &'t str, name: &str) -> &'t str {
    let from = text.find(&format!("<{name}>")).unwrap();
    let end = format!("</{name}>");
    &text[from..from + text[from..].find(&end).unwrap() + end.len()]
}

#[test]
fn a_document_that_names_two_people_is_nobodys() {
    let [one, two] = [3, 4].map(|seed| document(&MadeUp::of(seed).checkup(2025)));
    let own = MadeUp::of(3).subject;
    for name in ["recordTarget", "patientRole", "patient"] {
        let (first, second) = (part(&one, name), part(&two, name));
        for both in [format!("{first}{second}"), format!("{second}{first}")] {
            let (read, reading) = checkups(one.replace(first, &both).as_bytes());
            let reasons = reading.unwrap().accounting.reasons;
            assert!(read.is_empty(), "{name}");
            let reasons: Vec<_> = reasons.keys().map(|(_, reason)| reason.as_str()).collect();
            assert_eq!(reasons, ["several-people"], "{name}");
        }
        let twice = one.replace(first, &first.repeat(2));
        assert_eq!(super::read(&twice).0.subject, own, "one person who is named twice");
    }
    let number = "<id root=\"1.2.392.200119.6.205\" extension=\"0000003\"/>";
    let other = |extension: &str| one.replace(number, &format!("{number}{}", number.replace("0000003", extension)));
    assert!(checkups(other("0000004").as_bytes()).0.is_empty());
    assert_eq!(
        super::read(&other("３")).0.subject,
        own,
        "one number that is written twice"
    );
}
