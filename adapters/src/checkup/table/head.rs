//! Lines that are about the checkup or the person, and about no result.

use std::collections::HashMap;

use model::LocalDay;
use model::checkup::{Checkup, Organisation, SCREENINGS, Screening, Subject, Told};
use unicode_normalization::UnicodeNormalization as _;

use super::day::day;
use super::plain;

pub(super) fn is_day(name: &str) -> bool {
    [
        "健診実施日",
        "健診実施年月日",
        "健診受診日",
        "健診受診年月日",
        "受診日",
        "受診年月日",
        "実施日",
        "実施年月日",
        "健診日",
    ]
    .contains(&name)
}

/// What a line is about that is of no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Who it is, whichever checkup.
    Person,
    /// One checkup, or by what the person was insured then.
    Checkup,
    /// What is of no use here.
    Nothing,
}

/// What a name, as [`plain`] gives it, is about; `None` for one that may be an item's.
pub(super) fn about(name: &str) -> Option<About> {
    match name {
        "氏名" | "氏名(カナ)" | "カナ氏名" | "フリガナ" | "氏名カナ" | "生年月日" | "性別" => {
            Some(About::Person)
        }
        "年齢" | "郵便番号" | "住所" | "保険者名" | "保険者名称" => Some(About::Nothing),
        _ => Head::default().takes(name, "").then_some(About::Checkup),
    }
}

/// Whom a table is about, as its lines tell one after the other.
#[derive(Default)]
pub(super) struct Person {
    insurer: Option<String>,
    /// By what is told.
    told: HashMap<&'static str, String>,
}

impl Person {
    /// True where a line, by its name as [`plain`] gives it, tells of somebody else than those before it. Who changes the insurer gets
    /// other numbers and stays the same person.
    pub(super) fn is_another(&mut self, name: &str, value: &str) -> bool {
        // Widths, and zeros that a table cut off, make no other number.
        let meant = || plain(value).trim_start_matches('0').to_owned();
        let (what, meant) = match name {
            "保険者番号" => {
                let insurer = Some(meant());
                if insurer != self.insurer {
                    self.insurer = insurer;
                    self.told.retain(|what, _| !OF_INSURANCE.contains(what));
                }
                return false;
            }
            "氏名" => ("氏名", meant()),
            "氏名(カナ)" | "カナ氏名" | "フリガナ" | "氏名カナ" => ("カナ", meant()),
            "生年月日" => match day(value) {
                Some(day) => ("生年月日", day.to_string()),
                None => return false,
            },
            "性別" => match sex(&plain(value)) {
                Some(sex) => ("性別", sex.to_string()),
                None => return false,
            },
            "被保険者証等記号" | "記号" => (OF_INSURANCE[0], meant()),
            "被保険者証等番号" | "番号" => (OF_INSURANCE[1], meant()),
            "枝番" => (OF_INSURANCE[2], meant()),
            "介護保険被保険者番号" => ("介護", meant()),
            _ => return false,
        };
        *self.told.entry(what).or_insert_with(|| meant.clone()) != meant
    }
}

/// Names of lines about a facility.
const FACILITY: [&str; 9] = [
    "健診機関番号",
    "健診機関コード",
    "実施機関番号",
    "健診機関名",
    "健診機関名称",
    "実施機関名",
    "実施機関名称",
    "健診実施機関名",
    "健診実施機関",
];
/// What an insurer numbers its members by.
const OF_INSURANCE: [&str; 3] = ["記号", "番号", "枝番"];

fn sex(plain: &str) -> Option<u8> {
    match plain {
        "男" | "男性" | "1" => Some(1),
        "女" | "女性" | "2" => Some(2),
        _ => None,
    }
}

/// The only screening that a text names, as the vocabulary calls it but for 検診 and the like behind it; `None` where it names several.
fn screening_in(text: &str) -> Option<&'static Screening> {
    let is_named = |screening: &&Screening| {
        let name = screening.event.row().name_ja;
        let ends = ["検診", "検査", "健診"].iter().find_map(|end| name.strip_suffix(end));
        text.contains(ends.unwrap_or(name))
    };
    let mut named = SCREENINGS.iter().filter(is_named);
    named.next().filter(|_| named.next().is_none())
}

