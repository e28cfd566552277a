//! The ZIP around an export: which entry is the export, and what lies beside it.

use std::io::{BufReader, Read};

use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder};
use unicode_normalization::UnicodeNormalization as _;

use crate::archive::{HEAD, MAX_ENTRIES, Sequential, first, head, is_zip, unpack};
use crate::{AdapterError, Input};

/// What lies beside the export, one word a file.
pub type Beside = Vec<&'static str>;

/// An export found in a file.
pub struct Found<'a> {
    /// Its bytes.
    pub export: Box<dyn Read + Send + 'a>,
    /// Files beside it.
    pub beside: Beside,
}

/// Whether these first bytes are of an export's XML.
pub fn is_export(head: &[u8]) -> bool {
    let found = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    found(b"<!DOCTYPE HealthData") || found(b"<HealthData")
}

/// Finds the export in a bare XML or a ZIP.
///
/// # Errors
/// [`AdapterError::NothingInside`] or [`AdapterError::Refused`].
pub fn find<'a>(input: &'a Input<'a>) -> Result<Found<'a>, AdapterError> {
    let head = head(input);
    if is_export(&head) {
        let export = Box::new(BufReader::with_capacity(128 * 1024, Sequential { input, at: 0 }));
        return Ok(Found {
            export,
            beside: Vec::new(),
        });
    }
    if !is_zip(&head) {
        return Err(AdapterError::NothingInside {
            expected: "Apple Health export",
            problem: "it is neither a ZIP nor a HealthData XML".to_owned(),
        });
    }
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    match ZipArchive::with_max_search_space(1 << 20).locate_in_reader(input.bytes, &mut buffer, input.size) {
        Ok(archive) => in_archive(input, archive, &mut buffer),
        Err(_) => in_truncated(input),
    }
}

struct Candidate {
    way: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    size: u64,
}

fn in_archive<'a>(
    input: &'a Input<'a>,
    archive: ZipArchive<&'a (dyn ReaderAt + Sync)>,
    buffer: &mut [u8],
) -> Result<Found<'a>, AdapterError> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut beside = Vec::new();
    let mut entries = archive.entries(buffer);
    let mut count = 0;
    while let Ok(Some(entry)) = entries.next_entry() {
        count += 1;
        if count > MAX_ENTRIES {
            return Err(AdapterError::Refused {
                problem: format!("its ZIP has more than {MAX_ENTRIES} entries"),
            });
        }
        if entry.is_dir() {
            continue;
        }
        let path: String = String::from_utf8_lossy(entry.file_path().as_bytes()).nfc().collect();
        match role(&path) {
            Role::MaybeExport => candidates.push(Candidate {
                way: entry.wayfinder(),
                method: entry.compression_method(),
                size: entry.uncompressed_size_hint(),
            }),
            Role::Beside(reason) => beside.push(reason),
            Role::Ignored => {}
        }
    }
    // The largest first: most files have one anyway, and the others are looked into only when that is not an export.
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.size));
    for candidate in candidates.iter().take(16) {
        let Ok(mut opened) = open(input, &archive, candidate) else {
            continue;
        };
        if is_export(&first(&mut opened, HEAD)) {
            return Ok(Found {
                export: open(input, &archive, candidate)?,
                beside,
            });
        }
    }
    Err(AdapterError::NothingInside {
        expected: "Apple Health export",
        problem: format!("none of its {count} entries is a HealthData XML"),
    })
}

fn open<'a>(
    input: &'a Input<'a>,
    archive: &ZipArchive<&'a (dyn ReaderAt + Sync)>,
    candidate: &Candidate,
) -> Result<Box<dyn Read + Send + 'a>, AdapterError> {
    let damaged = |problem: &str| AdapterError::Damaged {
        place: "in its ZIP".into(),
        problem: problem.into(),
    };
    let entry = archive
        .get_entry(candidate.way)
        .map_err(|_| damaged("an entry is not where the directory says"))?;
    let (from, until) = entry.compressed_data_range();
    let raw = Sequential { input, at: from }.take(until.saturating_sub(from));
    unpack(raw, candidate.method, until.saturating_sub(from))
        .ok_or_else(|| damaged("the export is packed by a method other than DEFLATE"))
}

/// A ZIP without its directory, cut off: the entries are walked from the start, and the export read as far as it goes.
fn in_truncated<'a>(input: &'a Input<'a>) -> Result<Found<'a>, AdapterError> {
    let nothing = |problem: &str| AdapterError::NothingInside {
        expected: "Apple Health export",
        problem: format!("the ZIP is cut off, {problem}"),
    };
    let mut at = 0;
    for _ in 0..MAX_ENTRIES {
        // APPNOTE 4.3.7: local file header, 30 bytes and name and extra field.
        let mut header = [0u8; 30];
        if input.bytes.read_exact_at(&mut header, at).is_err() || !header.starts_with(b"PK\x03\x04") {
            break;
        }
        let word = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let long = |at: usize| word(at) | (word(at + 2) << 16);
        let (packed, method) = (long(18), word(8) as u16);
        let body = at + 30 + word(26) + word(28);
        let method = if method == 8 {
            CompressionMethod::DEFLATE
        } else {
            CompressionMethod::STORE
        };
        let size_known = word(6) & 8 == 0 && packed != 0xffff_ffff;
        let rest = input.size.saturating_sub(body);
        let length = if size_known { packed.min(rest) } else { rest };
        let unpacked = || unpack(Sequential { input, at: body }.take(length), method, length);
        let head = unpacked().map(|mut opened| first(&mut opened, HEAD));
        if head.is_some_and(|head| is_export(&head)) {
            return unpacked()
                .map(|export| Found {
                    export,
                    beside: Vec::new(),
                })
                .ok_or_else(|| nothing("and its packing is unknown"));
        }
        if !size_known {
            break;
        }
        at = body + packed;
    }
    Err(nothing(
        "before the export begins. Export it again and import the new file",
    ))
}

enum Role {
    MaybeExport,
    Beside(&'static str),
    Ignored,
}

fn role(path: &str) -> Role {
    let depth = path.matches('/').count();
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_lowercase();
    if path.starts_with("__MACOSX/") || name.starts_with('.') {
        Role::Ignored
    } else if lower == "export_cda.xml" {
        Role::Beside("clinical-document-copy")
    } else if lower.ends_with(".xml") && depth <= 2 {
        Role::MaybeExport
    } else if lower.ends_with(".gpx") {
        Role::Beside("route-file")
    } else if lower.ends_with(".csv") {
        Role::Beside("electrocardiogram-file")
    } else if lower.ends_with(".json") {
        Role::Beside("clinical-record-file")
    } else {
        Role::Beside("other-file")
    }
}
