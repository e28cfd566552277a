//! What residents are given as tables: pairs of an item's Japanese name and what was found, one line each, in UTF-8 or in what
//! Japanese systems wrote before it. Nobody published the layout, so names decide, wherever they stand.
//!
//! A name says nothing of the method, so an item is taken whose method is "other" where there are several. What else lies in such
//! tables is told apart: notices of costs, lists of medicines and the like are kept for a mapping to come, medical claims are refused before anything is.

use std::collections::HashMap;

use model::checkup::items::{ANSWERS, list_oid};
use model::checkup::{Checkup, Finding, Found, Item, Kind, Organisation, Subject, Told};
use model::{Decimal, LocalDay, Outcome};
use unicode_normalization::UnicodeNormalization as _;

use super::document::is_plausible;
use super::individual_number;
use super::items::Items;
use crate::{AdapterError, NotStored};

/// Lines that are looked at to recognise a table.
const LOOKED_AT: usize = 200;
/// Names of items that make a table one of a checkup.
const ENOUGH: usize = 4;
/// The most checkups of a table: each keeps it whole.
const MOST_CHECKUPS: usize = 100;
/// The most lines of a table.
const MOST_LINES: usize = 100_000;

/// What a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableOf {
    /// Results of checkups.
    Checkup,
    /// Something else of the resident's own, with the word for it: kept until a mapping comes.
    Own(&'static str),
    /// Medical claims (診療報酬明細書).
    Claims,
}

/// What stands in a title of other tables that residents are given, and the word for each.
const OWN: &[(&str, &str)] = &[
    ("医療費通知", "notice of medical costs"),
    ("後発医薬品", "notice of generic medicines"),
    ("薬剤情報", "list of medicines"),
    ("調剤情報", "list of medicines"),
    ("処方情報", "list of medicines"),
    ("予防接種", "record of vaccinations"),
    ("乳幼児健診", "record of mother and child"),
    ("妊婦健診", "record of mother and child"),
    ("母子保健", "record of mother and child"),
];

/// A name as it is meant, whatever the width.
pub(super) fn plain(written: &str) -> String {
    written
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '〔' | '[' => '(',
            '〕' | ']' => ')',
            // Which of the two a byte of Shift_JIS becomes depends on who decoded it.
            '〜' => '~',
            other => other,
        })
        .take(64)
        .collect()
}

/// The lines of a table: name, value, and how many lines came before.
fn lines(text: &str) -> impl Iterator<Item = (usize, Vec<String>)> + '_ {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).from_reader(text.as_bytes());
    let (mut counted, mut line) = (0, 1);
    reader.into_records().take(MOST_LINES).filter_map(move |record| {
        let record = record.ok()?;
        // Its own count of lines is behind where lines end with two characters, or are empty.
        let begins = record.position().map_or(0, |position| position.byte() as usize);
        let rest = text.as_bytes().get(begins..).unwrap_or_default();
        let begins = begins + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += memchr::memchr_iter(b'\n', text.as_bytes().get(counted..begins).unwrap_or_default()).count();
        counted = begins.max(counted);
        Some((line, record.iter().map(|cell| cell.trim().to_owned()).collect()))
    })
}

/// The word for what a title, as [`plain`] gives it, is of; `None` for any other.
pub(super) fn own(title: &str) -> Option<&'static str> {
    let own = OWN.iter().find(|(known, _)| title.contains(known));
    own.map(|(_, word)| *word)
}

/// What a text is a table of; `None` where it is none that is known.
pub(super) fn recognise(text: &str) -> Option<TableOf> {
    let text = text.trim_start_matches('\u{feff}');
    let (mut items, mut own, mut claims) = (0, None, 0);
    for (place, cells) in lines(text).take(LOOKED_AT) {
        let first = cells.first().map(|cell| plain(cell)).unwrap_or_default();
        // A title stands above the table, alone in its line.
        if own.is_none() && place < 5 && cells.iter().skip(1).all(String::is_empty) {
            own = self::own(&first);
        }
        claims += usize::from(is_claim(&cells));
        items += usize::from(cells.len() >= 2 && Items::called(&first).is_some());
    }
    match () {
        () if claims >= 2 => Some(TableOf::Claims),
        () => match own {
            Some(word) => Some(TableOf::Own(word)),
            None => (items >= ENOUGH).then_some(TableOf::Checkup),
        },
    }
}

