//! Columns that have kept their name while the lists of their answers, or what is asked, have changed.

use super::*;

/// What the shipped list gives of one person: cells by the names of their columns.
fn answered(cells: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let names = HISTORY.lines().next().unwrap();
    let about = [("被保険者証番号", "1"), ("生年月日", "1960-02-29")];
    let line: Vec<&str> = names
        .split(',')
        .map(|name| {
            let mut cells = about.iter().chain(cells);
            cells.find(|(of, _)| *of == name).map_or("", |(_, cell)| *cell)
        })
        .collect();
    let (entries, sum) = taken(&shipped(), format!("{names}\n{}\n", line.join(",")).as_bytes());
    assert_eq!(sum.unwrap().without_checkup, 0);
    let findings = entries[0].checkup.iter().flat_map(|checkup| &checkup.findings);
    let findings = findings.map(|finding| match &finding.result {
        Found::Answer(list, code) => {
            let list = list.strip_prefix("1.2.392.200119.").unwrap();
            format!("{} {list} {code}", &finding.item.row().code[..5])
        }
        other => panic!("{other:?}"),
    });
    let reasons = entries[0].left_out.iter().map(|left| left.reason.clone());
    (findings.collect(), reasons.collect())
}

#[test]
fn drinking_is_answered_from_the_lists_of_its_day() {
    for (day, frequency, amount, expected) in [
        ("2024-03-31", "2", "4", ["9N786 6.2005 2", "9N791 6.2006 4"]),
        (
            "2015-06-01",
            "ほとんど飲まない",
            "１合未満",
            ["9N786 6.2005 3", "9N791 6.2006 1"],
        ),
        ("2024-04-01", "8", "5", ["9N786 6.24040 8", "9N791 6.24050 5"]),
    ] {
        let (found, left) = answered(&[("健診実施年月日", day), ("飲酒", frequency), ("飲酒量", amount)]);
        assert_eq!(found, expected, "{left:?}");
    }
    let (found, left) = answered(&[("健診実施年月日", "2024-03-31"), ("飲酒", "4"), ("飲酒量", "5")]);
    assert!(found.is_empty());
    assert_eq!(left, ["no-such-answer", "no-such-answer"]);
}

#[test]
fn what_was_asked_of_snacks_changed_with_fiscal_2018_and_the_column_did_not() {
    for (day, cell, expected) in [
        ("2018-03-31", "2", "9N776 6.2003 2"),
        ("2018-03-31", "はい", "9N776 6.2003 1"),
        ("2018-04-01", "2", "9N782 6.18040 2"),
        ("2025-06-10", "3", "9N782 6.18040 3"),
        ("2025-06-10", "ほとんど摂取しない", "9N782 6.18040 3"),
    ] {
        let (found, left) = answered(&[("健診実施年月日", day), ("食べ方3（夜食/間食）", cell)]);
        assert_eq!(found, [expected], "{day} {left:?}");
    }
    let (found, left) = answered(&[("健診実施年月日", "2018-03-31"), ("食べ方3（夜食/間食）", "3")]);
    assert!(found.is_empty());
    assert_eq!(left, ["no-such-answer"], "nobody could answer so");
}

/// A table that somebody made themselves, and a resident's own: nobody said there which item it is.
#[test]
fn the_same_name_means_the_same_items_in_every_table() {
    let columns = "[person]\nnumber = 1\n[checkup]\nprogramme = '010'\nday = '健診日'\n";
    for (day, cell, expected) in [
        ("2018-03-31", "はい", "9N776"),
        ("2018-04-01", "時々", "9N782"),
        ("2025-06-10", "3", "9N782"),
    ] {
        let table = format!("番号,健診日,食べ方３（夜食／間食）\n1,{day},{cell}\n");
        let (entries, _) = taken(&Columns::parse(columns).unwrap(), table.as_bytes());
        let own = format!("健診日,{day}\n食べ方３（夜食／間食）,{cell}\n身長,160\n体重,60\n腹囲,80\nBMI,23\n");
        let own = crate::checkup::tests::checkups(own.as_bytes()).0;
        for checkup in [entries[0].checkup.as_ref().unwrap(), &own[0]] {
            let first = checkup.findings.first().map(|finding| &finding.item.row().code[..5]);
            assert_eq!(first, Some(expected), "{day}");
        }
    }
}

