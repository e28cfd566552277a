//! Methods of which documents write one under several codes: none is refused, and each is kept as it came.

use super::*;

#[test]
fn a_method_of_several_codes_is_kept_by_each_and_called_the_same() {
    let [urine, serum] = ["免疫比濁法(TIA)(尿)", "可視吸光光度法(BCG法、BCP改良法)"];
    for (item, method, name) in [
        ("3A015000000106101", "3A01510000", urine),
        ("3A015000000106101", "3A01510001", urine),
        ("3A015000002327101", "3A01510000", serum),
        ("3B070000002327101", "3B07010000", "可視吸光光度法(JSCC標準化対応法)"),
        ("3B070000002327501", "3B07020000", "IFCC対応法(改定JSCC標準化対応法)"),
        ("3B070000002399901", "3B07030009", "その他"),
        ("3B070000002399901", "3B07020009", "その他"),
    ] {
        let (read, reading) = read(&observation(&format!(
            "<observation><code code=\"{item}\"/><value xsi:type=\"PQ\" value=\"12\"/><methodCode code=\"{method}\"/></observation>"
        )));
        assert!(reading.accounting.reasons.is_empty(), "{:?}", reading.accounting);
        let [found] = read.findings.as_slice() else {
            panic!("{:?}", read.findings)
        };
        assert_eq!(found.method.as_deref(), Some(method));
        assert_eq!(found.item.name_of_method(method), Some(name), "{method} of {item}");
    }
}
