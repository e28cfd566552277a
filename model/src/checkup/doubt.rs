//! Whether a document's own judgements fit its values, and it has what its programme asks for: a word for the operator, never a judgement of
//! ours.
//!
//! Two judgements are made by published rules of a few values: metabolic syndrome (メタボリックシンドローム判定) and the level of
//! guidance (保健指導レベル, 階層化 of the fourth period). Where a value is missing, or two readings or two tests of the same thing
//! disagree, each side of the doubt is let pass: what is told here no reading of the values can explain.

use super::{Checkup, Found, Item, fiscal_year, mandatory};
use crate::{Decimal, LocalDay, Metric};

/// A judgement that its values do not explain, or that something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Metabolic syndrome.
    Metabolic,
    /// The level of guidance.
    GuidanceLevel,
    /// Items that every specific checkup has.
    Missing,
}

/// How every word of a doubt begins.
pub const DOUBTFUL: &str = "doubtful: ";

impl Doubt {
    /// In words for an operator, without any value.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Metabolic => "doubtful: the judgement of metabolic syndrome does not fit its values",
            Self::GuidanceLevel => "doubtful: the level of guidance does not fit its values",
            Self::Missing => "doubtful: an item is missing that every specific checkup has",
        }
    }
}

/// How a criterion stands: not met, met, or one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    No,
    Perhaps,
    Yes,
}

impl Met {
    /// Of several values: met where all say so, perhaps where they disagree or there are none.
    fn of(values: &[Decimal], is_met: impl Fn(Decimal) -> bool) -> Self {
        let met = values.iter().filter(|value| is_met(**value)).count();
        match met {
            _ if values.is_empty() => Self::Perhaps,
            0 => Self::No,
            met if met == values.len() => Self::Yes,
            _ => Self::Perhaps,
        }
    }

    /// One of the two is enough.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Perhaps,
        }
    }

    /// What the same thing says by another test: where they disagree nobody knows which was looked at.
    fn by_either(self, other: Self) -> Self {
        match self == other {
            true => self,
            false => Self::Perhaps,
        }
    }

    fn possible(self) -> &'static [bool] {
        match self {
            Self::No => &[false],
            Self::Perhaps => &[false, true],
            Self::Yes => &[true],
        }
    }
}

/// The values of a checkup that the rules look at.
struct Values<'c>(&'c Checkup);

impl Values<'_> {
    fn numbers(&self, metric: Metric, part: Option<u8>) -> Vec<Decimal> {
        let of = |item: Item| item.metric() == metric && (part.is_none() || item.row().part == part);
        let found = self.0.findings.iter().filter(|finding| of(finding.item));
        let values = found.filter_map(|finding| {
            let (number, unit) = finding.number()?;
            Some(finding.item.trend(number, unit)?.exact())
        });
        values.collect()
    }

    fn answers(&self, code: &str) -> Vec<&str> {
        let item = Item::from_code(code);
        let found = self.0.findings.iter().filter(|finding| Some(finding.item) == item);
        let answers = found.filter_map(|finding| match &finding.result {
            Found::Answer(_, answer) => Some(answer.as_str()),
            _ => None,
        });
        answers.collect()
    }

    /// Whether a question was answered by yes.
    fn says_yes(&self, code: &str) -> Met {
        match self.answers(code).as_slice() {
            [] => Met::Perhaps,
            ["1"] => Met::Yes,
            [_] => Met::No,
            _ => Met::Perhaps,
        }
    }

    fn judgement(&self, code: &str) -> Option<u8> {
        match self.answers(code).as_slice() {
            [only] => only.parse().ok().filter(|judgement| (1..=3).contains(judgement)),
            _ => None,
        }
    }

    /// Round the waist, or fat inside.
    fn is_wide(&self) -> Met {
        let Some(sex) = self.0.subject.sex else {
            return Met::Perhaps;
        };
        let limit = Decimal::whole(if sex == 1 { 85 } else { 90 });
        let waist = Met::of(&self.numbers(Metric::WAIST_CIRCUMFERENCE, None), at_least(limit));
        match self.numbers(Metric::VISCERAL_FAT_AREA, None).as_slice() {
            [] => waist,
            areas => waist.or(Met::of(areas, at_least(Decimal::whole(100)))),
        }
    }

    fn pressure(&self) -> Met {
        let of = |part| self.numbers(Metric::BLOOD_PRESSURE, Some(part));
        Met::of(&of(0), at_least(Decimal::whole(130))).or(Met::of(&of(1), at_least(Decimal::whole(85))))
    }

    /// Triglycerides and HDL; at which value of the former depends on whether it was taken fasting.
    fn lipids(&self) -> Met {
        let fasting = self.numbers(Metric::TRIGLYCERIDES_FASTING, None);
        let casual = self.numbers(Metric::TRIGLYCERIDES_CASUAL, None);
        let by_fasting = Met::of(&fasting, at_least(Decimal::whole(150)));
        let by_casual = Met::of(&casual, at_least(Decimal::whole(175)));
        let triglycerides = match (fasting.is_empty(), casual.is_empty()) {
            (true, _) => by_casual,
            (_, true) => by_fasting,
            _ => by_fasting.by_either(by_casual),
        };
        let hdl = self.numbers(Metric::HDL_CHOLESTEROL, None);
        triglycerides.or(Met::of(&hdl, |hdl| hdl.compare(Decimal::whole(40)).is_lt()))
    }

    /// Glucose, by whichever of its tests there are. From when on a casual one counts is not the same everywhere: it can only say no.
    fn glucose(&self, fasting_from: Decimal, hba1c_from: Decimal) -> Met {
        let casual = match Met::of(
            &self.numbers(Metric::CASUAL_GLUCOSE, None),
            at_least(Decimal::whole(100)),
        ) {
            Met::No => Met::No,
            Met::Perhaps | Met::Yes => Met::Perhaps,
        };
        let tests = [
            (Metric::FASTING_GLUCOSE, fasting_from),
            (Metric::HBA1C_NGSP, hba1c_from),
        ];
        let numbers = tests.map(|(metric, from)| (self.numbers(metric, None), from));
        let done = numbers.iter().filter(|(values, _)| !values.is_empty());
        let met = done.map(|(values, from)| Met::of(values, at_least(*from)));
        met.reduce(Met::by_either).unwrap_or(casual)
    }
}

