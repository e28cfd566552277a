//! Tables of residents, as the adapter meets them.

use super::*;

/// What lay behind the hundred-thousandth line was once cut off without a word.
#[test]
fn a_table_of_more_lines_than_any_is_refused_and_takes_nothing_from_its_neighbours() {
    let results = "受診日,2024-06-10\n体重,52\n身長,152\n腹囲,80\nBMI,22\n";
    let long = format!("{results}{}", "ひとこと,1\n".repeat(100_000));
    let (read, reading) = checkups(long.as_bytes());
    assert!(read.is_empty());
    let why = reading.unwrap_err().to_string();
    assert!(why.contains("more than 100000 lines"), "{why}");
    let (read, reading) = checkups(&zip(&[("1", long.as_bytes()), ("2", results.as_bytes())]));
    assert_eq!(read.len(), 1);
    let reasons = reading.unwrap().accounting.reasons;
    assert_eq!(reasons[&(Outcome::Rejected, REFUSED.to_owned())], 1);
}

/// What lies beside a package's documents: none of it was once counted.
#[test]
fn what_lies_beside_a_residents_documents_is_counted_by_what_it_is() {
    let document = synthetic::document(&MadeUp::of(1).checkup(2025));
    let (read, reading) = checkups(&zip(&[
        ("INDEX.xml", b"<index><totalRecordCount value=\"1\"/></index>"),
        ("SUMMARY.xml", b"<summary/>"),
        ("CLAIMS/c.xml", b"<checkupClaim><id/></checkupClaim>"),
        ("CLAIMS/i.xml", b"<interventionClaim/>"),
        (
            "XSD/a.xsd.xml",
            b"<xsd:schema xmlns:xsd='http://www.w3.org/2001/XMLSchema'/>",
        ),
        ("DATA/h.xml", document.as_bytes()),
    ]));
    let accounting = reading.unwrap().accounting;
    assert!(accounting.adds_up());
    assert_eq!((read.len(), accounting.unsupported), (1, 5));
    for (reason, count) in [
        ("index-of-documents", 1),
        ("sum-of-documents", 1),
        ("claim-of-a-checkup", 2),
        ("schema-of-documents", 1),
    ] {
        assert_eq!(
            accounting.reasons[&(Outcome::Unsupported, reason.to_owned())],
            count,
            "{reason}"
        );
    }
}
