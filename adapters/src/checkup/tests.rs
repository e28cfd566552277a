use std::io::Read as _;

use model::checkup::items::list_oid;
use model::checkup::{Checkup, Finding, Found, Item, Kind, Range};
use model::{Decimal, LocalDay, Outcome};
use proptest::prelude::*;

use super::synthetic::{MadeUp, document};
use super::*;
use crate::harness;

mod bombs;
mod bundles;
mod bundles_in_xml;
mod contents;
mod deep;
mod documents;
mod elements;
mod encodings;
mod limits;
mod methods;
mod mutated;
mod mutated_bundles;
mod names;
mod own;
mod packages;
mod results;
mod several;
mod structure;
mod tables;

pub(super) use encodings::utf16;

pub(super) fn checkups(bytes: &[u8]) -> (Vec<Checkup>, Result<Reading, AdapterError>) {
    let (collected, reading) = harness::read(&CheckupDocuments, bytes);
    let checkups = collected.pieces.into_iter().filter_map(|piece| match piece {
        Handed::Checkup(brought) => Some(brought.checkup),
        _ => None,
    });
    (checkups.collect(), reading)
}

/// Reads one document that somebody changed.
fn read(text: &str) -> (Checkup, Reading) {
    let (mut read, reading) = checkups(text.as_bytes());
    assert_eq!(
        read.len(),
        1,
        "{:?}",
        reading.as_ref().map(|reading| &reading.accounting)
    );
    (read.remove(0), reading.unwrap())
}

fn empty(day: &str) -> Checkup {
    Checkup {
        day: LocalDay::parse(day).unwrap(),
        written: LocalDay::parse("2026-04-01").unwrap(),
        findings: Vec::new(),
        ..MadeUp::of(1).checkup(2025)
    }
}

fn observation(value: &str) -> String {
    let made = document(&empty("2025-06-01"));
    let place = made.find("</section>").unwrap();
    format!("{}<entry>{value}</entry>{}", &made[..place], &made[place..])
}

/// A document of a package, unpacked.
fn plain_of(original: &package::Original) -> Vec<u8> {
    match original {
        package::Original::Plain(bytes) => bytes.clone(),
        package::Original::Deflated { bytes, unpacked } => {
            let mut plain = Vec::with_capacity(*unpacked);
            flate2::read::DeflateDecoder::new(&bytes[..])
                .read_to_end(&mut plain)
                .unwrap();
            assert_eq!(plain.len(), *unpacked);
            plain
        }
    }
}

/// A ZIP of stored entries, as written by hand.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
    for (path, bytes) in entries {
        let (mut entry, config) = writer.new_file(path).start().unwrap();
        let mut data = config.wrap(&mut entry);
        std::io::Write::write_all(&mut data, bytes).unwrap();
        let (_, descriptor) = data.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap()
}

/// A ZIP that a password locks, by either cipher.
fn locked(files: &[(&str, &[u8])], password: &str, is_old: bool) -> Vec<u8> {
    use zip::unstable::write::FileOptionsExt as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        match is_old {
            true => writer.start_file(*name, options.with_deprecated_encryption(password.as_bytes()).unwrap()),
            false => writer.start_file(*name, options.with_aes_encryption(zip::AesMode::Aes256, password)),
        }
        .unwrap();
        std::io::Write::write_all(&mut writer, content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