/// What stands around results.
#[derive(Clone, Default)]
pub(in crate::checkup) struct Head {
    /// Three digits; empty for a specific checkup.
    pub(in crate::checkup) programme: String,
    /// Which of municipalities' screenings it is, where it is one.
    pub(in crate::checkup) screening: Option<&'static Screening>,
    facility: Organisation,
    pub(in crate::checkup) subject: Subject,
}

impl Head {
    /// Takes a line that is about the checkup or the person.
    pub(in crate::checkup) fn takes(&mut self, name: &str, value: &str) -> bool {
        let plain: String = value.nfkc().filter(|c| !c.is_whitespace()).take(128).collect();
        match name {
            "健診機関番号" | "健診機関コード" | "実施機関番号" => {
                self.facility.number = match plain.bytes().all(|byte| byte.is_ascii_digit()) {
                    // Ten digits, as an insurer's eight: tables cut zeros off.
                    true => format!("{plain:0>10}"),
                    false => plain,
                };
            }
            name if FACILITY.contains(&name) => self.facility.name = value.chars().take(128).collect(),
            "健診種別" | "健診の種類" | "健診名" | "プログラム種別" => {
                self.screening = None;
                self.programme = match plain.as_str() {
                    kind if kind.contains("後期高齢者") => "020",
                    kind if kind.contains("特定健") => "010",
                    kind if kind.contains("事業者") => "030",
                    kind => {
                        self.screening = screening_in(kind);
                        let cancer = if kind.contains("がん") { "060" } else { "990" };
                        self.screening.map_or(cancer, |screening| screening.programme)
                    }
                }
                .to_owned();
            }
            "氏名" | "氏名(カナ)" | "カナ氏名" | "フリガナ" | "氏名カナ" => {
                self.subject.name = value.chars().take(128).collect();
            }
            "生年月日" => self.subject.birth = day(value),
            "性別" => self.subject.sex = sex(&plain),
            "保険者番号" => self.subject.insurer = format!("{plain:0>8}"),
            "被保険者証等記号" | "記号" => self.subject.symbol = plain,
            "被保険者証等番号" | "番号" => self.subject.number = plain,
            "枝番" => self.subject.branch = plain,
            "介護保険被保険者番号" => self.subject.care_number = plain,
            "受診券整理番号" => self.subject.ticket = plain,
            _ => return false,
        }
        true
    }

    /// A checkup of a day without results.
    pub(in crate::checkup) fn checkup(&self, day: LocalDay) -> Checkup {
        let programme = if self.programme.is_empty() {
            "010"
        } else {
            &self.programme
        };
        Checkup {
            report: self.screening.map_or("10", |screening| screening.report).to_owned(),
            programme: programme.to_owned(),
            day,
            // A table does not say when it was written; a document of the same checkup knows better.
            written: day,
            facility: self.facility.clone(),
            author: Organisation::default(),
            subject: self.subject.clone(),
            findings: Vec::new(),
            word: Told::Confirmed,
            deletes: String::new(),
            year_only: false,
        }
    }

    /// As it is of one checkup, of which these names and values tell. One that tells of a facility or an insurance of its own has nothing of
    /// another.
    pub(super) fn with<'l>(&self, told: impl Iterator<Item = (&'l str, &'l str)> + Clone) -> Self {
        let mut head = self.clone();
        let mut names = told.clone().map(|(name, _)| name);
        if names.clone().any(|name| FACILITY.contains(&name)) {
            head.facility = Organisation::default();
        }
        if names.any(|name| name == "保険者番号") {
            for own in [
                &mut head.subject.symbol,
                &mut head.subject.number,
                &mut head.subject.branch,
            ] {
                own.clear();
            }
        }
        for (name, value) in told {
            head.takes(name, value);
        }
        head
    }
}
