//! What is made up stands as the Ministry's form says: sequences, attributes, how each value is written, and the package around it.

mod judge;
mod rules;

use std::io::Read as _;

use judge::{faults, faults_of_document};
use rules::{Form, PACKAGE};

use super::*;

#[test]
fn made_up_documents_stand_as_the_form_says() {
    for seed in 0..200 {
        // Both periods.
        for year in [2019, 2025] {
            let text = document(&MadeUp::of(seed).checkup(year));
            assert_eq!(faults_of_document(&text), [""; 0], "{seed} {year}");
        }
    }
}

#[test]
fn results_of_every_form_stand_as_the_form_says() {
    let mut made = MadeUp::of(1).checkup(2025);
    let of = |code: &str| Item::from_code(code).unwrap();
    for (code, result) in [
        (
            "9A751000000000001",
            Found::AtLeast(Decimal::whole(300), "mm[Hg]".to_owned()),
        ),
        (
            "9A761000000000001",
            Found::AtMost(Decimal::whole(30), "mm[Hg]".to_owned()),
        ),
        ("3F070000002327101", Found::NotMeasurable),
        ("3C020000002327101", Found::NotPerformed),
    ] {
        let place = made
            .findings
            .iter_mut()
            .find(|finding| finding.item == of(code))
            .unwrap();
        place.result = result;
        place.day = LocalDay::parse("2025-06-03");
    }
    assert_eq!(faults_of_document(&document(&made)), [""; 0]);
}

#[test]
fn what_stands_otherwise_is_seen() {
    let made = document(&MadeUp::of(1).checkup(2025));
    assert_eq!(faults_of_document(&made), [""; 0]);
    for (from, to, fault) in [
        (" encoding=\"UTF-8\"", "", "no declaration"),
        ("urn:hl7-org:v3", "urn:hl7-org:v2", "/@xmlns"),
        ("POCD_HD000040", "POCD_HD000041", "typeId/@extension"),
        (
            "<id nullFlavor=\"NI\"/><code code=\"10\"",
            "<code code=\"10\"",
            "ClinicalDocument/id stands 0 times",
        ),
        (
            "<code code=\"10\"",
            "<code code=\"11\"",
            "ClinicalDocument/code/@code 11",
        ),
        (
            "<recordTarget>",
            "<languageCode code=\"en\"/><recordTarget>",
            "languageCode/@code en",
        ),
        (
            "<recordTarget>",
            "<title>x</title><recordTarget>",
            "ClinicalDocument/title is out of its place",
        ),
        ("</custodian>", "</custodian><custodian/>", "custodian stands 2 times"),
        (
            "extension=\"00139999\"",
            "extension=\"139999\"",
            "number Some(\"1.2.392.200119.6.101\")",
        ),
        ("6.204\"", "6.206\"", "number Some(\"1.2.392.200119.6.206\")"),
        ("6.205\"", "6.204\"", "number 1.2.392.200119.6.205 is missing"),
        ("999-9999", "9999999", "postalCode says"),
        ("<name>ミホン", "<name>みほん", "patient/name says"),
        ("<birthTime value=\"19", "<birthTime value=\"19-", "birthTime/@value"),
        ("<time value=\"2025", "<time value=\"25", "author/time/@value"),
        ("code=\"010\"", "code=\"100\"", "serviceEvent/code/@code 100"),
        (
            "<performer typeCode=\"PRF\">",
            "<performer>",
            "performer/@typeCode is missing",
        ),
        ("code=\"01010\"", "code=\"90010\"", "section/code/@code 90010"),
        ("<title>検査・問診結果</title>", "", "section/title stands 0 times"),
        ("moodCode=\"EVN\"", "moodCode=\"RQO\"", "observation/@moodCode RQO"),
        (
            "code=\"9N001000000000001\"",
            "code=\"9N00100000000001\"",
            "observation/code/@code",
        ),
        (
            "code=\"9N001000000000001\"",
            "code=\"9N001000000000099\"",
            "item 9N001000000000099",
        ),
        ("xsi:type=\"PQ\"", "type=\"PQ\"", "type without its prefix"),
        ("unit=\"kg\"", "", "value/@unit is missing"),
        ("unit=\"kg\"", "unit=\"lb\"", "is in another unit"),
        ("unit=\"cm\"", "unit=\"cm\" code=\"cm\"", "value/@code is not known"),
        ("xsi:type=\"CO\"", "xsi:type=\"CD\"", "is of another type"),
        ("6.24060", "6.2003", "is of another list"),
        (
            "typeCode=\"RSON\"",
            "typeCode=\"COMP\"",
            "is related otherwise to its battery",
        ),
        (
            "typeCode=\"RSON\"",
            "typeCode=\"SUBJ\"",
            "entryRelationship/@typeCode SUBJ",
        ),
        ("<methodCode code=\"9N01610000\"/>", "", "is by another method"),
        (" moodCode=\"EVN.CRT\"", "", "observationRange/@moodCode is missing"),
        ("<time nullFlavor=\"NI\"/>", "", "author/time stands 0 times"),
        ("9N141000000000011", "9N142000000000011", "none of [\"9N141\"]"),
        (
            "negationInd=\"false\"",
            "negationInd=\"true\"",
            "is not done, and found",
        ),
    ] {
        let text = made.replace(from, to);
        let found = faults_of_document(&text);
        assert_ne!(text, made, "{from} is not there");
        assert!(found.iter().any(|found| found.contains(fault)), "{fault}: {found:?}");
    }
}

