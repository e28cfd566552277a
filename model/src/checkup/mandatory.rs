//! What every specific checkup has (特定健診, 第4期): items of which one that is missing says that a document is not whole.

use super::Checkup;
use super::items::FOURTH_PERIOD;

/// Of each line one is enough. The first five characters of an item's code say what is examined; the rest say how (JLAC10).
const MANDATORY: &[&[&str]] = &[
    &["9N001"],                   // height
    &["9N006"],                   // weight
    &["9N011"],                   // BMI
    &["9N016", "9N021"],          // waist, or fat inside
    &["9N056"],                   // diseases one has had
    &["9N061"],                   // symptoms one feels
    &["9N066"],                   // symptoms that are seen
    &["9A751", "9A752", "9A755"], // systolic pressure
    &["9A761", "9A762", "9A765"], // diastolic pressure
    &["9N141"],                   // when blood was taken
    &["3F015"],                   // triglycerides, fasting or not
    &["3F070"],                   // HDL
    &["3F077", "3F069"],          // LDL, or non-HDL
    &["3B035"],                   // AST
    &["3B045"],                   // ALT
    &["3B090"],                   // γ-GT
    &["3D010", "3D046"],          // glucose, or HbA1c
    &["1A020"],                   // glucose in urine
    &["1A010"],                   // protein in urine
    &["9N501"],                   // metabolic syndrome
    &["9N506"],                   // level of guidance
    &["9N511"],                   // what the doctor says
    &["9N701"],                   // medicine for blood pressure
    &["9N706"],                   // for glucose
    &["9N711"],                   // for lipids
    &["9N736"],                   // smoking
];

/// True for a specific checkup that does not say of every such item what was found, or that it was not examined.
pub(super) fn lacks(checkup: &Checkup) -> bool {
    let is_specific = checkup.report == "10" && checkup.programme == "010";
    if !is_specific || checkup.day < FOURTH_PERIOD {
        return false;
    }
    let is_there = |one: &&str| {
        let mut findings = checkup.findings.iter();
        findings.any(|finding| finding.item.row().code.starts_with(one))
    };
    !MANDATORY.iter().all(|ones| ones.iter().any(is_there))
}

#[cfg(test)]
mod tests {
    use super::super::{Finding, Found, Item, Organisation, Subject, Told};
    use super::*;
    use crate::LocalDay;

    /// A checkup in which every item of these was left out by the one who examined.
    fn checkup(items: &[Item]) -> Checkup {
        let finding = |item: &Item| Finding::new(*item, Found::NotPerformed);
        Checkup {
            report: "10".to_owned(),
            programme: "010".to_owned(),
            day: FOURTH_PERIOD,
            written: FOURTH_PERIOD,
            facility: Organisation::default(),
            author: Organisation::default(),
            subject: Subject::default(),
            findings: items.iter().map(finding).collect(),
            word: Told::Confirmed,
            deletes: String::new(),
            year_only: false,
        }
    }

    #[test]
    fn what_one_item_less_makes_of_a_whole_checkup() {
        for ones in MANDATORY {
            for one in *ones {
                assert!(Item::all().any(|item| item.row().code.starts_with(one)), "{one}");
            }
        }
        let all: Vec<Item> = Item::all().collect();
        assert!(!lacks(&checkup(&all)), "what was not examined is said to be so");
        assert!(lacks(&checkup(&[])));
        let without = |ones: &[&str]| {
            let is_one = |item: &Item| ones.iter().any(|one| item.row().code.starts_with(one));
            all.iter().copied().filter(|item| !is_one(item)).collect::<Vec<_>>()
        };
        for ones in MANDATORY {
            assert!(lacks(&checkup(&without(ones))), "{ones:?}");
            for other in ones.iter().filter(|_| ones.len() > 1) {
                assert!(!lacks(&checkup(&without(&[other]))), "{other}");
            }
        }
    }

    #[test]
    fn what_is_no_specific_checkup_of_the_fourth_period_need_not_have_them() {
        let changes: [fn(&mut Checkup); 3] = [
            |checkup| checkup.programme = "020".to_owned(),
            |checkup| checkup.report = "40".to_owned(),
            |checkup| checkup.day = LocalDay(FOURTH_PERIOD.0 - 1),
        ];
        for change in changes {
            let mut other = checkup(&[]);
            change(&mut other);
            assert!(!lacks(&other));
        }
    }
}
