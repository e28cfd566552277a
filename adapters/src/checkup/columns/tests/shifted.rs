//! Lines in which a comma made two cells of one: what stands behind it would be another column's, and is taken for nothing.

use super::*;
use crate::checkup::table::CUT;

const FILE: &str = "
[person]
number = 1
[checkup]
programme = '010'
day = '健診日'
";

/// Two empty columns stand at the end, so that a line may be as long as its names though it was shifted.
const NAMES: &str = "番号,健診日,空腹時中性脂肪(トリグリセリド),体重,身長,メモ";

fn line(line: &str) -> (Vec<String>, Vec<String>, u64) {
    let table = format!("{NAMES}\n{line}\n");
    let (entries, sum) = taken(&Columns::parse(FILE).unwrap(), table.as_bytes());
    let sum = sum.unwrap();
    let findings = entries
        .iter()
        .flat_map(|entry| &entry.checkup)
        .flat_map(|checkup| &checkup.findings);
    let findings = findings.map(|finding| match &finding.result {
        Found::Quantity(number, _) => number.to_string(),
        other => panic!("{other:?}"),
    });
    let reasons = entries.iter().flat_map(|entry| &entry.left_out);
    let reasons = reasons.filter(|left| left.outcome == Outcome::Rejected);
    (
        findings.collect(),
        reasons.map(|left| left.reason.clone()).collect(),
        sum.without_checkup,
    )
}

#[test]
fn a_line_with_more_cells_than_names_is_refused_as_a_line() {
    let refused = |reason: &str| (Vec::new(), vec![reason.to_owned()], 1);
    assert_eq!(line("7,2025-06-10,1,200,52,152,よい"), refused(CUT));
    assert_eq!(line("7,2025-06-10,1,200.5 mg/dL,52,152,よい"), refused(CUT));
    assert_eq!(line("7,2025-06-10,95,52,152,よい,わるい"), refused("too-many-columns"));
    // Its last column is empty, as memos are: 1, 200 kg and 52 cm were once taken.
    assert_eq!(line("7,2025-06-10,1,200,52,152,"), refused(CUT));
}

#[test]
fn empty_cells_at_the_end_are_no_matter_nor_is_a_number_in_quotation_marks() {
    let found = |numbers: [&str; 3]| (numbers.map(str::to_owned).to_vec(), Vec::new(), 0);
    assert_eq!(line("7,2025-06-10,95,52,152,よい,,,"), found(["95", "52", "152"]));
    assert_eq!(line("7,2025-06-10,\"1,200\",52,152,よい"), found(["1200", "52", "152"]));
    assert_eq!(
        line("7,2025-06-10,\"1,200\",52,152,よい,"),
        found(["1200", "52", "152"])
    );
    // 95,110 is more than any that can be entered; 0 begins no thousands.
    for first in ["95", "0"] {
        assert_eq!(
            line(&format!("7,2025-06-10,{first},110,152,,")),
            found([first, "110", "152"])
        );
    }
    assert_eq!(line("7,2025-06-10,95"), (vec!["95".to_owned()], Vec::new(), 0));
}

#[test]
fn a_line_of_a_ledger_with_more_cells_than_names_says_nothing() {
    let columns = "[person]\nbirth = 1\n[[insurance]]\ninsurer = 2\nnumber = 3\ngained = 4";
    let columns = LedgerColumns::parse(columns).unwrap();
    let text = "生年月日,保険者,番号,取得日\n1950-05-06,139999,7,2020-04-01,\n1950-05-06,139,999,7,2020-04-01\n";
    let input = Input {
        bytes: &text.as_bytes(),
        size: text.len() as u64,
    };
    let mut told = Vec::new();
    let sum = ledger(&columns, &input, &mut |line| {
        told.push(line.told.map(|told| told.len()));
        ControlFlow::Continue(())
    });
    assert_eq!(told, [Ok(1), Err("too-many-columns")]);
    assert_eq!(sum.unwrap().refused["too-many-columns"], 1);
}
