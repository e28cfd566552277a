//! What is of one of two insurances, and does not say of which: the ledger is read rightly however it is filled.

use super::*;

/// Symbol, own number of the national insurance and number of whichever holds; days of either; what becomes of them.
fn numbers(cells: &[(usize, &str)]) -> Vec<String> {
    let about = [(7, "ミホンハナコ"), (10, "19500506"), (44, "139999"), (62, "39139999")];
    let line: Vec<(usize, &str)> = about.iter().chain(cells).copied().collect();
    let lines = read(written(&[&line]).as_bytes()).unwrap();
    let told = lines[0].told.as_ref().unwrap().iter();
    let told = told.map(|membership| {
        let subject = &membership.subject;
        let lost = membership.lost.map_or("holds".to_owned(), |lost| lost.to_string());
        format!("{} {}/{} {lost}", &subject.insurer[..2], subject.symbol, subject.number)
    });
    told.collect()
}

const BEFORE: &[(usize, &str)] = &[(27, "H20.4.1")];
const AFTER: &[(usize, &str)] = &[(27, "H20.4.1"), (28, "R7.5.5"), (29, "R7.5.6")];

#[test]
fn before_75_the_number_is_the_national_insurance_s_whichever_column_has_it() {
    for cells in [
        &[(3, "見本"), (4, "00123")][..],
        &[(3, "見本"), (4, "00123"), (58, "123")],
        &[(3, "見本"), (4, "００１２３"), (58, "00123")],
    ] {
        let told = numbers(&[cells, BEFORE].concat());
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("00 見本/") && told[0].ends_with("123 holds"),
            "{told:?}"
        );
    }
    assert_eq!(numbers(&[&[(58, "00123")], BEFORE].concat()), ["00 /00123 holds"]);
}

/// The elderly's number was once taken for the national insurance's too.
#[test]
fn from_75_on_no_insurance_has_the_number_of_the_other() {
    // The one column has the number of the insurance that holds: the elderly's.
    let told = numbers(&[&[(4, "55555555"), (58, "00123")], AFTER].concat());
    assert_eq!(told, ["00 /00123 2025-05-05", "39 /55555555 holds"]);
    let told = numbers(&[&[(4, "55555555")], AFTER].concat());
    assert_eq!(
        told,
        ["00 / 2025-05-05", "39 /55555555 holds"],
        "lost, by whichever number it had"
    );
    // It has the national insurance's still: of the elderly's nobody knows the number.
    let told = numbers(&[&[(3, "見本"), (4, "123"), (58, "00123")], AFTER].concat());
    assert_eq!(told, ["00 見本/00123 2025-05-05"]);
    // Both have ended, as of who moved away.
    let told = numbers(&[&[(4, "55555555"), (58, "123"), (30, "R8.1.1")], AFTER].concat());
    assert_eq!(told, ["00 /123 2025-05-05", "39 /55555555 2026-01-01"]);
}

#[test]
fn who_came_back_to_the_first_insurance_has_its_number() {
    let back = [(3, "見本"), (4, "77"), (27, "R7.6.1"), (29, "R6.1.1"), (30, "R7.5.31")];
    assert_eq!(numbers(&back), ["00 見本/77 holds", "39 / 2025-05-31"]);
}