/// The files of a ZIP: path and text.
fn unpacked(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let read = (0..archive.len()).map(|place| {
        let mut file = archive.by_index(place).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().unwrap().into_owned(), text)
    });
    read.collect()
}

#[test]
fn a_made_up_package_stands_as_the_form_says() {
    let mut bytes = Vec::new();
    synthetic::write_package(&mut bytes, (1..=25).map(|seed| MadeUp::of(seed).checkup(2025))).unwrap();
    let (mut documents, mut others) = (0, Vec::new());
    for (path, text) in unpacked(&bytes) {
        let (folder, name) = path.split_once('/').unwrap();
        // Sender, receiver, day with its sequence, and that it is of checkups.
        assert!(Form::Like("##########_########_#########_1").fits(folder), "{folder}");
        let (sender, receiver, day) = (&folder[..10], &folder[11..19], &folder[20..28]);
        assert!(Form::Day.fits(day));
        let number = |kind: &str, from: &str| format!("{kind}{sender}{day}{}1{from}.xml", &folder[28..29]);
        let of = |root: &str| {
            assert_eq!(faults(&text, PACKAGE, root), [""; 0]);
            let tree = Tree::read(&text).ok().unwrap();
            let told =
                |path: &[&'static str], attribute: &str| tree.root().at(path, attribute).unwrap_or_default().to_owned();
            match root {
                "index" => {
                    assert_eq!(told(&["creationTime"], "value"), day);
                    assert_eq!(told(&["sender", "id"], "extension"), sender);
                    assert_eq!(told(&["receiver", "id"], "extension"), receiver);
                    told(&["totalRecordCount"], "value")
                }
                _ => told(&["totalSubjectCount"], "value"),
            }
        };
        match name {
            "ix08_V08.xml" => others.push(("index", of("index"))),
            "su08_V08.xml" => others.push(("summary", of("summary"))),
            _ if name.starts_with("DATA/") => {
                assert_eq!(name, format!("DATA/{}", number("h", &format!("{documents:06}"))));
                assert_eq!(faults_of_document(&text), [""; 0], "{name}");
                documents += 1;
            }
            // Beside the document that it is the claim of.
            _ => assert_eq!(
                name,
                format!("CLAIMS/{}", number("c", &format!("{:06}", documents - 1)))
            ),
        }
    }
    assert_eq!(documents, 25);
    assert_eq!(others, [("index", "25".to_owned()), ("summary", "25".to_owned())]);
}

#[test]
fn an_index_that_stands_otherwise_is_seen() {
    let bare = "<index><totalRecordCount value=\"12\"/></index>";
    let found = faults(bare, PACKAGE, "index");
    for missing in [
        "@xmlns",
        "interactionType",
        "creationTime",
        "sender",
        "serviceEventType",
    ] {
        assert!(
            found.iter().any(|fault| fault.contains(missing)),
            "{missing}: {found:?}"
        );
    }
    let mut bytes = Vec::new();
    synthetic::write_package(&mut bytes, std::iter::once(MadeUp::of(1).checkup(2025))).unwrap();
    let files = unpacked(&bytes);
    let [index, sums] = ["/ix08_V08.xml", "/su08_V08.xml"].map(|end| {
        let file = files.iter().find(|(path, _)| path.ends_with(end));
        file.unwrap().1.as_str()
    });
    for (text, root, from, to, fault) in [
        (
            index,
            "index",
            "extension=\"1310000001\"",
            "extension=\"131000001\"",
            "sender/id/@extension",
        ),
        (
            index,
            "index",
            "creationTime value=\"2026",
            "creationTime value=\"2026-",
            "creationTime/@value",
        ),
        (
            index,
            "index",
            "totalRecordCount value=\"1\"",
            "totalRecordCount value=\"123456789\"",
            "totalRecordCount/@value",
        ),
        (index, "index", "0000161103.html", "0000161104.html", "@xmlns"),
        (sums, "summary", "JPY", "USD", "totalCostAmount/@currency USD"),
        (
            sums,
            "summary",
            "totalPaymentAmount",
            "totalPaidAmount",
            "summary/totalPaymentAmount stands 0 times",
        ),
        (sums, "summary", "<summary", "<index", "it is no XML"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from} is not there");
        let found = faults(&changed, PACKAGE, root);
        assert!(found.iter().any(|found| found.contains(fault)), "{fault}: {found:?}");
    }
}
