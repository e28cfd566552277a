//! What a resident says themselves of a checkup: its kind, and the day or no more than the fiscal year; and what that gives way to.

use super::{Checkup, Finding, Organisation, Subject, Told};
use crate::time::LocalDay;
use crate::vocabulary::Metric;

/// Stands before the kind where a resident declares it: no programme of OID 1.2.392.200119.6.1002 is written so.
pub(super) const DECLARED: &str = "declared:";

/// The first fiscal year of specific health checkups (特定健診), and of the records that insurers keep of them: earlier ones are
/// confirmed by nobody.
pub const FIRST_YEAR: i32 = 2008;

/// The fiscal year of a day: April to March.
pub fn fiscal_year(day: LocalDay) -> i32 {
    let (year, month, _) = day.ymd();
    year - i32::from(month < 4)
}

/// The first and the last day of a fiscal year; `None` beyond what days can say.
pub fn fiscal_year_days(year: i32) -> Option<(LocalDay, LocalDay)> {
    let first = LocalDay::from_ymd(year, 4, 1)?;
    Some((first, LocalDay::from_ymd(year.checked_add(1)?, 3, 31)?))
}

impl Checkup {
    /// What a resident says themselves: that a checkup of a kind took place on a day, and what they remember of it.
    pub fn declared(kind: Metric, day: LocalDay, said: LocalDay, findings: Vec<Finding>) -> Self {
        Self {
            report: "10".to_owned(),
            programme: format!("{DECLARED}{}", kind.key()),
            day,
            written: said,
            facility: Organisation::default(),
            author: Organisation::default(),
            subject: Subject::default(),
            findings,
            word: Told::Declared,
            deletes: String::new(),
            year_only: false,
        }
    }

    /// As [`Checkup::declared`], by whoever knows no more than the fiscal year of it; `None` beyond what days can say.
    ///
    /// It has no results: a number of some day of a year is of no day that others could be compared with.
    pub fn declared_of_year(kind: Metric, year: i32, said: LocalDay) -> Option<Self> {
        let (first, _) = fiscal_year_days(year)?;
        Some(Self {
            year_only: true,
            ..Self::declared(kind, first, said, Vec::new())
        })
    }

    /// The days within which it took place, the first and the last: one and the same but where no more than the year is known.
    pub fn days(&self) -> (LocalDay, LocalDay) {
        let year = self.year_only.then(|| fiscal_year_days(fiscal_year(self.day)));
        year.flatten().unwrap_or((self.day, self.day))
    }

    /// True where another tells of the same kind and fiscal year and knows it better: a facility or insurer better than the
    /// resident, and the resident with the day better than without.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        let knows = |checkup: &Self| {
            let names_its_kind = checkup.event() != Metric::CHECKUP_CANCER;
            (checkup.word.is_document(), names_its_kind, !checkup.year_only)
        };
        self.is_of_kind_and_year(other) && !self.word.is_document() && knows(self) < knows(other)
    }

    /// True where both are of one kind and one fiscal year. A screening for cancer that does not say which is of the kind of each that
    /// does: a resident seldom says more, and it must not count beside the one that they meant. A checkup of the whole body, of which
    /// the resident and a document say different kinds, is one where its day is one or not said.
    pub fn is_of_kind_and_year(&self, other: &Self) -> bool {
        let (kind, others) = (self.event(), other.event());
        let is_whichever = |one: Metric, other: Metric| one == Metric::CHECKUP_CANCER && CANCERS.contains(&other);
        let is_of_kind = kind == others || is_whichever(kind, others) || is_whichever(others, kind);
        fiscal_year(self.day) == fiscal_year(other.day) && (is_of_kind || self.is_general_as(other))
    }

    /// True where a resident and a document say, perhaps by different names, that the whole body was looked at: an insurer reports what
    /// was done at work or as a comprehensive checkup as the specific one, and who turned 75 may not know that theirs is another one.
    fn is_general_as(&self, other: &Self) -> bool {
        let is_general = |checkup: &Self| GENERAL.contains(&checkup.event()) || checkup.programme == EQUIVALENT;
        let is_of_day = self.day == other.day || self.year_only || other.year_only;
        self.word.is_document() != other.word.is_document() && is_general(self) && is_general(other) && is_of_day
    }

    /// The request that takes this checkup back, said on a day.
    #[must_use]
    pub fn taken_back(&self, said: LocalDay) -> Self {
        Self {
            report: "19".to_owned(),
            written: said.max(self.written),
            findings: Vec::new(),
            deletes: self.screening().map_or("", |screening| screening.report).to_owned(),
            ..self.clone()
        }
    }
}

/// Screenings for cancer that say for which.
const CANCERS: [Metric; 5] = [
    Metric::CHECKUP_LUNG_CANCER,
    Metric::CHECKUP_BREAST_CANCER,
    Metric::CHECKUP_STOMACH_CANCER,
    Metric::CHECKUP_CERVICAL_CANCER,
    Metric::CHECKUP_COLORECTAL_CANCER,
];

/// Checkups of the whole body that may be one, by whatever name.
const GENERAL: [Metric; 4] = [
    Metric::CHECKUP_SPECIFIC,
    Metric::CHECKUP_ELDERLY,
    Metric::CHECKUP_WORKPLACE,
    Metric::CHECKUP_COMPREHENSIVE,
];