/// True for a line of claims: a medical institution, a claim, an insurer, a disease or a treatment.
pub(super) fn is_claim(cells: &[String]) -> bool {
    let first = cells.first().map(|cell| plain(cell)).unwrap_or_default();
    matches!(first.as_str(), "ir" | "re" | "ho" | "sy" | "si") && cells.len() > 3
}

/// Refuses a table that bears Individual Numbers.
pub(super) fn refuse(text: &str) -> Result<(), AdapterError> {
    let mut watch = Watch::default();
    for (_, cells) in lines(text) {
        watch.look(&cells)?;
    }
    watch.end()
}

/// Knows a table that bears Individual Numbers: by a name, or by a column of which nearly all pass the check digit.
#[derive(Default)]
pub(super) struct Watch {
    /// Numbers of twelve digits, and those of them that pass, by column.
    columns: HashMap<usize, (usize, usize)>,
}

impl Watch {
    /// Looks at a line.
    pub(super) fn look(&mut self, cells: &[String]) -> Result<(), AdapterError> {
        let mut cells = cells.iter().enumerate();
        cells.try_for_each(|(place, cell)| self.cell(place, cell))
    }

    /// Looks at a cell of a column.
    pub(super) fn cell(&mut self, place: usize, cell: &str) -> Result<(), AdapterError> {
        if individual_number::is_name(cell) {
            return Err(AdapterError::IndividualNumber);
        }
        let digits: String = cell.nfkc().filter(|c| !matches!(c, '-' | ' ')).collect();
        if digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let (all, passing) = self.columns.entry(place).or_default();
            *all += 1;
            *passing += usize::from(individual_number::passes(&digits));
        }
        Ok(())
    }

    /// Says what the lines came to.
    pub(super) fn end(self) -> Result<(), AdapterError> {
        let mut columns = self.columns.into_values();
        match columns.any(|(all, passing)| individual_number::are_they(all, passing)) {
            true => Err(AdapterError::IndividualNumber),
            false => Ok(()),
        }
    }
}

/// What a table came to.
#[derive(Default)]
pub(super) struct Table {
    /// Its checkups.
    pub(super) checkups: Vec<Checkup>,
    /// Lines that came to nothing.
    pub(super) left_out: Vec<NotStored>,
}

/// Every line as text, kept for a mapping to come.
pub(super) fn kept(text: &str, reason: &str) -> Table {
    let mut table = Table::default();
    for (line, cells) in lines(text.trim_start_matches('\u{feff}')) {
        if cells.iter().any(|cell| !cell.is_empty()) {
            table.leave_out(Outcome::Unsupported, reason.to_owned(), line, &cells);
        }
    }
    table
}

/// Reads results. Each new day of a checkup begins the next.
pub(super) fn read(text: &str) -> Table {
    let mut table = Table::default();
    let mut running: Option<Checkup> = None;
    // What stands before the first day is of whoever comes.
    let mut head = Head::default();
    let mut waiting: Vec<(usize, Vec<String>)> = Vec::new();
    for (line, cells) in lines(text.trim_start_matches('\u{feff}')) {
        let [name, value, ..] = cells.as_slice() else { continue };
        let name = plain(name);
        if value.is_empty() || matches!(name.as_str(), "項目名" | "項目" | "") {
            continue;
        }
        if is_day(&name) {
            let more = table.checkups.len() + usize::from(running.is_some()) < MOST_CHECKUPS;
            match day(value).filter(|day| is_plausible(*day) && more) {
                Some(day) => {
                    table.checkups.extend(running.take());
                    running = Some(head.checkup(day));
                    for (line, cells) in waiting.drain(..) {
                        table.result(running.as_mut(), line, &cells);
                    }
                }
                None => table.leave_out(Outcome::Rejected, "not-a-day".to_owned(), line, &cells),
            }
        } else if head.takes(&name, value) {
            if let Some(running) = &mut running {
                head.describe(running);
            }
        } else if running.is_none() {
            waiting.push((line, cells));
        } else {
            table.result(running.as_mut(), line, &cells);
        }
    }
    table.checkups.extend(running);
    for (line, cells) in waiting {
        table.leave_out(Outcome::Rejected, "no-exam-date".to_owned(), line, &cells);
    }
    table
}