/// Of the same byte of Shift_JIS some make a wave dash, others a full-width tilde.
#[test]
fn a_wave_between_numbers_is_one_however_it_was_decoded() {
    let expected = ["9N786 6.24040 3"];
    for wave in ["\u{301c}", "\u{ff5e}", "~"] {
        let cell = format!("週３{wave}４日");
        let (found, left) = answered(&[("健診実施年月日", "2025-06-10"), ("飲酒", &cell)]);
        assert_eq!(found, expected, "{left:?}");
    }
    let words = "[person]\nnumber = 1\n[checkup]\nprogramme = '010'\nday = '健診日'\n\
                 [[result]]\ncolumn = '2\u{301c}3kg'\nitem = '9N736000000000011'\nanswers = { '1\u{301c}2' = '1' }\n";
    let table = "番号,健診日,2\u{ff5e}3kg\n1,2025-06-10,1\u{ff5e}2\n";
    let (entries, sum) = taken(&Columns::parse(words).unwrap(), table.as_bytes());
    assert_eq!(sum.unwrap().documents, 1);
    assert_eq!(entries[0].checkup.as_ref().unwrap().findings.len(), 1);
}

/// A column that has held three items, with words of its own for their answers.
const CHANGED: &str = "
[person]
number = 1
[checkup]
programme = '010'
day = '健診日'
[[result]]
column = '生活'
item = '9N776000000000011'
since = { '2018-04-01' = '9N782000000000011', '2024-04-01' = '9N736000000000011' }
answers = { 'たまに' = '2', 'なし' = '3' }
";

#[test]
fn a_column_holds_another_item_since_a_day() {
    let table = "番号,健診日,生活\n1,2017-06-01,たまに\n1,2018-04-01,なし\n1,2024-03-31,たまに\n1,2024-04-01,なし\n";
    let (entries, sum) = taken(&Columns::parse(CHANGED).unwrap(), table.as_bytes());
    let sum = sum.unwrap();
    assert_eq!(
        sum.columns[2].is,
        "9N776000000000011 食べ方3(夜食/間食); since 2018-04-01 9N782000000000011 食べ方3(間食); since 2024-04-01 9N736000000000011 喫煙"
    );
    let findings = entries
        .iter()
        .flat_map(|entry| &entry.checkup.as_ref().unwrap().findings);
    let items: Vec<&str> = findings.map(|finding| &finding.item.row().code[..5]).collect();
    assert_eq!(items, ["9N776", "9N782", "9N782", "9N736"]);
    for (from, to, expected) in [
        (
            "'2018-04-01' =",
            "'April' =",
            "result 1: since is \"April\": a day is YYYY-MM-DD",
        ),
        (
            "9N736000000000011' }",
            "smoking' }",
            "result 1: since is \"smoking\": an item is",
        ),
        ("'なし' = '3'", "'なし' = '7'", "result 1: answers is \"7\""),
    ] {
        let error = Columns::parse(&CHANGED.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_column_holds_another_item_where_another_column_says_so() {
    let names = HISTORY.lines().next().unwrap();
    let item = |drawn: &str| {
        let cells = [
            ("被保険者証番号", "1"),
            ("生年月日", "1960-02-29"),
            ("健診実施年月日", "2025-06-10"),
            ("採血時間（食後）", drawn),
            ("中性脂肪（トリグリセリド）", "160"),
        ];
        let cell = |name: &str| cells.iter().find(|(of, _)| *of == name).map_or("", |(_, cell)| *cell);
        let line: Vec<&str> = names.split(',').map(cell).collect();
        let (entries, sum) = taken(&shipped(), format!("{names}\n{}\n", line.join(",")).as_bytes());
        let is = sum.unwrap().columns[23].is.clone();
        assert!(is.contains("where column 23 says 3 or 4, 3F015129902399901"), "{is}");
        let checkup = entries[0].checkup.as_ref().unwrap();
        let of_a_number = checkup.findings.iter().find(|finding| finding.number().is_some());
        of_a_number.unwrap().item.row().code.to_owned()
    };
    for drawn in ["2", "", "5"] {
        assert_eq!(item(drawn), "3F015000002399901", "{drawn}");
    }
    for drawn in ["3", "4", "４"] {
        assert_eq!(item(drawn), "3F015129902399901", "{drawn}");
    }
    let wrong = CHANGED.replace(
        "answers =",
        "otherwise = { column = 1, says = ['1'], item = 'another' }\nanswers =",
    );
    let error = Columns::parse(&wrong).unwrap_err().to_string();
    assert!(
        error.starts_with("result 1: otherwise.item is \"another\": an item is"),
        "{error}"
    );
}
