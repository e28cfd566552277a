//! Lists of JSON, one element at a time: a file is never held, however long its list is.

use std::cell::Cell;
use std::io::{BufReader, Read};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::SinkClosed;

/// The most bytes of one element, or between two of them.
const MOST: u64 = 8 << 20;

/// Why a list was not read to its end.
#[derive(Debug)]
pub enum Stopped {
    /// It is damaged, at this line and column.
    Damaged(usize, usize),
    /// The receiver is gone.
    Closed,
}

/// Calls `each` with the text of every element of a list; `within` is the member of an object that holds it, `None` where the list
/// is the whole file.
pub fn each(
    file: impl Read,
    within: Option<&'static str>,
    mut each: impl FnMut(&str) -> Result<(), SinkClosed>,
) -> Result<(), Stopped> {
    let (file, since) = watched(file);
    let mut closed = false;
    let mut elements = Elements {
        each: &mut each,
        since: &since,
        closed: &mut closed,
    };
    let mut parser = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, file));
    let read = match within {
        None => (&mut parser).deserialize_seq(&mut elements),
        Some(member) => (&mut parser).deserialize_map(Member { member, elements }),
    };
    let read = read.and_then(|()| parser.end());
    match read {
        _ if closed => Err(Stopped::Closed),
        Err(error) => Err(Stopped::Damaged(error.line(), error.column())),
        Ok(()) => Ok(()),
    }
}

/// A reader that fails when too much is read of it since the cell was set to 0.
pub fn watched<R: Read>(file: R) -> (Watched<R>, Rc<Cell<u64>>) {
    let since = Rc::new(Cell::new(0));
    let watched = Watched {
        file,
        since: Rc::clone(&since),
    };
    (watched, since)
}

/// Fails when too much is read of one element: no honest one is so long.
pub struct Watched<R> {
    file: R,
    since: Rc<Cell<u64>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.since.set(self.since.get() + read as u64);
        match self.since.get() > MOST {
            true => Err(std::io::Error::other("an element is too long")),
            false => Ok(read),
        }
    }
}

struct Elements<'f, F> {
    each: &'f mut F,
    since: &'f Cell<u64>,
    closed: &'f mut bool,
}

impl<'de, F: FnMut(&str) -> Result<(), SinkClosed>> Visitor<'de> for &mut Elements<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<Box<RawValue>>()? {
            self.since.set(0);
            if (self.each)(element.get()).is_err() {
                *self.closed = true;
                return Err(serde::de::Error::custom("closed"));
            }
        }
        Ok(())
    }
}

impl<'de, F: FnMut(&str) -> Result<(), SinkClosed>> DeserializeSeed<'de> for &mut Elements<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

struct Member<'f, F> {
    member: &'static str,
    elements: Elements<'f, F>,
}

impl<'de, F: FnMut(&str) -> Result<(), SinkClosed>> Visitor<'de> for Member<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == self.member {
                members.next_value_seed(&mut self.elements)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, within: Option<&'static str>) -> (Vec<String>, bool) {
        let mut found = Vec::new();
        let read = each(text.as_bytes(), within, |element| {
            found.push(element.to_owned());
            Ok(())
        });
        (found, read.is_ok())
    }

    #[test]
    fn a_list_is_read_alone_or_within_an_object() {
        let expected = vec!["1".to_owned(), "{\"a\":2}".to_owned()];
        assert_eq!(read("[1, {\"a\":2}]", None), (expected.clone(), true));
        assert_eq!(
            read("{\"b\":[0],\"x\":[1,{\"a\":2}]}", Some("x")),
            (expected.clone(), true)
        );
        assert_eq!(read("[1, {\"a\":2}, [", None), (expected, false));
        assert_eq!(read("{\"b\":[0]}", Some("x")), (Vec::new(), true));
    }

    #[test]
    fn an_element_without_end_is_refused() {
        let endless = std::io::repeat(b'7');
        let text = b"[\"".chain(endless);
        let read = each(text, None, |_| Ok(()));
        assert!(matches!(read, Err(Stopped::Damaged(..))));
    }
}