fn at_least(limit: Decimal) -> impl Fn(Decimal) -> bool {
    move |value| value.compare(limit).is_ge()
}

const METABOLIC: &str = "9N501000000000011";
const LEVEL: &str = "9N506000000000011";
/// Medicines for blood pressure, glucose and lipids.
const MEDICINES: [&str; 3] = ["9N701000000000011", "9N706000000000011", "9N711000000000011"];

/// Judgements that the values of a checkup explain, by their items: for people who are made up.
pub fn explained(checkup: &Checkup) -> [(&'static str, u8); 2] {
    let values = Values(checkup);
    let medicines = MEDICINES.map(|code| values.says_yes(code));
    let first = |possible: Vec<u8>| possible.first().copied().unwrap_or(3);
    [
        (METABOLIC, first(metabolic(&values, medicines))),
        (LEVEL, first(guidance(&values, medicines).unwrap_or_default())),
    ]
}

/// What of a checkup is doubtful.
pub fn doubts(checkup: &Checkup) -> Vec<Doubt> {
    let mut doubts = unexplained(checkup);
    if mandatory::lacks(checkup) {
        doubts.push(Doubt::Missing);
    }
    doubts
}

/// What of a checkup's judgements its values do not explain.
fn unexplained(checkup: &Checkup) -> Vec<Doubt> {
    let values = Values(checkup);
    let mut doubts = Vec::new();
    let medicines = MEDICINES.map(|code| values.says_yes(code));
    if let Some(judged) = values.judgement(METABOLIC)
        && !metabolic(&values, medicines).contains(&judged)
    {
        doubts.push(Doubt::Metabolic);
    }
    if let Some(judged) = values.judgement(LEVEL)
        && let Some(possible) = guidance(&values, medicines)
        && !possible.contains(&judged)
    {
        doubts.push(Doubt::GuidanceLevel);
    }
    doubts
}

/// 1 it is, 2 nearly, 3 it is not: those that are possible.
fn metabolic(values: &Values<'_>, [pressure, glucose, lipids]: [Met; 3]) -> Vec<u8> {
    let criteria = [
        values.pressure().or(pressure),
        values.lipids().or(lipids),
        values.glucose(Decimal::whole(110), Decimal::whole(6)).or(glucose),
    ];
    let mut possible = Vec::new();
    for wide in values.is_wide().possible() {
        for met in counts(&criteria) {
            possible.push(match (wide, met) {
                (false, _) | (true, 0) => 3,
                (true, 1) => 2,
                (true, _) => 1,
            });
        }
    }
    possible
}

/// 1 intensive, 2 motivating, 3 none: those that are possible; `None` for who is not asked by these rules.
fn guidance(values: &Values<'_>, medicines: [Met; 3]) -> Option<Vec<u8>> {
    let age = age_at_the_end_of_the_year(values.0);
    if age.is_some_and(|age| !(40..75).contains(&age)) {
        return None;
    }
    let criteria = [
        values.pressure(),
        values.lipids(),
        values.glucose(Decimal::whole(100), Decimal::new(56, 1)),
    ];
    let heavy = Met::of(&values.numbers(Metric::BMI, None), at_least(Decimal::whole(25)));
    let smokes = values.says_yes("9N736000000000011");
    let mut possible = Vec::new();
    // Who takes medicines is not a target, and the level is also seen without looking at that.
    if medicines.iter().any(|taken| *taken != Met::No) {
        possible.push(3);
    }
    for wide in values.is_wide().possible() {
        for heavy in heavy.possible() {
            for met in counts(&criteria) {
                for smokes in smokes.possible() {
                    let risks = met + usize::from(*smokes && met > 0);
                    let intensive_from = if *wide { 2 } else { 3 };
                    let level = match risks {
                        _ if !wide && !heavy => 3,
                        0 => 3,
                        risks if risks >= intensive_from => 1,
                        _ => 2,
                    };
                    // From 65 on motivating guidance takes the place of intensive.
                    match (level, age) {
                        (1, Some(age)) if age >= 65 => possible.push(2),
                        (1, None) => possible.extend([1, 2]),
                        (level, _) => possible.push(level),
                    }
                }
            }
        }
    }
    Some(possible)
}

/// How many of these criteria may be met.
fn counts(criteria: &[Met]) -> std::ops::RangeInclusive<usize> {
    let surely = criteria.iter().filter(|met| **met == Met::Yes).count();
    let perhaps = criteria.iter().filter(|met| **met != Met::No).count();
    surely..=perhaps
}

fn age_at_the_end_of_the_year(checkup: &Checkup) -> Option<i32> {
    let (year, month, day) = checkup.subject.birth?.ymd();
    let end = LocalDay::from_ymd(fiscal_year(checkup.day) + 1, 3, 31)?;
    let (end_year, ..) = end.ymd();
    Some(end_year - year - i32::from((month, day) > (3, 31)))
}

#[cfg(test)]
mod tests {
    use super::super::{Finding, Organisation, Subject, Told};
    use super::*;

    /// A man of 50 with these numbers and answers.
    fn checkup(found: &[(&str, &str)]) -> Checkup {
        let finding = |(code, value): &(&str, &str)| {
            let item = Item::from_code(code).expect("an item");
            let result = match item.row().unit {
                "" => Found::Answer(String::new(), (*value).to_owned()),
                unit => Found::Quantity(Decimal::parse(value.as_bytes()).expect("a number"), unit.to_owned()),
            };
            Finding::new(item, result)
        };
        Checkup {
            report: "10".to_owned(),
            programme: "010".to_owned(),
            day: LocalDay::parse("2025-06-10").expect("a day"),
            written: LocalDay::parse("2025-06-20").expect("a day"),
            facility: Organisation::default(),
            author: Organisation::default(),
            subject: Subject {
                birth: LocalDay::parse("1975-06-01"),
                sex: Some(1),
                ..Subject::default()
            },
            findings: found.iter().map(finding).collect(),
            word: Told::Confirmed,
            deletes: String::new(),
            year_only: false,
        }
    }

    const WAIST: &str = "9N016160100000001";
    const BMI: &str = "9N011000000000001";
    const SYSTOLIC: &str = "9A751000000000001";
    const SECOND: &str = "9A752000000000001";
    const DIASTOLIC: &str = "9A761000000000001";
    const TRIGLYCERIDES: &str = "3F015000002327101";
    const HDL: &str = "3F070000002327101";
    const GLUCOSE: &str = "3D010000001926101";
    const HBA1C: &str = "3D046000001906202";
    const SMOKES: &str = "9N736000000000011";

    /// Nothing is high but the waist; no medicines, does not smoke.
    fn healthy() -> Vec<(&'static str, &'static str)> {
        vec![
            (WAIST, "92"),
            (BMI, "26"),
            (SYSTOLIC, "120"),
            (DIASTOLIC, "75"),
            (TRIGLYCERIDES, "100"),
            (HDL, "60"),
            (GLUCOSE, "90"),
            ("9N701000000000011", "2"),
            ("9N706000000000011", "2"),
            ("9N711000000000011", "2"),
            (SMOKES, "3"),
        ]
    }

    fn with(changes: &[(&'static str, &'static str)]) -> Vec<Doubt> {
        let mut found = healthy();
        found.retain(|(code, _)| changes.iter().all(|(changed, _)| changed != code));
        found.extend(changes.iter().copied().filter(|(_, value)| !value.is_empty()));
        unexplained(&checkup(&found))
    }

    /// The judgements of which there is no doubt.
    fn fitting(code: &'static str, changes: &[(&'static str, &'static str)]) -> String {
        ["1", "2", "3"]
            .into_iter()
            .filter(|judgement| with(&[changes, &[(code, judgement)]].concat()).is_empty())
            .collect()
    }

    #[test]
    fn metabolic_syndrome_by_the_rule() {
        for (changes, fits) in [
            (&[][..], "3"),
            (&[(SYSTOLIC, "130")], "2"),
            (&[(DIASTOLIC, "85"), (HDL, "39")], "1"),
            (&[(SYSTOLIC, "150"), (HDL, "30"), (GLUCOSE, "140")], "1"),
            (&[(WAIST, "84.9"), (SYSTOLIC, "150"), (HDL, "30")], "3"),
            (&[("9N701000000000011", "1"), (GLUCOSE, "110")], "1"),
            // What is missing, or disagrees, explains either.
            (&[(WAIST, "")], "3"),
            (&[(WAIST, ""), (SYSTOLIC, "150")], "23"),
            (&[(SYSTOLIC, "")], "23"),
            (&[(SYSTOLIC, "128"), (SECOND, "134")], "23"),
            (&[(GLUCOSE, "105"), (HBA1C, "6.1")], "23"),
        ] {
            assert_eq!(fitting(METABOLIC, changes), fits, "{changes:?}");
        }
    }

    #[test]
    fn levels_of_guidance_by_the_rule() {
        for (changes, fits) in [
            (&[][..], "3"),
            (&[(SYSTOLIC, "130")], "2"),
            (&[(SYSTOLIC, "130"), (SMOKES, "1")], "1"),
            (&[(SMOKES, "1")], "3"),
            (&[(SYSTOLIC, "130"), (GLUCOSE, "100")], "1"),
            (&[(WAIST, "80"), (SYSTOLIC, "130"), (GLUCOSE, "100")], "2"),
            (&[(WAIST, "80"), (SYSTOLIC, "130"), (GLUCOSE, "100"), (HDL, "39")], "1"),
            (&[(WAIST, "80"), (BMI, "24.9"), (SYSTOLIC, "130")], "3"),
            (&[(SYSTOLIC, "130"), ("9N706000000000011", "1")], "23"),
            (&[(SYSTOLIC, "130"), ("9N706000000000011", "")], "23"),
        ] {
            assert_eq!(fitting(LEVEL, changes), fits, "{changes:?}");
        }
    }

    #[test]
    fn age_decides_and_what_cannot_be_judged_is_not() {
        let born = |birth: Option<&str>, level: &str| {
            let mut found = healthy();
            found.retain(|(code, _)| *code != SYSTOLIC && *code != GLUCOSE);
            found.extend([(SYSTOLIC, "130"), (GLUCOSE, "100")]);
            let mut checkup = checkup(&found);
            checkup
                .findings
                .extend(super::tests::checkup(&[(LEVEL, level)]).findings);
            checkup.subject.birth = birth.and_then(LocalDay::parse);
            unexplained(&checkup)
        };
        assert_eq!(born(Some("1975-06-01"), "2"), [Doubt::GuidanceLevel]);
        assert_eq!(born(Some("1961-03-31"), "2"), [], "65 on the last day of March");
        assert_eq!(born(Some("1961-04-01"), "2"), [Doubt::GuidanceLevel], "64 then");
        assert_eq!(born(Some("1990-01-01"), "3"), [], "nobody is asked at 36");
        assert_eq!(born(None, "1"), []);
        assert_eq!(born(None, "3"), [Doubt::GuidanceLevel]);
        assert_eq!(with(&[(METABOLIC, "4"), (LEVEL, "4")]), [], "it could not be judged");
        assert_eq!(with(&[]), [], "nothing was judged");
        let both = with(&[(METABOLIC, "1"), (LEVEL, "1")]);
        assert_eq!(both, [Doubt::Metabolic, Doubt::GuidanceLevel]);
    }
}