/// The programme of what others than insurers do in place of the specific checkup (OID 1.2.392.200119.6.1002).
const EQUIVALENT: &str = "070";

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> LocalDay {
        LocalDay::parse(text).expect("a day")
    }

    fn of_year(year: i32) -> Checkup {
        Checkup::declared_of_year(Metric::CHECKUP_DENTAL, year, day("2026-05-01")).expect("a year")
    }

    #[test]
    fn a_fiscal_year_is_from_april_to_march_and_holds_its_days_and_no_others() {
        for year in [1999, 2008, 2023, 2024] {
            let (first, last) = fiscal_year_days(year).expect("a year");
            assert_eq!((fiscal_year(first), fiscal_year(last)), (year, year));
            assert_eq!(
                (fiscal_year(first.plus(-1)), fiscal_year(last.plus(1))),
                (year - 1, year + 1)
            );
        }
        assert_eq!(fiscal_year_days(2024), Some((day("2024-04-01"), day("2025-03-31"))));
        assert_eq!(fiscal_year_days(i32::MAX), None);
    }

    #[test]
    fn of_a_checkup_of_a_year_the_whole_year_is_said_and_of_one_of_a_day_the_day() {
        assert_eq!(of_year(2024).days(), (day("2024-04-01"), day("2025-03-31")));
        assert_eq!(of_year(2024).taken_back(day("2026-05-02")).days(), of_year(2024).days());
        let on = Checkup::declared(Metric::CHECKUP_DENTAL, day("2024-04-01"), day("2026-05-01"), Vec::new());
        assert_eq!(on.days(), (on.day, on.day));
    }

    #[test]
    fn the_year_gives_way_to_the_day_and_the_resident_to_the_document() {
        let on = Checkup::declared(Metric::CHECKUP_DENTAL, day("2025-03-31"), day("2026-05-01"), Vec::new());
        let confirmed = Checkup {
            report: "58".to_owned(),
            programme: "1".to_owned(),
            word: Told::Confirmed,
            ..on.clone()
        };
        let rising = [of_year(2024), on, confirmed];
        for (place, one) in rising.iter().enumerate() {
            for (other_place, other) in rising.iter().enumerate() {
                assert_eq!(one.gives_way_to(other), place < other_place, "{place} {other_place}");
            }
        }
        assert!(!of_year(2023).gives_way_to(&rising[1]), "another year's");
    }

    #[test]
    fn a_screening_for_cancer_gives_way_to_one_that_says_for_which() {
        let said = |kind| Checkup::declared(kind, day("2025-03-31"), day("2026-05-01"), Vec::new());
        let whichever = said(Metric::CHECKUP_CANCER);
        for kind in CANCERS {
            assert!(whichever.is_of_kind_and_year(&said(kind)) && said(kind).is_of_kind_and_year(&whichever));
            assert!(whichever.gives_way_to(&said(kind)) && !said(kind).gives_way_to(&whichever));
            let of_the_year = Checkup::declared_of_year(kind, 2024, day("2026-05-01")).expect("a year");
            assert!(whichever.gives_way_to(&of_the_year) && of_the_year.gives_way_to(&said(kind)));
        }
        let (lung, breast) = (said(Metric::CHECKUP_LUNG_CANCER), said(Metric::CHECKUP_BREAST_CANCER));
        assert!(!lung.is_of_kind_and_year(&breast) && !whichever.is_of_kind_and_year(&said(Metric::CHECKUP_DENTAL)));
    }

    #[test]
    fn a_checkup_of_the_whole_body_gives_way_to_the_document_of_its_day_whatever_either_calls_it() {
        let today = day("2026-05-01");
        let told = |programme: &str, on: &str| Checkup {
            programme: programme.to_owned(),
            word: Told::Confirmed,
            ..Checkup::declared(Metric::CHECKUP_SPECIFIC, day(on), today, Vec::new())
        };
        for programme in ["010", "020", "030", "070"] {
            let document = told(programme, "2025-03-31");
            for kind in GENERAL {
                let on = |on: &str| Checkup::declared(kind, day(on), today, Vec::new());
                let of_year = Checkup::declared_of_year(kind, 2024, today).expect("a year");
                for said in [on("2025-03-31"), of_year] {
                    assert!(said.gives_way_to(&document) && !document.gives_way_to(&said));
                }
                // Of another day it may be another one, unless it is of the same kind, of which a year has one.
                assert_eq!(on("2025-03-30").gives_way_to(&document), kind == document.event());
                assert!(!on("2025-04-01").gives_way_to(&document));
            }
            let dental = Checkup::declared(Metric::CHECKUP_DENTAL, day("2025-03-31"), today, Vec::new());
            assert!(!dental.gives_way_to(&document));
        }
        // What residents say of two kinds, and documents tell of two, are two.
        let [specific, comprehensive] = [Metric::CHECKUP_SPECIFIC, Metric::CHECKUP_COMPREHENSIVE]
            .map(|kind| Checkup::declared(kind, day("2025-03-31"), today, Vec::new()));
        assert!(!specific.is_of_kind_and_year(&comprehensive));
        assert!(!told("010", "2025-03-31").is_of_kind_and_year(&told("030", "2025-03-31")));
    }
}
