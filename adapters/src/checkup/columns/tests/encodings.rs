//! Lists in UTF-16 and with tabs, as a spreadsheet saves them: read as they come, however large.

use super::*;
use crate::checkup::tests::utf16;

#[test]
fn a_list_in_utf_16_says_what_it_says_in_utf_8() {
    let (expected, sum) = taken(&shipped(), HISTORY.as_bytes());
    let expected_sum = sum.unwrap();
    let tabs = HISTORY.replace(',', "\t");
    for bytes in [
        tabs.clone().into_bytes(),
        utf16(&tabs, true),
        utf16(&tabs, false),
        utf16(HISTORY, false),
    ] {
        let (entries, sum) = taken(&shipped(), &bytes);
        assert_eq!((entries, sum.unwrap()), (expected.clone(), expected_sum.clone()));
    }
    let marked = utf16(&HISTORY.replacen("身長", "マイナンバー", 1), true);
    assert!(matches!(
        taken(&shipped(), &marked).1,
        Err(AdapterError::IndividualNumber)
    ));
}

/// Characters of one, two, three and four bytes of UTF-8 fall on every place of the parts that are read.
#[test]
fn lines_and_their_numbers_are_the_same_wherever_a_part_ends() {
    let columns = Columns::parse(FILE).unwrap();
    let people =
        (0..4_000).map(|place| format!("{place},𠮷é{},S35.2.29,R7.6.10,すう,50,80,\r\n", "あ".repeat(place % 7)));
    let table = format!("\r\n{TABLE}{}", people.collect::<String>()).replace(",あまり", "");
    let (expected, sum) = taken(&columns, table.as_bytes());
    assert_eq!(expected.len(), 4_004);
    assert_eq!(expected[4_003].place, "line 4008");
    let (entries, other) = taken(&columns, &utf16(&table, true));
    assert_eq!((entries, other.unwrap()), (expected, sum.unwrap()));
    let endless = utf16(&format!("{TABLE}\"{}", "あ".repeat(LONGEST_LINE)), true);
    assert!(matches!(taken(&columns, &endless).1, Err(AdapterError::Damaged { .. })));
}
