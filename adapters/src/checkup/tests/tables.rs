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

/// Each of them once kept the whole file: a hundred checkups of eight megabytes.
#[test]
fn each_checkup_of_a_table_keeps_what_stands_above_all_and_its_own_lines() {
    let above = "わたしの情報\r\n氏名,ミホン ハナコ\r\n\"ひとこと\n二行\",\"1,2\"\r\n";
    let one = "健診機関番号,1311111111\r\n受診日,2024-06-10\r\n体重,52\r\n身長,152\r\n腹囲,80\r\nBMI,22\r\n";
    let two = "健診機関番号,1322222222\r\n受診日,2025-06-10\r\n体重,53\r\n";
    let originals = |text: &str| {
        let (collected, _) = harness::read(&CheckupDocuments, text.as_bytes());
        let originals = collected.pieces.into_iter().filter_map(|piece| match piece {
            Handed::Checkup(brought) => Some(String::from_utf8(brought.original).unwrap()),
            _ => None,
        });
        originals.collect::<Vec<_>>()
    };
    let kept = originals(&format!("{above}{one}{two}"));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(kept.len(), 2);
    assert_eq!(sorted(&kept[0]), sorted(&format!("{above}{one}")));
    // The third line is of no item: it waits for the first day, as results do.
    let without = above
        .replace("\"ひとこと\n二行\",\"1,2\"\r\n", "")
        .replace("健診機関番号,1311111111\r\n", "");
    assert_eq!(
        sorted(&kept[1]),
        sorted(&format!("{without}健診機関番号,1311111111\r\n{two}"))
    );
    let alone = format!("\u{feff}{above}{one}\r\n");
    assert_eq!(originals(&alone), [alone.as_str()], "one by itself is kept as it came");
    let days = (1..=100).map(|day| {
        format!(
            "受診日,{}-06-10\n体重,52\n身長,152\n腹囲,80\nBMI,22\n",
            1900 + day % 9 + 110
        )
    });
    let many = format!("{}\n{}", "あ".repeat(1 << 20), days.collect::<String>());
    let kept = originals(&many);
    assert!(kept.len() == 100 && kept.iter().all(|original| original.len() < 32 << 10));
}
