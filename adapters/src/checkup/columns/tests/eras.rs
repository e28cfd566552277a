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
