use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use model::checkup::{Found, Item};
use model::{Decimal, Outcome};
use proptest::prelude::*;

use super::bound::birth_date;
use super::*;
use crate::ReaderAt;
use crate::checkup::package::{Original, PackageEntry};

mod encodings;
mod eras;
mod places;
mod questionnaire;
mod screenings;
mod shifted;

/// All names of the list, in its order (`kokuho-columns`), and two people who do not exist.
const HISTORY: &str = include_str!("checkup-history.csv");

fn shipped() -> Columns {
    Columns::parse(Columns::shipped("checkup-history").unwrap()).unwrap()
}

fn taken(columns: &Columns, bytes: &[u8]) -> (Vec<PackageEntry>, Result<TableSum, AdapterError>) {
    let input = Input {
        bytes: &bytes,
        size: bytes.len() as u64,
    };
    let mut entries = Vec::new();
    let sum = try_out(columns, &input, &mut |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    });
    (entries, sum)
}

/// A table that knows how far it was read last.
pub(super) struct Watched<'t> {
    bytes: &'t [u8],
    read: AtomicU64,
}

impl<'t> Watched<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        let read = AtomicU64::new(0);
        Self { bytes, read }
    }

    pub(super) fn input(&self) -> Input<'_> {
        Input {
            bytes: self,
            size: self.bytes.len() as u64,
        }
    }

    /// Fails where more was read than a buffer beyond this many lines of so many: then they are gathered before they are handed on.
    pub(super) fn is_read_up_to(&self, line: u64, of: u64) {
        let (read, size) = (self.read.load(Ordering::Relaxed), self.bytes.len() as u64);
        assert!(
            read <= size * line / of + (1 << 18),
            "{read} bytes of {size} at line {line} of {of}"
        );
    }
}

