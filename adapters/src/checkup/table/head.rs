//! Lines that are about the checkup or the person, and about no result.

use model::LocalDay;
use model::checkup::{Checkup, Organisation, Subject, Told};
use unicode_normalization::UnicodeNormalization as _;

use super::day::day;

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

/// What stands around results.
#[derive(Default)]
pub(in crate::checkup) struct Head {
    /// Three digits; empty for a specific checkup.
    pub(in crate::checkup) programme: String,
    facility: Organisation,
    pub(in crate::checkup) subject: Subject,
}

impl Head {
    /// Takes a line that is about the checkup or the person.
    pub(in crate::checkup) fn takes(&mut self, name: &str, value: &str) -> bool {
        let plain: String = value.nfkc().filter(|c| !c.is_whitespace()).take(128).collect();
        match name {
            "健診機関名" | "健診機関名称" | "実施機関名" | "実施機関名称" | "健診実施機関名" | "健診実施機関" =>
            {
                self.facility.name = value.chars().take(128).collect();
            }
            "健診機関番号" | "健診機関コード" | "実施機関番号" => self.facility.number = plain,
            "健診種別" | "健診の種類" | "健診名" | "プログラム種別" => {
                self.programme = match plain.as_str() {
                    kind if kind.contains("後期高齢者") => "020",
                    kind if kind.contains("特定健") => "010",
                    kind if kind.contains("事業者") => "030",
                    kind if kind.contains("がん") => "060",
                    _ => "990",
                }
                .to_owned();
            }
            "氏名" | "氏名(カナ)" | "カナ氏名" | "フリガナ" | "氏名カナ" => {
                self.subject.name = value.chars().take(128).collect();
            }
            "生年月日" => self.subject.birth = day(value),
            "性別" => {
                self.subject.sex = match plain.as_str() {
                    "男" | "男性" | "1" => Some(1),
                    "女" | "女性" | "2" => Some(2),
                    _ => None,
                }
            }
            "保険者番号" => self.subject.insurer = format!("{plain:0>8}"),
            "被保険者証等記号" | "記号" => self.subject.symbol = plain,
            "被保険者証等番号" | "番号" => self.subject.number = plain,
            "枝番" => self.subject.branch = plain,
            "介護保険被保険者番号" => self.subject.care_number = plain,
            "受診券整理番号" => self.subject.ticket = plain,
            "年齢" | "郵便番号" | "住所" | "保険者名" | "保険者名称" => {}
            _ => return false,
        }
        true
    }

    /// A checkup of a day without results.
    pub(in crate::checkup) fn checkup(&self, day: LocalDay) -> Checkup {
        let mut checkup = Checkup {
            report: "10".to_owned(),
            programme: String::new(),
            day,
            // A table does not say when it was written; a document of the same checkup knows better.
            written: day,
            facility: Organisation::default(),
            author: Organisation::default(),
            subject: Subject::default(),
            findings: Vec::new(),
            word: Told::Confirmed,
            deletes: String::new(),
            year_only: false,
        };
        self.describe(&mut checkup);
        checkup
    }

    pub(super) fn describe(&self, checkup: &mut Checkup) {
        let programme = if self.programme.is_empty() {
            "010"
        } else {
            &self.programme
        };
        programme.clone_into(&mut checkup.programme);
        checkup.facility = self.facility.clone();
        checkup.subject = self.subject.clone();
    }
}
