//! What is found in a document: items, answers, numbers, and what stands around them.

use model::checkup::items::{ANSWERS, ROOT, answer_of};

use super::*;

#[test]
fn every_item_goes_in_and_comes_out_once() {
    for day in ["2019-06-01", "2025-06-01"] {
        let mut written = empty(day);
        written.findings = Item::all()
            .map(|item| Finding::new(item, usual(item, written.day)))
            .collect();
        let (mut read, reading) = read(&document(&written));
        read.findings.sort_by_key(|finding| finding.item);
        assert_eq!(read, written, "{day}");
        assert_eq!((reading.samples, reading.accounting.received), (604, 0));
    }
}

#[test]
fn every_answer_of_every_list_is_read_whatever_its_item() {
    let smoking = Item::from_code("9N736000000000011").unwrap();
    for (list, code, name) in ANSWERS {
        assert_eq!(answer_of(&list_oid(list), code), Some(*name));
        let mut written = empty("2025-06-01");
        written.findings = vec![Finding::new(smoking, Found::Answer(list_oid(list), (*code).to_owned()))];
        assert_eq!(read(&document(&written)).0, written, "{list} {code}");
    }
}

#[test]
fn what_was_not_done_or_not_measurable_or_beyond_a_limit_is_told_apart() {
    let item = Item::from_code("9A751000000000001").unwrap();
    for result in [
        Found::NotPerformed,
        Found::NotMeasurable,
        Found::AtLeast(Decimal::whole(300), "mm[Hg]".to_owned()),
        Found::AtMost(Decimal::whole(60), "mm[Hg]".to_owned()),
    ] {
        let mut written = empty("2025-06-01");
        written.findings = vec![Finding::new(item, result)];
        assert_eq!(read(&document(&written)).0.findings, written.findings);
    }
}

#[test]
fn what_stands_around_a_value_is_kept() {
    let mut written = empty("2025-06-01");
    written.findings = vec![Finding {
        interpretation: Some('H'),
        method: Some("3D04620000".to_owned()),
        range: Some(Range {
            low: None,
            high: Some((Decimal::new(55, 1), "%".to_owned())),
        }),
        doctor: Some("見本 医師".to_owned()),
        day: LocalDay::parse("2025-06-03"),
        ..Finding::new(
            Item::from_code("3D046000001920402").unwrap(),
            Found::Quantity(Decimal::new(580, 2), "%".to_owned()),
        )
    }];
    assert_eq!(read(&document(&written)).0, written);
}

#[test]
fn full_width_codes_and_numbers_are_what_they_mean() {
    let (read, _) = read(&observation(
        "<observation><code code=\"９N００６０００００００００００１\" codeSystem=\"1.2.392.200119.6.1005\"/><value xsi:type=\"PQ\" value=\" ６５．２０ \" unit=\"kg\"/></observation>",
    ));
    assert_eq!(read.findings[0].item.row().code, "9N006000000000001");
    assert_eq!(
        read.findings[0].result,
        Found::Quantity(Decimal::new(6520, 2), "kg".to_owned())
    );
}

#[test]
fn a_list_that_is_left_out_is_that_of_the_day() {
    let smoking = "<observation><code code=\"9N736000000000011\"/><value xsi:type=\"CD\" code=\"2\"/></observation>";
    for (day, list) in [("20240331", "6.2003"), ("20240401", "6.24060")] {
        let text = observation(smoking).replace(
            "<effectiveTime value=\"20250601\"/>",
            &format!("<effectiveTime value=\"{day}\"/>"),
        );
        let found = &read(&text).0.findings[0].result;
        assert_eq!(*found, Found::Answer(format!("{ROOT}{list}"), "2".to_owned()), "{day}");
    }
}

#[test]
fn a_list_that_is_left_out_is_that_of_the_screening() {
    let inspection = "<observation><code code=\"9N291160700000011\"/><value xsi:type=\"CD\" code=\"1\"/></observation>";
    for (report, list) in [("42", "1.2.392.200119.6.2002"), ("54", "1.2.392.100495.100.2050")] {
        let made = document(&Checkup {
            report: report.to_owned(),
            ..empty("2025-06-01")
        });
        let text = made.replace("</section>", &format!("<entry>{inspection}</entry></section>"));
        let found = &read(&text).0.findings[0].result;
        assert_eq!(*found, Found::Answer(list.to_owned(), "1".to_owned()), "{report}");
    }
}

