//! Tables of municipalities' screenings: each is told as the one it is, as a document of the same screening tells it.

use model::checkup::items::list_oid;
use model::checkup::{Checkup, SCREENINGS};

use super::*;
use crate::checkup::tests::checkups;

const FILE: &str = "
[person]
number = 1
[checkup]
screening = '肺がん検診'
day = '検診日'
facility_number = '機関'
[[result]]
column = '視診'
item = '9N291160700000011'
answers = { '異常なし' = '1' }
";

fn read(columns: &str) -> Checkup {
    let table = "番号,検診日,機関,視診\n7,2025-10-05,1310000001,異常なし\n";
    let (mut entries, sum) = taken(&Columns::parse(columns).unwrap(), table.as_bytes());
    assert_eq!(sum.unwrap().without_checkup, 0);
    entries.remove(0).checkup.unwrap()
}

#[test]
fn a_table_is_of_the_screening_that_its_columns_name() {
    for screening in SCREENINGS {
        for written in [screening.event.row().name_ja, screening.report] {
            let columns = FILE.replace("肺がん検診", written);
            assert_eq!(Columns::parse(&columns).unwrap().event(), screening.event);
            let checkup = read(&columns);
            assert_eq!(
                (checkup.event(), checkup.report.as_str(), checkup.programme.as_str()),
                (screening.event, screening.report, screening.programme)
            );
            assert!(checkup.is_table());
        }
    }
    let first = read(&FILE.replace("day =", "part = 1\nday ="));
    assert_eq!(first.part_of_screening(), Some("1"));
}

#[test]
fn a_table_tells_the_same_screening_as_its_document_and_no_other() {
    let (lung, _) = checkups(include_bytes!("../../fixtures/lung.json"));
    let both = FILE.replace("day =", "part = 3\nday =");
    for columns in [FILE, &both] {
        assert!(read(columns).is_same(&lung[0]) && lung[0].is_same(&read(columns)));
        assert!(!read(&columns.replace("肺がん検診", "胃がん検診")).is_same(&lung[0]));
    }
    assert!(!read(&both.replace("part = 3", "part = 1")).is_same(&lung[0]));
    assert!(!read(&FILE.replace("screening = '肺がん検診'", "programme = '060'")).is_same(&lung[0]));
}

/// In a screening 1 is 所見なし; in other checkups it is 所見あり.
#[test]
fn answers_are_of_the_screening_s_own_lists() {
    let item = Item::from_code("9N291160700000011").unwrap();
    let checkup = read(FILE);
    let own = Found::Answer(list_oid(item.list_of_screening()), "1".to_owned());
    assert_eq!(checkup.findings[0].result, own);
    let named = read(
        &FILE
            .replace("'異常なし' = '1'", "'異常あり' = '2'")
            .replace("肺がん検診", "54"),
    );
    assert!(named.findings.is_empty(), "what no answer is called is none");
    let other = read(&FILE.replace("screening = '肺がん検診'", "programme = '060'"));
    assert_ne!(other.findings[0].result, own);
}

#[test]
fn what_is_no_screening_is_told_with_those_that_are() {
    for (from, to, expected) in [
        (
            "'肺がん検診'",
            "'前立腺がん検診'",
            "checkup.screening is \"前立腺がん検診\": a screening is one of 51 肺がん検診, 52 乳がん検診, 53 胃がん検診,",
        ),
        ("'肺がん検診'", "'59'", "checkup.screening is \"59\""),
        ("day =", "part = 4\nday =", "checkup.part is \"4\": 1 the first test"),
        (
            "day =",
            "programme = '060'\nday =",
            "checkup.programme is \"060\": a screening is of its own programme: leave this line out",
        ),
        (
            "screening = '肺がん検診'",
            "",
            "checkup.programme is \"\": a programme is three digits",
        ),
        (
            "screening = '肺がん検診'",
            "programme = '060'\npart = 1",
            "checkup.part is \"1\"",
        ),
    ] {
        let error = Columns::parse(&FILE.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
