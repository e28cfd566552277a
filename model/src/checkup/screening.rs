//! Municipalities' screenings (自治体検診): which there are, what each is, and which part of one a document tells.

use super::{Checkup, Item};
use crate::vocabulary::Metric;

/// One of municipalities' screenings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screening {
    /// The code of its report (報告区分).
    pub report: &'static str,
    /// The metric that says that it took place.
    pub event: Metric,
    /// The programme (OID 1.2.392.200119.6.1002) under which it is where nobody says which part of it.
    pub programme: &'static str,
}

/// All of them.
pub const SCREENINGS: [Screening; 8] = [
    of("51", Metric::CHECKUP_LUNG_CANCER, "060"),
    of("52", Metric::CHECKUP_BREAST_CANCER, "060"),
    of("53", Metric::CHECKUP_STOMACH_CANCER, "060"),
    of("54", Metric::CHECKUP_CERVICAL_CANCER, "060"),
    of("55", Metric::CHECKUP_COLORECTAL_CANCER, "060"),
    of("56", Metric::CHECKUP_HEPATITIS, "090"),
    of("57", Metric::CHECKUP_OSTEOPOROSIS, "990"),
    of("58", Metric::CHECKUP_DENTAL, "990"),
];

const fn of(report: &'static str, event: Metric, programme: &'static str) -> Screening {
    Screening {
        report,
        event,
        programme,
    }
}

impl Checkup {
    /// Which of municipalities' screenings it is; `None` for any other checkup.
    pub fn screening(&self) -> Option<&'static Screening> {
        let of = |report: &String| SCREENINGS.iter().find(|screening| screening.report == report);
        of(&self.report).or_else(|| of(&self.deletes))
    }

    /// The list that answers of an item are of here, where a document names none, as [`items::list_oid`](super::items::list_oid) takes
    /// it.
    pub fn list_of(&self, item: Item) -> &'static str {
        match self.screening() {
            Some(_) => item.list_of_screening(),
            None => item.list_on(self.day),
        }
    }

    /// Which part of a screening it is (検診区分): 1 the first test, 2 the closer one, 3 both. Programmes have three digits.
    pub fn part_of_screening(&self) -> Option<&str> {
        matches!(self.programme.as_str(), "1" | "2" | "3").then_some(&self.programme)
    }

    /// True where neither says another programme, or another part of a screening.
    pub(super) fn is_of_programme_of(&self, other: &Self) -> bool {
        let is_whole_of = |whole: &Self, part: &Self| {
            let screening = part.screening().filter(|_| part.part_of_screening().is_some());
            screening.is_some_and(|screening| screening.programme == whole.programme)
        };
        self.programme == other.programme || is_whole_of(self, other) || is_whole_of(other, self)
    }

    /// A request to delete, once it is known that it deletes this one: its screening, and its part where that is said.
    #[must_use]
    pub fn asked_for_by(&self, request: &Self) -> Self {
        let part = self.part_of_screening().unwrap_or(&request.programme);
        Self {
            programme: part.to_owned(),
            deletes: self.screening().map_or("", |screening| screening.report).to_owned(),
            ..request.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::Told;
    use crate::time::LocalDay;

    fn of(report: &str, programme: &str) -> Checkup {
        let day = LocalDay(20_000);
        Checkup {
            report: report.to_owned(),
            programme: programme.to_owned(),
            word: Told::Confirmed,
            ..Checkup::declared(Metric::CHECKUP_OTHER, day, day, Vec::new())
        }
    }

    #[test]
    fn two_screenings_of_one_day_and_facility_are_two() {
        let reports = ["10", "42", "51", "52", "53", "54", "55", "56", "57", "58"];
        for one in reports {
            for other in reports {
                let is_one = one == other || (["10", "42"].contains(&one) && ["10", "42"].contains(&other));
                assert_eq!(of(one, "1").is_same(&of(other, "1")), is_one, "{one} {other}");
            }
        }
        assert!(
            !of("51", "1").is_same(&of("51", "2")),
            "the first test and the closer one"
        );
    }

    #[test]
    fn a_request_to_delete_is_of_any_screening_until_it_is_known_of_which() {
        let lung = of("51", "1");
        assert!(of("49", "1").is_same(&lung) && lung.is_same(&of("49", "1")));
        assert!(
            of("49", "060").is_same(&lung) && lung.is_same(&of("49", "060")),
            "under its programme"
        );
        assert!(!of("49", "090").is_same(&lung) && !of("49", "010").is_same(&lung));
        let taken_back = lung.taken_back(LocalDay(20_100));
        assert!(taken_back.is_deletion() && taken_back.is_same(&lung));
        assert!(!taken_back.is_same(&of("53", "1")) && !of("53", "1").is_same(&taken_back));
        assert_eq!(taken_back.event(), Metric::CHECKUP_LUNG_CANCER);
        assert!(of("10", "010").taken_back(LocalDay(20_100)).is_same(&of("10", "010")));
    }

    #[test]
    fn under_its_programme_a_screening_is_of_whatever_part() {
        for Screening {
            report,
            programme,
            event,
        } in SCREENINGS
        {
            let whole = of(report, programme);
            assert_eq!((whole.event(), whole.official_programme()), (event, Some(programme)));
            for part in ["1", "2", "3"] {
                let part = of(report, part);
                assert!(whole.is_same(&part) && part.is_same(&whole), "{report}");
                assert_eq!(part.event(), event);
            }
            for other in SCREENINGS.iter().filter(|other| other.report != report) {
                assert!(!whole.is_same(&of(other.report, "1")), "{report} {}", other.report);
            }
            assert!(
                !of("10", programme).is_same(&of(report, "1")),
                "not told as a screening"
            );
        }
        assert!(of("57", "990").took_place());
    }

    #[test]
    fn a_request_is_of_the_part_that_it_deletes() {
        let (lung, request) = (of("51", "2"), of("49", "060"));
        let known = lung.asked_for_by(&request);
        assert_eq!((known.programme.as_str(), known.deletes.as_str()), ("2", "51"));
        assert!(known.is_same(&lung) && !known.is_same(&of("51", "1")));
        let whole = of("51", "060").asked_for_by(&of("49", "1"));
        assert_eq!((whole.programme.as_str(), whole.deletes.as_str()), ("1", "51"));
    }

    #[test]
    fn a_part_of_a_screening_is_no_programme() {
        assert_eq!(
            (of("51", "2").official_programme(), of("51", "2").part_of_screening()),
            (None, Some("2"))
        );
        assert_eq!(
            (
                of("10", "010").official_programme(),
                of("10", "010").part_of_screening()
            ),
            (Some("010"), None)
        );
    }
}