#[test]
fn readings_of_one_item_are_told_apart() {
    let twice = "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\" value=\"65.2\"/><value xsi:type=\"PQ\" value=\"65.4\"/></observation>";
    let (read, _) = read(&observation(twice));
    let readings: Vec<_> = read
        .findings
        .iter()
        .map(|finding| (finding.reading, finding.number().unwrap().0))
        .collect();
    assert_eq!(readings, [(0, Decimal::new(652, 1)), (1, Decimal::new(654, 1))]);
    let (many, reading) = self::read(&observation(&twice.repeat(20)));
    assert_eq!(many.findings.len(), 16);
    assert_eq!(reading.accounting.rejected, 12);
}

#[test]
fn what_cannot_be_read_says_why_and_takes_nothing_else_with_it() {
    let weight = "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\" value=\"65.2\"/></observation>";
    for (broken, outcome, reason) in [
        (
            "<observation><code code=\"9N006000000000001\"/></observation>",
            Outcome::Rejected,
            "no-value",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\" value=\"65,2\"/></observation>",
            Outcome::Rejected,
            "not-a-number",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"PQ\"/></observation>",
            Outcome::Rejected,
            "no-value",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"II\"/></observation>",
            Outcome::Rejected,
            "type-of-value",
        ),
        (
            "<observation><code code=\"9N736000000000011\"/><value xsi:type=\"CD\"/></observation>",
            Outcome::Rejected,
            "no-code",
        ),
        (
            "<observation><code code=\"9N511000000000049\"/><value xsi:type=\"ST\"> </value></observation>",
            Outcome::Rejected,
            "empty-text",
        ),
        (
            "<observation><code code=\"9N006000000000001\"/><value xsi:type=\"CD\" code=\"H\" codeSystem=\"2.16.840.1.113883.5.83\"/></observation>",
            Outcome::Rejected,
            "limit-without-its-number",
        ),
        (
            "<observation><code code=\"Z9N06000000000001\"/><value xsi:type=\"PQ\" value=\"60\"/></observation>",
            Outcome::Unsupported,
            "item Z9N06000000000001",
        ),
        (
            "<observation><code code=\"9N006000000000001\" codeSystem=\"1.2.392.200119.6.1006\"/><value xsi:type=\"PQ\" value=\"60\"/></observation>",
            Outcome::Unsupported,
            "item 9N006000000000001",
        ),
    ] {
        let (read, reading) = read(&observation(&format!("{broken}</entry><entry>{weight}")));
        assert_eq!(read.findings.len(), 1, "{reason}");
        let reasons: Vec<_> = reading.accounting.reasons.keys().cloned().collect();
        assert_eq!(reasons, [(outcome, reason.to_owned())]);
    }
}

proptest! {
    #[test]
    fn made_up_checkups_come_out_as_they_were_written(seed in any::<u64>(), year in 2013i32..2027) {
        let made = MadeUp::of(seed).checkup(year);
        let (mut read, _) = checkups(document(&made).as_bytes());
        let mut read = read.remove(0);
        let order = |findings: &mut Vec<Finding>| findings.sort_by_key(|finding| (finding.item, finding.reading));
        let mut made = made;
        order(&mut read.findings);
        order(&mut made.findings);
        prop_assert_eq!(read, made);
    }
}

/// A result of an item, as the form has it.
fn usual(item: Item, day: LocalDay) -> Found {
    let row = item.row();
    match row.kind {
        Kind::Quantity => Found::Quantity(Decimal::new(712, 1), row.unit.to_owned()),
        Kind::Ordered | Kind::Coded => Found::Answer(list_oid(item.list_on(day)), "1".to_owned()),
        Kind::Text => Found::Text("所見なし\n二行目 <&>".to_owned()),
    }
}
