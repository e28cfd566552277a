//! Packages of many documents: what is in them, whatever else is, and passwords.

use super::*;

#[test]
fn a_package_is_read_by_what_is_in_it() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2024)));
    let index = "<index xmlns=\"http://tokuteikenshin.jp/checkup/2007\"><totalRecordCount value=\"2\"/></index>";
    let package = zip(&[
        ("p/ix08_V08.xml", index.as_bytes()),
        ("p/XSD/hc08_V08.xsd", b"<schema/>"),
        ("p/DATA/h1.xml", one.as_bytes()),
        (
            "p/DATA/h2.xml",
            b"<ClinicalDocument><code codeSystem=\"1.2.392.200119.6.1001\"",
        ),
        ("p/DATA/h3.xml", two.as_bytes()),
        ("p/CLAIMS/c1.xml", b"<checkupClaim/>"),
        ("p/DATA/x.xml", b"<other/>"),
    ]);
    let input = Input {
        bytes: &package.as_slice(),
        size: package.len() as u64,
    };
    assert!(CheckupDocuments.recognises(&input));
    let (read, reading) = checkups(&package);
    assert_eq!(read.len(), 2);
    let counted = reading.unwrap().accounting;
    assert_eq!((counted.rejected, counted.unsupported), (1, 4));
}

#[test]
fn individual_numbers_in_any_file_of_a_package_keep_all_of_it_out() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2024)));
    for bearing in [
        two.replace("<patient>", "<個人番号>123456789018</個人番号><patient>"),
        two.replace("<patient>", "<patient My_Number=\"123456789018\">"),
    ] {
        let archive = zip(&[("DATA/h1.xml", one.as_bytes()), ("DATA/h2.xml", bearing.as_bytes())]);
        let (read, reading) = checkups(&archive);
        assert!(read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)));
        let input = Input {
            bytes: &archive.as_slice(),
            size: archive.len() as u64,
        };
        let mut handed = 0;
        let taken = package::zip(&input, &mut |_| {
            handed += 1;
            std::ops::ControlFlow::Continue(())
        });
        assert!(handed == 0 && matches!(taken, Err(AdapterError::IndividualNumber)));
    }
    let spaced = two.replacen("<id ", "<id displayName=\"個人 番号\" ", 1);
    let archive = zip(&[("DATA/h1.xml", one.as_bytes()), ("DATA/h2.xml", spaced.as_bytes())]);
    let input = Input {
        bytes: &archive.as_slice(),
        size: archive.len() as u64,
    };
    let taken = package::zip(&input, &mut |_| std::ops::ControlFlow::Continue(()));
    assert!(spaced != two && matches!(taken, Err(AdapterError::IndividualNumber)));
    for name in ["マイナンバー", "my-number", "\\u500b\\u4eba\\u756a\\u53f7"] {
        let report = include_str!("../fixtures/report.json").replace("JP_Insurance_memberID", name);
        let (read, reading) = checkups(report.as_bytes());
        assert!(
            read.is_empty() && matches!(reading, Err(AdapterError::IndividualNumber)),
            "{name}"
        );
    }
}

#[test]
fn a_package_says_what_it_says_of_itself_and_stops_when_told() {
    let mut bytes = Vec::new();
    synthetic::write_package(&mut bytes, (1..=12).map(|seed| MadeUp::of(seed).checkup(2025))).unwrap();
    let input = Input {
        bytes: &bytes.as_slice(),
        size: bytes.len() as u64,
    };
    let mut handed = Vec::new();
    let sum = package::zip(&input, &mut |document| {
        handed.push(document);
        std::ops::ControlFlow::Continue(())
    });
    let expected = package::PackageSum {
        indexed: Some(12),
        summed: Some(12),
        documents: 12,
        claims: 2,
        ..package::PackageSum::default()
    };
    assert_eq!(sum.unwrap(), expected);
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("DATA");
    std::fs::create_dir(&below).unwrap();
    for (place, document) in handed.iter().enumerate() {
        std::fs::write(below.join(format!("h{place:02}.xml")), plain_of(&document.original)).unwrap();
    }
    let mut unpacked = Vec::new();
    let sum = package::folder(folder.path(), &mut |document| {
        unpacked.push(document);
        match unpacked.len() {
            5 => std::ops::ControlFlow::Break(()),
            _ => std::ops::ControlFlow::Continue(()),
        }
    });
    assert!(
        handed[0].place.ends_with("/DATA/h13100000012026040101000000.xml"),
        "{}",
        handed[0].place
    );
    for (place, document) in handed.iter_mut().enumerate() {
        document.place = format!("DATA/h{place:02}.xml");
        document.original = package::Original::Plain(plain_of(&document.original));
    }
    assert_eq!((sum.unwrap().documents, &unpacked[..]), (5, &handed[..5]));
}

#[test]
fn a_password_unlocks_a_package_and_another_does_not() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2024)));
    let bearing = two.replace("<patient>", "<個人番号>123456789018</個人番号><patient>");
    let taken = |bytes: &[u8], password: &str| {
        let input = Input {
            bytes: &bytes,
            size: bytes.len() as u64,
        };
        assert!(package::is_locked(&input));
        let mut handed = Vec::new();
        let mut each = |entry| {
            handed.push(entry);
            std::ops::ControlFlow::Continue(())
        };
        assert!(matches!(package::zip(&input, &mut each), Err(AdapterError::Locked)));
        let sum = package::locked_zip(&input, password.as_bytes(), &mut each);
        (handed, sum)
    };
    for is_old in [false, true] {
        let files = [
            ("DATA/h1.XML", one.as_bytes()),
            ("DATA/h2.xml", two.as_bytes()),
            ("note.txt", b"x"),
        ];
        let bytes = locked(&files, "あいことば 1", is_old);
        let (handed, sum) = taken(&bytes, "あいことば 1");
        assert_eq!(sum.unwrap().documents, 2);
        assert_eq!(plain_of(&handed[0].original), one.as_bytes());
        assert!(handed.iter().all(|entry| entry.checkup.is_some()));
        for wrong in ["あいことば 2", "", "x"] {
            let (handed, sum) = taken(&bytes, wrong);
            assert!(
                handed.is_empty() && matches!(sum, Err(AdapterError::OtherPassword | AdapterError::Refused { .. })),
                "{sum:?}"
            );
        }
        let (read, reading) = checkups(&bytes);
        assert!(
            read.is_empty() && matches!(reading, Err(AdapterError::Locked)),
            "a resident is told"
        );
        let input = Input {
            bytes: &bytes.as_slice(),
            size: bytes.len() as u64,
        };
        assert!(matches!(crate::recognise(&input), Err(AdapterError::Locked)));
        let files = [("h1.xml", one.as_bytes()), ("h2.xml", bearing.as_bytes())];
        let (handed, sum) = taken(&locked(&files, "p", is_old), "p");
        assert!(handed.is_empty() && matches!(sum, Err(AdapterError::IndividualNumber)));
        // What was changed on the way is not taken for what was packed.
        let mut changed = bytes.clone();
        let place = bytes.len() / 3;
        changed[place] ^= 1;
        let (handed, _) = taken(&changed, "あいことば 1");
        assert!(handed.iter().filter(|entry| entry.checkup.is_some()).count() <= 1);
    }
}
