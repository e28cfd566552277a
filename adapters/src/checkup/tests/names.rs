//! Names of a ZIP's files decide nothing, and lead nowhere.

use std::ops::ControlFlow;
use std::path::Path;

use super::*;

/// The same ZIP, with one of its names written over by bytes of the same length, in its directory and before the file.
fn renamed(mut archive: Vec<u8>, from: &str, to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = memchr::memmem::find_iter(&archive, from.as_bytes()).collect();
    assert_eq!(places.len(), 2, "{from}");
    for place in places {
        archive[place..place + to.len()].copy_from_slice(to);
    }
    archive
}

/// Documents of a package and the rest of it, by where they lay.
fn taken(archive: &[u8], password: Option<&str>) -> (Vec<String>, package::PackageSum) {
    let input = Input {
        bytes: &archive,
        size: archive.len() as u64,
    };
    let mut places = Vec::new();
    let mut each = |entry: package::PackageEntry| {
        assert!(entry.checkup.is_some(), "{}", entry.place);
        places.push(entry.place);
        ControlFlow::Continue(())
    };
    let sum = match password {
        None => package::zip(&input, &mut each),
        Some(password) => package::locked_zip(&input, password.as_bytes(), &mut each),
    };
    (places, sum.unwrap())
}

/// Old systems write names in Shift_JIS, of which the second byte of a character may be a backslash, and do not say so.
#[test]
fn names_in_shift_jis_are_read_and_their_files_too() {
    let [one, two] = [1, 2].map(|seed| document(&MadeUp::of(seed).checkup(2025)));
    let names = [
        ("提出_ソ連/DATA/h健診1.xml", one.as_bytes()),
        ("提出_ソ連/DATA/能登.txt", two.as_bytes()),
        ("提出_ソ連/CLAIMS/表.xml", b"<checkupClaim/>".as_slice()),
        ("提出_ソ連/説明書.pdf", b"%PDF-1.7"),
    ];
    let shift_jis = names.map(|(name, _)| encoding_rs::SHIFT_JIS.encode(name).0.into_owned());
    assert!(shift_jis.iter().all(|name| std::str::from_utf8(name).is_err()));
    assert!(shift_jis.iter().any(|name| name.contains(&b'\\')));
    let plain: Vec<String> = shift_jis
        .iter()
        .enumerate()
        .map(|(place, name)| format!("{place}{}", "n".repeat(name.len() - 1)))
        .collect();
    let files: Vec<(&str, &[u8])> = plain
        .iter()
        .zip(names)
        .map(|(name, (_, bytes))| (name.as_str(), bytes))
        .collect();
    let in_shift_jis = |mut archive: Vec<u8>| {
        for (from, to) in plain.iter().zip(&shift_jis) {
            archive = renamed(archive, from, to);
        }
        archive
    };
    for (archive, password) in [
        (zip(&files), None),
        (locked(&files, "p", false), Some("p")),
        (locked(&files, "p", true), Some("p")),
    ] {
        let archive = in_shift_jis(archive);
        let (places, sum) = taken(&archive, password);
        assert_eq!(places, [names[0].0, names[1].0]);
        assert_eq!((sum.documents, sum.claims), (2, 1));
        assert_eq!(sum.unsupported.places, [(names[3].0.to_owned(), "no-document")]);
    }
    let own = in_shift_jis(zip(&files));
    let input = Input {
        bytes: &own.as_slice(),
        size: own.len() as u64,
    };
    assert!(CheckupDocuments.recognises(&input));
    let (read, reading) = checkups(&own);
    assert_eq!((read.len(), reading.unwrap().accounting.unsupported), (2, 2));
}

/// Nothing is ever written to where a name says: such files are read like any other, and their path is told as it stands.
#[test]
fn names_that_lead_out_of_the_zip_lead_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    let absolute = outside.path().join("absolute.xml").display().to_string();
    let names = [
        "../../../../../../../../tmp/sekisho-slip.xml",
        "DATA/../../slip",
        "..\\..\\slip.xml",
        "C:\\slip\\slip.xml",
        "\\\\host\\share\\slip.xml",
        absolute.as_str(),
        "./.",
    ];
    let documents: Vec<String> = (1..=7).map(|seed| document(&MadeUp::of(seed).checkup(2025))).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&documents)
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    let plain: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(place, name)| format!("{place}{}", "n".repeat(name.len() - 1)))
        .collect();
    // A writer of ZIPs might put such names right.
    let harmless: Vec<(&str, &[u8])> = plain
        .iter()
        .zip(&files)
        .map(|(name, (_, bytes))| (name.as_str(), *bytes))
        .collect();
    let slipping = |mut archive: Vec<u8>| {
        for (from, to) in plain.iter().zip(names) {
            archive = renamed(archive, from, to.as_bytes());
        }
        archive
    };
    for (archive, password) in [
        (zip(&harmless), None),
        (locked(&harmless, "p", false), Some("p")),
        (locked(&harmless, "p", true), Some("p")),
    ] {
        let (places, sum) = taken(&slipping(archive), password);
        assert_eq!(places, names);
        assert_eq!(sum.documents, 7);
    }
    let (read, reading) = checkups(&slipping(zip(&harmless)));
    assert_eq!((read.len(), reading.unwrap().accounting.received), (7, 0));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(!Path::new("/tmp/sekisho-slip.xml").exists() && !Path::new("../slip").exists());
}