fn is_day(name: &str) -> bool {
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
pub(super) struct Head {
    /// Three digits; empty for a specific checkup.
    pub(super) programme: String,
    facility: Organisation,
    pub(super) subject: Subject,
}

impl Head {
    /// Takes a line that is about the checkup or the person.
    pub(super) fn takes(&mut self, name: &str, value: &str) -> bool {
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
    pub(super) fn checkup(&self, day: LocalDay) -> Checkup {
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

    fn describe(&self, checkup: &mut Checkup) {
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

impl Table {
    fn leave_out(&mut self, outcome: Outcome, reason: String, line: usize, cells: &[String]) {
        self.left_out.push(NotStored {
            outcome,
            reason,
            line: line as u64,
            text: cells.join(",").chars().take(4_096).collect(),
        });
    }

    fn result(&mut self, checkup: Option<&mut Checkup>, line: usize, cells: &[String]) {
        let Some(checkup) = checkup else { return };
        let Some(items) = Items::called(&plain(&cells[0])) else {
            let name: String = cells[0].chars().take(24).collect();
            return self.leave_out(Outcome::Unsupported, format!("item {name}"), line, cells);
        };
        let item = items.on(checkup.day);
        let found = match found(item, &cells[1], checkup.day) {
            Ok(found) => found,
            Err(reason) => return self.leave_out(Outcome::Rejected, reason.to_owned(), line, cells),
        };
        let reading = checkup.findings.iter().filter(|finding| finding.item == item).count();
        match u8::try_from(reading) {
            Ok(reading) if reading < 16 => checkup.findings.push(Finding {
                item,
                reading,
                result: found,
                interpretation: None,
                method: None,
                range: None,
                doctor: None,
                day: None,
            }),
            _ => self.leave_out(Outcome::Rejected, "too-many-readings".to_owned(), line, cells),
        }
    }
}

/// What a cell says of an item on a day, or why it says nothing.
pub(super) fn found(item: Item, written: &str, day: LocalDay) -> Result<Found, &'static str> {
    let value: String = written.nfkc().filter(|c| !c.is_whitespace()).take(4_096).collect();
    match value.as_str() {
        "未実施" => return Ok(Found::NotPerformed),
        "測定不能" => return Ok(Found::NotMeasurable),
        _ => {}
    }
    match item.row().kind {
        Kind::Text => Ok(Found::Text(written.to_owned())),
        Kind::Quantity => {
            let end = value
                .find(|c: char| !(c.is_ascii_digit() || c == '.'))
                .unwrap_or(value.len());
            let (number, rest) = value.split_at(end);
            let number = Decimal::parse(number.as_bytes()).map_err(|_| "not-a-number")?;
            let bound = |end: &str| rest.strip_suffix(end);
            let (side, unit) = match (bound("以上"), bound("以下")) {
                (Some(unit), _) => (1, unit),
                (_, Some(unit)) => (-1, unit),
                _ => (0, rest),
            };
            let unit = if unit.is_empty() { item.row().unit } else { unit };
            if unit.len() > 32 {
                return Err("not-a-number");
            }
            let unit = unit.to_owned();
            Ok(match side {
                1 => Found::AtLeast(number, unit),
                -1 => Found::AtMost(number, unit),
                _ => Found::Quantity(number, unit),
            })
        }
        Kind::Ordered | Kind::Coded => {
            let list = item.list_on(day);
            let answers = ANSWERS.iter().filter(|(of, ..)| *of == list);
            let same =
                |name: &str| signs(&name.nfkc().filter(|c| !c.is_whitespace()).collect::<String>()) == signs(&value);
            let mut answers = answers.filter(|(_, code, name)| *code == value || same(name));
            let (_, code, _) = answers.next().ok_or("no-such-answer")?;
            Ok(Found::Answer(list_oid(list), (*code).to_owned()))
        }
    }
}

/// `(-)`, `－` and `-` are one sign, and so are the two waves (U+301C and U+FF5E) between numbers.
fn signs(written: &str) -> String {
    let inner = written.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    inner
        .unwrap_or(written)
        .replace(['−', '‐', '―', 'ー'], "-")
        .replace('〜', "~")
}

/// A day as Japanese tables write it: with an era, with slashes, with signs, or as eight digits.
pub(super) fn day(written: &str) -> Option<LocalDay> {
    let text: String = written.nfkc().filter(|c| !c.is_whitespace()).take(32).collect();
    for (era, first) in [
        ("令和", 2018),
        ("平成", 1988),
        ("昭和", 1925),
        ("大正", 1911),
        ("R", 2018),
        ("H", 1988),
        ("S", 1925),
        ("T", 1911),
    ] {
        if let Some(rest) = text.strip_prefix(era) {
            let rest = rest.replace('元', "1");
            let [year, month, day] = numbers(&rest)?;
            if !(1..100).contains(&year) {
                return None;
            }
            return LocalDay::from_ymd(first + year, u32::try_from(month).ok()?, u32::try_from(day).ok()?);
        }
    }
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return super::document::day(&text);
    }
    let [year, month, day] = numbers(&text)?;
    LocalDay::from_ymd(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

/// Three numbers with whatever between them.
fn numbers(text: &str) -> Option<[i32; 3]> {
    let mut parts = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let mut next = || parts.next()?.parse().ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "\u{feff}わたしの情報\r\n特定健診情報\r\n\r\n項目名,内容\r\n氏名,ミホン ハナコ\r\n生年月日,昭和35年2月29日\r\n性別,女性\r\n健診実施日,令和6年6月10日\r\n健診機関名,見本健診センター\r\n身長,１５２．０cm\r\n体重,52.3\r\n収縮期血圧,300mmHg以上\r\nＨＤＬコレステロール,61 mg/dL\r\n尿糖,(－)\r\n尿蛋白,±\r\n喫煙,以前は吸っていたが、最近1ヶ月間は吸っていない\r\n医師の診断（判定）,異常なし\r\n腹囲,未実施\r\n血清尿酸,高い\r\nめずらしい項目,1\r\n健診実施日,2025/06/11\r\n体重,53.0\r\n";

    #[test]
    fn pairs_of_names_and_values_are_checkups() {
        assert_eq!(recognise(FILE), Some(TableOf::Checkup));
        let table = read(FILE);
        let [first, second] = table.checkups.as_slice() else {
            panic!()
        };
        assert_eq!(
            (first.day.to_string(), second.day.to_string()),
            ("2024-06-10".into(), "2025-06-11".into())
        );
        assert_eq!(first.subject.birth, LocalDay::parse("1960-02-29"));
        assert_eq!(
            (first.subject.sex, first.facility.name.as_str()),
            (Some(2), "見本健診センター")
        );
        let told: Vec<String> = first
            .findings
            .iter()
            .map(|finding| format!("{} {:?}", finding.item.row().code, finding.result))
            .collect();
        assert_eq!(
            told,
            [
                "9N001000000000001 Quantity(Decimal { mantissa: 1520, scale: 1 }, \"cm\")",
                "9N006000000000001 Quantity(Decimal { mantissa: 523, scale: 1 }, \"kg\")",
                "9A755000000000001 AtLeast(Decimal { mantissa: 300, scale: 0 }, \"mmHg\")",
                "3F070000002399901 Quantity(Decimal { mantissa: 61, scale: 0 }, \"mg/dL\")",
                "1A020000000190111 Answer(\"1.2.392.200119.6.2102\", \"1\")",
                "1A010000000190111 Answer(\"1.2.392.200119.6.2102\", \"2\")",
                "9N736000000000011 Answer(\"1.2.392.200119.6.24060\", \"2\")",
                "9N511000000000049 Text(\"異常なし\")",
                "9N016160100000001 NotPerformed",
            ]
        );
        let left: Vec<(Outcome, &str, u64)> = table
            .left_out
            .iter()
            .map(|left| (left.outcome, left.reason.as_str(), left.line))
            .collect();
        assert_eq!(
            left,
            [
                (Outcome::Rejected, "not-a-number", 19),
                (Outcome::Unsupported, "item めずらしい項目", 20)
            ]
        );
        assert_eq!(second.findings.len(), 1);
    }

    #[test]
    fn results_before_any_day_wait_for_it_and_without_one_say_so() {
        let table = read("体重,52.3\n身長,152\n受診日,2025-06-10\n腹囲,80\n");
        assert_eq!((table.checkups.len(), table.checkups[0].findings.len()), (1, 3));
        let table = read("体重,52.3\n受診日,いつか\n");
        assert_eq!(table.checkups.len(), 0);
        let reasons: Vec<&str> = table.left_out.iter().map(|left| left.reason.as_str()).collect();
        assert_eq!(reasons, ["not-a-day", "no-exam-date"]);
    }

    #[test]
    fn other_tables_are_told_apart() {
        assert_eq!(
            recognise("わたしの情報\n医療費通知情報\n\n項目名,内容\n診療年月,令和7年6月\n"),
            Some(TableOf::Own("notice of medical costs"))
        );
        for (title, word) in [
            ("薬剤情報", "list of medicines"),
            ("予防接種情報", "record of vaccinations"),
            ("乳幼児健診情報", "record of mother and child"),
            ("後発医薬品差額通知", "notice of generic medicines"),
        ] {
            let table = format!("わたしの情報\r\n{title}\r\n\r\n項目名,内容\r\n日付,令和7年6月1日\r\n");
            assert_eq!(recognise(&table), Some(TableOf::Own(word)), "{title}");
            assert_eq!(recognise(&table.replace(title, "世帯情報")), None);
        }
        // Its words within a table of results make it nothing else.
        let results = FILE.replacen("特定健診情報", "特定健診情報\n既往歴,予防接種", 1);
        assert_eq!(recognise(&results), Some(TableOf::Checkup));
        assert_eq!(
            recognise("IR,1,13,1,1234567,,,202506,00\nRE,1,1112,202506,見本,1,3350229\nHO,06139999,記号,番号\n"),
            Some(TableOf::Claims)
        );
        assert_eq!(recognise("体重,52\n身長,152\n"), None, "two names are too few");
        assert_eq!(recognise("date,steps\n2025-06-10,8000\n"), None);
    }

    #[test]
    fn days_are_read_in_every_era() {
        for (written, expected) in [
            ("令和元年5月1日", Some("2019-05-01")),
            ("H31.4.30", Some("2019-04-30")),
            ("昭和３５年２月２９日", Some("1960-02-29")),
            ("20250610", Some("2025-06-10")),
            ("2025年6月10日", Some("2025-06-10")),
            ("令和7年2月30日", None),
            ("S1960.2.29", None),
            ("6月10日", None),
        ] {
            assert_eq!(
                day(written).map(|day| day.to_string()).as_deref(),
                expected,
                "{written}"
            );
        }
    }

    #[test]
    fn a_column_of_individual_numbers_is_known_by_its_check_digits() {
        // The body, and the digit that passes.
        let passing = |body: u64| {
            let body = format!("{body:011}");
            (0..10)
                .map(|digit| format!("{body}{digit}"))
                .find(|number| individual_number::passes(number))
                .unwrap()
        };
        let column = |numbers: &[String]| {
            numbers.iter().fold("宛名番号,体重\n".to_owned(), |text, number| {
                format!("{text}{number},60\n")
            })
        };
        let all: Vec<String> = (0..20).map(|body| passing(12_345_678 + body * 977)).collect();
        assert!(matches!(refuse(&column(&all)), Err(AdapterError::IndividualNumber)));
        assert!(refuse(&column(&all[..5])).is_ok(), "a few prove nothing");
        let mixed: Vec<String> = (0..20u64)
            .map(|number| format!("{:012}", 100_000_000_000 + number * 13))
            .collect();
        assert!(refuse(&column(&mixed)).is_ok());
        assert!(matches!(
            refuse("項目名,内容\nマイナンバー,1\n"),
            Err(AdapterError::IndividualNumber)
        ));
        assert!(refuse("国保個人番号,1\nKDB個人番号,2\n住民番号,3\n").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(.{0,12},.{0,12}\n){0,20}") {
            let _ = recognise(&text);
            let _ = refuse(&text);
            let _ = read(&text);
        }
    }
}