impl ReaderAt for Watched<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let length = self.bytes.read_at(buffer, offset)?;
        self.read.store(offset + length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

fn problem(sum: Result<TableSum, AdapterError>) -> String {
    sum.unwrap_err().to_string()
}

/// Every column: what it is, and how many of its cells were taken.
fn told(sum: &TableSum) -> String {
    let told = sum.columns.iter().enumerate().map(|(place, column)| {
        let refused = column.refused.iter().map(|(why, count)| format!(" {why} {count}"));
        format!(
            "{} {} = {} [{}/{}]{}\n",
            place + 1,
            column.name,
            column.is,
            column.taken,
            column.filled,
            refused.collect::<String>()
        )
    });
    told.collect()
}

/// All names of the list of guidance, in its order (`kokuho-columns`): one person who went through with it, one who began, and one
/// with cells that cannot be read.
const GUIDANCE: &str = include_str!("guidance.csv");

fn guidance() -> Columns {
    Columns::parse(Columns::shipped("guidance").unwrap()).unwrap()
}

#[test]
fn guidance_is_of_each_day_on_which_it_was_given() {
    let (cp932, _, is_lost) = encoding_rs::SHIFT_JIS.encode(GUIDANCE);
    assert!(!is_lost);
    let (entries, sum) = taken(&guidance(), GUIDANCE.as_bytes());
    let (of_cp932, other) = taken(&guidance(), &cp932);
    let sum = sum.unwrap();
    assert_eq!((&entries, &sum), (&of_cp932, other.as_ref().unwrap()));
    assert_eq!(
        (sum.lines, sum.documents, sum.without_checkup, sum.columns.len()),
        (3, 6, 0, 125)
    );
    insta::assert_snapshot!(told(&sum));
    let found = entries.iter().map(|entry| {
        let checkup = entry.checkup.as_ref().unwrap();
        assert_eq!(checkup.event(), model::Metric::GUIDANCE_SPECIFIC);
        let findings = checkup.findings.iter().map(|finding| match &finding.result {
            Found::Quantity(number, _) => format!("{} {number}", finding.item.row().name_ja),
            other => panic!("{other:?}"),
        });
        let reasons: Vec<&str> = entry.left_out.iter().map(|left| left.reason.as_str()).collect();
        let day = checkup.day.to_string();
        (day, findings.collect::<Vec<_>>().join(", "), reasons.join(" "))
    });
    let found: Vec<(String, String, String)> = found.collect();
    let found: Vec<(&str, &str, &str)> = found
        .iter()
        .map(|(day, found, why)| (&**day, &**found, &**why))
        .collect();
    assert_eq!(
        found,
        [
            ("2025-07-10", "", "columns-without-item"),
            (
                "2025-09-01",
                "腹囲(実測) 88.0, 体重 64.0, 収縮期血圧(その他) 132, 拡張期血圧(その他) 84",
                ""
            ),
            (
                "2025-12-20",
                "腹囲(実測) 85.5, 体重 62.1, 収縮期血圧(その他) 126, 拡張期血圧(その他) 81",
                ""
            ),
            ("2025-07-10", "", "columns-without-item"),
            ("2025-07-10", "", "not-a-day columns-without-item"),
            ("2025-12-20", "", "not-a-number"),
        ]
    );
}

#[test]
fn what_two_columns_say_of_one_day_and_place_is_one_checkup() {
    let columns = "
[person]
number = '番号'
[checkup]
programme = '100'
day = '初回'
[[result]]
column = '初回体重'
item = '9N006000000000001'
[[occasion]]
day = '評価'
[[occasion.result]]
column = '評価体重'
item = '9N006000000000001'
";
    let table = "番号,初回,初回体重,評価,評価体重\n1,2025-07-10,60,2025-07-10,59\n2,,,2025-08-01,58\n3,,,,57\n";
    let (entries, sum) = taken(&Columns::parse(columns).unwrap(), table.as_bytes());
    let sum = sum.unwrap();
    assert_eq!((sum.lines, sum.documents, sum.without_checkup), (3, 3, 1));
    let findings = |entry: &PackageEntry| entry.checkup.as_ref().map(|checkup| checkup.findings.len());
    assert_eq!(
        entries.iter().map(findings).collect::<Vec<_>>(),
        [Some(2), Some(1), None]
    );
    assert_eq!(entries[0].checkup.as_ref().unwrap().findings[1].reading, 1);
    assert_eq!(entries[2].left_out[0].reason, "not-a-day");
    let many = columns.to_owned() + &"[[occasion]]\nday = 1\n".repeat(8);
    assert!(
        Columns::parse(&many)
            .unwrap_err()
            .to_string()
            .contains("at most 8 further days")
    );
    let unknown = columns.replacen(
        "[[occasion.result]]\ncolumn = '評価体重'\nitem = '9N006",
        "[[occasion.result]]\ncolumn = '評価体重'\nitem = '0N006",
        1,
    );
    assert!(
        Columns::parse(&unknown)
            .unwrap_err()
            .to_string()
            .starts_with("occasion 1: result 1: item")
    );
}

#[test]
fn forty_thousand_lines_of_results_and_of_guidance_go_by_one_at_a_time() {
    for (list, columns, of_each) in [(GUIDANCE, guidance(), 3), (HISTORY, shipped(), 1)] {
        let (names, people) = list.split_once('\n').unwrap();
        let first = people.lines().next().unwrap();
        let table = format!("{names}\n{}", format!("{first}\n").repeat(40_000));
        let watched = Watched::new(table.as_bytes());
        let mut met = 0;
        let sum = try_out(&columns, &watched.input(), &mut |entry| {
            met += u64::from(entry.checkup.is_some());
            watched.is_read_up_to(met.div_ceil(of_each) + 1, 40_001);
            ControlFlow::Continue(())
        });
        assert_eq!((met, sum.unwrap().documents), (of_each * 40_000, of_each * 40_000));
    }
}

#[test]
fn the_shipped_list_is_read_in_both_encodings() {
    let (cp932, _, is_lost) = encoding_rs::SHIFT_JIS.encode(HISTORY);
    assert!(!is_lost);
    let (of_utf8, sum) = taken(&shipped(), HISTORY.as_bytes());
    let (of_cp932, other) = taken(&shipped(), &cp932);
    assert_eq!((&of_utf8, sum.as_ref().unwrap()), (&of_cp932, other.as_ref().unwrap()));
    let sum = sum.unwrap();
    assert_eq!((sum.lines, sum.without_checkup, sum.columns.len()), (2, 0, 101));
    insta::assert_snapshot!(told(&sum));
    let checkup = of_utf8[0].checkup.as_ref().unwrap();
    assert_eq!(
        (checkup.programme.as_str(), checkup.day.to_string()),
        ("010", "2025-06-10".to_owned())
    );
    let subject = &checkup.subject;
    assert_eq!(
        (
            subject.insurer.as_str(),
            subject.number.as_str(),
            subject.birth.unwrap().to_string(),
            subject.sex
        ),
        ("00139999", "0012345", "1960-02-29".to_owned(), Some(2))
    );
    let of = |code: &str| {
        let item = Item::from_code(code).unwrap();
        let mut findings = checkup.findings.iter().filter(|finding| finding.item == item);
        findings.next().unwrap()
    };
    let decimal = |text: &str| Decimal::parse(text.as_bytes()).unwrap();
    assert_eq!(
        of("3D046000001999902").result,
        Found::Quantity(decimal("6.1"), "%".into())
    );
    assert_eq!(
        of("3D045000001999902").result,
        Found::Quantity(decimal("5.7"), "%".into())
    );
    assert_eq!(
        (
            of("3D046000001999902").interpretation,
            of("9N001000000000001").interpretation
        ),
        (Some('H'), None)
    );
    assert!(
        of_utf8[0]
            .left_out
            .iter()
            .all(|left| left.outcome == Outcome::Unsupported)
    );
    let Original::Plain(line) = &of_utf8[1].original else {
        panic!("nothing packed a table's line");
    };
    let text = std::str::from_utf8(line).unwrap();
    assert_eq!(
        (text.lines().count(), text.contains("0012345")),
        (2, false),
        "a person's original is their own line"
    );
}

const FILE: &str = "
header_lines = 2
[person]
insurer = { always = '00139999' }
number = 1
name = 'カナ氏名'
birth = '生年月日'
[checkup]
programme = '990'
day = '健診日'
written = '2026-04-01'
[[result]]
column = 'たばこ'
item = '9N736000000000011'
answers = { 'すう' = '1', 'すわない' = '3' }
[[result]]
column = 6
item = '9N006000000000001'
";

const TABLE: &str = "見本市の健診,,,,,,,\n宛名番号,カナ氏名,生年月日,健診日,たばこ,おもさ,腹囲,ひとこと\n７,ミホン ハナコ,S35.2.29,R7.6.10,すう,５２．３,80,元気\n8,ミホン タロウ,昭和元年12月31日,2025/06/11,ときどき,おもい,,\n9,ミホン ジロウ,S40.1.1,いつか,すう,60,,\n\n10,ミホン サブロウ,S40.1.1,R7.6.11,すう,60,81,よい,あまり\n";

#[test]
fn an_operators_own_columns_are_read() {
    let columns = Columns::parse(FILE).unwrap();
    let (entries, sum) = taken(&columns, TABLE.as_bytes());
    let sum = sum.unwrap();
    assert_eq!((sum.lines, sum.without_checkup), (4, 2));
    let told: Vec<String> = entries
        .iter()
        .map(|entry| {
            let findings = entry.checkup.iter().flat_map(|checkup| &checkup.findings);
            let findings: Vec<String> = findings
                .map(|finding| format!("{} {:?}", finding.item.row().code, finding.result))
                .collect();
            let left = entry
                .left_out
                .iter()
                .map(|left| format!("{} {}", left.line, left.reason));
            format!("{findings:?} {:?}", left.collect::<Vec<_>>())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    let (of_windows, _) = taken(&columns, TABLE.replace('\n', "\r\n").as_bytes());
    assert_eq!(of_windows, entries, "ends of lines are no matter");
    let first = entries[0].checkup.as_ref().unwrap();
    assert_eq!(
        (first.written.to_string(), first.subject.number.as_str()),
        ("2026-04-01".to_owned(), "7")
    );
    assert_eq!(first.subject.insurer, "00139999");
}

#[test]
fn a_file_of_columns_says_what_is_wrong_with_it() {
    for (from, to, expected) in [
        (
            "header_lines = 2",
            "header_lines = 99",
            "header_lines is \"99\": 0 to 10 lines stand above the first person",
        ),
        ("'990'", "'x'", "checkup.programme is \"x\""),
        (
            "'2026-04-01'",
            "'April'",
            "checkup.written is \"April\": a day is YYYY-MM-DD",
        ),
        ("'9N006000000000001'", "'weight'", "result 2: item is \"weight\""),
        ("'すわない' = '3'", "'すわない' = '77'", "result 1: answers is \"77\""),
        ("header_lines", "headers", "unknown field `headers`"),
    ] {
        let error = Columns::parse(&FILE.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for (from, to, expected) in [
        ("column = 6", "column = 60", "it has no column 60, only 8"),
        ("column = 'たばこ'", "column = '喫煙'", "no column of it is called 喫煙"),
        (
            "column = 'たばこ'",
            "column = { always = '1' }",
            "a result stands in a column",
        ),
    ] {
        let columns = Columns::parse(&FILE.replace(from, to)).unwrap();
        let (entries, sum) = taken(&columns, TABLE.as_bytes());
        let error = problem(sum);
        assert!(entries.is_empty() && error.contains(expected), "{error}");
    }
    let columns = Columns::parse(FILE).unwrap();
    let twice = TABLE.replace("ひとこと", "たばこ");
    assert!(problem(taken(&columns, twice.as_bytes()).1).contains("several columns are called たばこ"));
}

#[test]
fn tables_that_may_not_be_held_and_lines_without_end_are_refused_before_anything_is_handed() {
    let columns = Columns::parse(FILE).unwrap();
    let (entries, sum) = taken(&columns, TABLE.replace("ひとこと", "個人番号").as_bytes());
    assert!(entries.is_empty() && matches!(sum, Err(AdapterError::IndividualNumber)));
    let claims = format!("{TABLE}RE,1,1112,202506\nSY,1,2,3\n");
    let (entries, sum) = taken(&columns, claims.as_bytes());
    assert!(entries.is_empty() && matches!(sum, Err(AdapterError::Claims)));
    for line in [
        "1".repeat(LONGEST_LINE + 10_000),
        format!("\"{}", "1,2\n".repeat(LONGEST_LINE / 4 + 10_000)),
    ] {
        let (entries, sum) = taken(&columns, format!("{TABLE}{line}").as_bytes());
        assert!(
            entries.is_empty() && matches!(sum, Err(AdapterError::Damaged { .. })),
            "{entries:?}"
        );
    }
    let many = format!(
        "{TABLE}{}",
        "11,ミホン ハナコ,S35.2.29,R7.6.10,すう,50,80,\n".repeat(40_000)
    );
    assert_eq!(
        taken(&columns, many.as_bytes()).1.unwrap().lines,
        40_004,
        "only one line is bounded"
    );
    assert!(matches!(
        taken(&columns, b"").1,
        Err(AdapterError::NothingInside { .. })
    ));
}

/// As a table by which an insurer says what it knows members by: its names are fixed, and say nothing of what somebody wrote below.
#[test]
fn individual_numbers_are_found_below_names_of_other_things() {
    let passing = |body: u64| {
        let mut numbers = (0..10).map(|digit| format!("{body:011}{digit}"));
        numbers
            .find(|number| crate::checkup::individual_number::passes(number))
            .expect("one passes")
    };
    let look = |number: &dyn Fn(u64) -> String| {
        let lines = (0..20).map(|body| format!("1,139999,{},1960-02-29\n", number(12_345_678 + body * 977)));
        let table = format!("person,insurer,number,birth_date\n{}", lines.collect::<String>());
        look_through(&Input {
            bytes: &table.as_bytes(),
            size: table.len() as u64,
        })
    };
    assert!(matches!(look(&passing), Err(AdapterError::IndividualNumber)));
    assert!(look(&|body| format!("{body:012}")).is_ok());
}

#[test]
fn birth_dates_are_read_beside_their_eras() {
    for (era, written, expected) in [
        ("3", "350229", Some("1960-02-29")),
        ("昭和", "35/02/29", Some("1960-02-29")),
        ("Ｓ", "３５．２．２９", Some("1960-02-29")),
        ("3", "19600229", Some("1960-02-29")),
        ("3", "1960/02/29", Some("1960-02-29")),
        ("", "S35.2.29", Some("1960-02-29")),
        ("4", "010108", Some("1989-01-08")),
        ("9", "350229", None),
        ("3", "", None),
    ] {
        assert_eq!(
            birth_date(era, written).map(|day| day.to_string()).as_deref(),
            expected,
            "{era} {written}"
        );
    }
}

proptest! {
    #[test]
    fn no_table_panics_and_every_line_is_accounted_for(lines in prop::collection::vec("(.{0,6},){0,9}.{0,6}", 0..12)) {
        let columns = Columns::parse(FILE).unwrap();
        let head: String = TABLE.lines().take(2).map(|line| format!("{line}\n")).collect();
        let (entries, sum) = taken(&columns, format!("{head}{}", lines.join("\n")).as_bytes());
        if let Ok(sum) = sum {
            prop_assert_eq!(sum.lines, entries.len() as u64);
            prop_assert_eq!(sum.without_checkup, entries.iter().filter(|entry| entry.checkup.is_none()).count() as u64);
        }
    }
}

#[test]
fn the_documents_own_examples_are_what_they_say() {
    let guide = include_str!("../../../../docs/tables.md");
    let examples: Vec<&str> = guide.split("```").skip(1).step_by(2).collect();
    let examples: Vec<&str> = examples.iter().filter_map(|text| text.strip_prefix("toml")).collect();
    let [whole, _, screening, ledger] = examples.as_slice() else {
        panic!("{}", examples.len());
    };
    let columns = Columns::parse(whole).unwrap();
    assert_eq!((columns.occasions[0].1.len(), columns.written.header_lines), (3, 1));
    LedgerColumns::parse(ledger).unwrap();
    let table = "記号,番号,氏名カナ,生年月日,性別,受診日,検診機関,肺がん判定,撮影\n\
                 見本,７,ミホン ハナコ,S35.2.29,女,R7.6.10,みほん医院,要精検,直接\n";
    let (entries, sum) = taken(&Columns::parse(screening).unwrap(), table.as_bytes());
    assert_eq!(sum.unwrap().without_checkup, 0);
    let checkup = entries[0].checkup.as_ref().unwrap();
    assert_eq!(
        (checkup.event(), checkup.findings.len()),
        (model::Metric::CHECKUP_LUNG_CANCER, 1)
    );
    assert_eq!(entries[0].left_out[0].reason, "columns-without-item");
}
