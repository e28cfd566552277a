//! A fixture that is an archive lies as a folder, so that what is in it can be read: here it is packed, always to the same bytes.

use std::io::Write as _;
use std::path::Path;

/// A ZIP of all files below a folder, by their paths within it, as they are.
pub(crate) fn packed(folder: &Path) -> Vec<u8> {
    let mut names = Vec::new();
    names_below(folder, "", &mut names);
    names.sort();
    let mut bytes = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
    let written = rawzip::time::UtcDateTime::from_components(2026, 9, 20, 0, 0, 0, 0).unwrap();
    for name in &names {
        let method = rawzip::CompressionMethod::STORE;
        let options = archive.new_file(name).compression_method(method).last_modified(written);
        let (mut entry, config) = options.start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        let (_, output) = writer.finish().unwrap();
        entry.finish(output).unwrap();
    }
    archive.finish().unwrap();
    bytes
}

fn names_below(folder: &Path, below: &str, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        match entry.path().is_dir() {
            true => names_below(folder, &name, names),
            false => names.push(name),
        }
    }
}
