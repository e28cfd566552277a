//! The yardstick of an import: a bare quick-xml pass over a file that reads every attribute and keeps nothing.

use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;
use std::path::Path;

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::BenchError;

/// Reads the file once.
///
/// # Errors
/// When it cannot be read or is not well-formed.
pub fn run(path: &Path) -> Result<(), BenchError> {
    let file = File::open(path).map_err(|error| BenchError::file(path, error))?;
    let mut reader = Reader::from_reader(BufReader::with_capacity(1 << 18, file));
    let mut buffer = Vec::new();
    let (mut elements, mut bytes) = (0_u64, 0_usize);
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                elements += 1;
                for attribute in element.attributes() {
                    let attribute =
                        attribute.map_err(|error| BenchError::Answer(format!("{}: {error}", path.display())))?;
                    bytes += black_box(attribute.key.as_ref().len() + attribute.value.len());
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Err(BenchError::Answer(format!("{}: {error}", path.display()))),
        }
    }
    println!("{{\"elements\":{elements},\"bytes\":{bytes}}}");
    Ok(())
}
