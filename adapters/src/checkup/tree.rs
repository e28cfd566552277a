//! The XML of one document as a tree, by local names: a checkup document is small, and its parts look at one another.
//!
//! A DTD is refused, so that no entity can be anything but a character; depth, elements and attributes are bounded.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::Event;

/// The deepest that elements may lie in one another: real documents go to 20.
pub(super) const MOST_DEPTH: usize = 64;
/// The most elements of a document: real ones have some 3,000.
const MOST_ELEMENTS: usize = 200_000;

/// Why a text is no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotXml {
    /// It ends before its root does, or its tags do not fit.
    Damaged,
    /// It declares types or entities of its own.
    Declares,
    /// It is deeper, or of more elements, than any document.
    TooLarge,
}

/// A document.
pub(super) struct Tree<'a> {
    text: &'a str,
    nodes: Vec<Node<'a>>,
    attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// How far its lines were counted, in bytes and lines: whoever asks for many asks in the document's order.
    counted: Cell<(usize, u64)>,
}

struct Node<'a> {
    name: &'a str,
    attributes: Range<usize>,
    text: Cow<'a, str>,
    first: usize,
    next: usize,
    /// Where it begins in the text, in bytes.
    begins: usize,
}

/// No node: the root is nobody's child.
const NONE: usize = 0;

/// An element of a tree.
#[derive(Clone, Copy)]
pub(super) struct Element<'t> {
    tree: &'t Tree<'t>,
    at: usize,
}

impl<'a> Tree<'a> {
    /// Reads a document.
    pub(super) fn read(text: &'a str) -> Result<Self, NotXml> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_end_names = true;
        let mut tree = Self {
            text,
            // Real documents have an element in 45 bytes, and an attribute in 30.
            nodes: Vec::with_capacity(text.len() / 40),
            attributes: Vec::with_capacity(text.len() / 28),
            counted: Cell::new((0, 1)),
        };
        // Open elements, and the last child of each.
        let mut open: Vec<(usize, usize)> = Vec::with_capacity(MOST_DEPTH);
        loop {
            let from = reader.buffer_position() as usize;
            let event = reader.read_event().map_err(|_| NotXml::Damaged)?;
            // The tag as it stands in the text, which outlives the reader's events.
            let tag = || {
                let tag = text.get(from..reader.buffer_position() as usize).unwrap_or_default();
                let tag = tag.strip_prefix('<').unwrap_or(tag);
                let tag = tag.strip_suffix('>').unwrap_or(tag);
                tag.strip_suffix('/').unwrap_or(tag)
            };
            match event {
                Event::Start(start) => {
                    let node = tree.add((tag(), start.name().as_ref().len()), &mut open, from)?;
                    if open.len() == MOST_DEPTH {
                        return Err(NotXml::TooLarge);
                    }
                    open.push((node, NONE));
                }
                Event::Empty(empty) => {
                    tree.add((tag(), empty.name().as_ref().len()), &mut open, from)?;
                }
                Event::End(_) => {
                    open.pop();
                }
                Event::Text(text) => tree.append(&open, text.into_inner()),
                Event::CData(text) => tree.append(&open, text.into_inner()),
                Event::GeneralRef(reference) => {
                    let named = match &*reference {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "apos" => Some('\''),
                        "quot" => Some('"'),
                        _ => None,
                    };
                    let written = match named {
                        Some(character) => character,
                        None => reference.resolve_char_ref().ok().flatten().ok_or(NotXml::Declares)?,
                    };
                    tree.append(&open, Cow::Owned(written.to_string()));
                }
                Event::DocType(_) => return Err(NotXml::Declares),
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
        match open.is_empty() && !tree.nodes.is_empty() {
            true => Ok(tree),
            false => Err(NotXml::Damaged),
        }
    }

    /// Its root.
    pub(super) fn root(&self) -> Element<'_> {
        Element { tree: self, at: 0 }
    }

    /// Every element, in the order of the document.
    pub(super) fn elements(&self) -> impl Iterator<Item = Element<'_>> {
        (0..self.nodes.len()).map(|at| Element { tree: self, at })
    }

    /// Adds an element by its tag, and the length of the name that it begins with.
    fn add(
        &mut self,
        (tag, end): (&'a str, usize),
        open: &mut [(usize, usize)],
        begins: usize,
    ) -> Result<usize, NotXml> {
        let node = self.nodes.len();
        let from = self.attributes.len();
        if node >= MOST_ELEMENTS || from >= MOST_ELEMENTS {
            return Err(NotXml::TooLarge);
        }
        match open.last_mut() {
            None if node > 0 => return Err(NotXml::Damaged),
            None => {}
            Some((parent, last)) => {
                match *last {
                    NONE => self.nodes[*parent].first = node,
                    before => self.nodes[before].next = node,
                }
                *last = node;
            }
        }
        if !self.add_plain_attributes(tag, end) {
            self.attributes.truncate(from);
            self.add_attributes(tag, end)?;
        }
        self.nodes.push(Node {
            name: local(tag.get(..end).unwrap_or_default()),
            attributes: from..self.attributes.len(),
            text: Cow::Borrowed(""),
            first: NONE,
            next: NONE,
            begins,
        });
        Ok(node)
    }

    /// Adds attributes of whatever form.
    fn add_attributes(&mut self, tag: &'a str, end: usize) -> Result<(), NotXml> {
        let mut attributes = quick_xml::events::attributes::Attributes::new(tag, end);
        // Of two of one name the first counts; comparing each with all before it costs more than reading them.
        attributes.with_checks(false);
        for attribute in attributes {
            let attribute = attribute.map_err(|_| NotXml::Damaged)?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| NotXml::Declares)?;
            self.attributes.push((local(attribute.key.into_inner()), value));
        }
        Ok(())
    }

    /// Adds attributes that stand as nearly all do: in double quotes, apart by spaces, with nothing in them that XML reads as something
    /// else. False where one does not.
    fn add_plain_attributes(&mut self, tag: &'a str, end: usize) -> bool {
        let bytes = tag.as_bytes();
        let mut at = end;
        while at < bytes.len() {
            // One stands apart from what is before it.
            let name = skip(bytes, at, OF_SPACE);
            if name == bytes.len() || name == at {
                return name > at;
            }
            let colon = skip(bytes, name, OF_LOCAL_NAME);
            let equals = skip(bytes, colon, OF_NAME);
            let value = equals + 2;
            if equals == name || bytes.get(equals..value) != Some(b"=\"") {
                return false;
            }
            let quote = skip(bytes, value, OF_VALUE);
            if bytes.get(quote) != Some(&b'"') {
                return false;
            }
            let local = if colon < equals { colon + 1 } else { name };
            self.attributes
                .push((&tag[local..equals], Cow::Borrowed(&tag[value..quote])));
            at = quote + 1;
        }
        true
    }

    fn append(&mut self, open: &[(usize, usize)], text: Cow<'a, str>) {
        let Some((node, _)) = open.last() else { return };
        let known = &mut self.nodes[*node].text;
        match known.is_empty() {
            true => *known = text,
            false => known.to_mut().push_str(&text),
        }
    }
}

/// A byte that stands in the name of a plain attribute.
const OF_NAME: u8 = 1;
/// A byte that stands in its value.
const OF_VALUE: u8 = 2;
/// A byte that stands in a name, and ends no prefix.
const OF_LOCAL_NAME: u8 = 4;
/// A byte that sets attributes apart.
const OF_SPACE: u8 = 8;

/// What bytes may stand in: nearly all in names and values.
const STAND_IN: [u8; 256] = {
    let mut bytes = [OF_NAME | OF_LOCAL_NAME | OF_VALUE; 256];
    let (in_neither, mut at) = (b"\"'&<\t\n\r", 0);
    while at < in_neither.len() {
        bytes[in_neither[at] as usize] = 0;
        at += 1;
    }
    bytes[b' ' as usize] = OF_VALUE | OF_SPACE;
    bytes[b'=' as usize] = OF_VALUE;
    bytes[b':' as usize] = OF_NAME | OF_VALUE;
    bytes
};

/// Where bytes of a kind end that begin at a place: at a byte of ASCII, or at the end.
fn skip(bytes: &[u8], from: usize, of: u8) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let length = rest.iter().position(|byte| STAND_IN[usize::from(*byte)] & of == 0);
    from + length.unwrap_or(rest.len())
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    // Names are too short for a search by vectors to be worth its beginning.
    let colon = name.bytes().position(|byte| byte == b':');
    colon.map_or(name, |colon| &name[colon + 1..])
}

impl<'t> Element<'t> {
    fn node(self) -> &'t Node<'t> {
        &self.tree.nodes[self.at]
    }

    /// Its name.
    pub(super) fn name(self) -> &'t str {
        self.node().name
    }

    /// The line it begins on, from 1. Only what could not be read is asked for it.
    pub(super) fn line(self) -> u64 {
        let begins = self.node().begins;
        let (from, line) = Some(self.tree.counted.get())
            .filter(|(from, _)| *from <= begins)
            .unwrap_or((0, 1));
        let between = &self.tree.text.as_bytes()[from..begins];
        let line = line + memchr::memchr_iter(b'\n', between).count() as u64;
        self.tree.counted.set((begins, line));
        line
    }

    /// Names and values of its attributes.
    pub(super) fn attributes(self) -> &'t [(&'t str, Cow<'t, str>)] {
        &self.tree.attributes[self.node().attributes.clone()]
    }

    /// An attribute, without the spaces around it; `None` where it is missing or empty.
    pub(super) fn attribute(self, name: &str) -> Option<&'t str> {
        let found = self.attributes().iter().find(|(known, _)| *known == name)?;
        Some(found.1.trim()).filter(|value| !value.is_empty())
    }

    /// Its own text, without the spaces around it.
    pub(super) fn text(self) -> &'t str {
        self.node().text.trim()
    }

    /// What lies in it.
    pub(super) fn children(self) -> impl Iterator<Item = Element<'t>> {
        let mut at = self.node().first;
        std::iter::from_fn(move || {
            let here = at;
            if here == NONE {
                return None;
            }
            at = self.tree.nodes[here].next;
            Some(Element {
                tree: self.tree,
                at: here,
            })
        })
    }

    /// What lies in it under a name.
    pub(super) fn named(self, name: &'t str) -> impl Iterator<Item = Element<'t>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The first that lies at the end of a path.
    pub(super) fn find(self, path: &[&'t str]) -> Option<Element<'t>> {
        match path {
            [] => Some(self),
            [name, rest @ ..] => self.named(name).find_map(|child| child.find(rest)),
        }
    }

    /// An attribute of what lies at the end of a path.
    pub(super) fn at(self, path: &[&'t str], attribute: &str) -> Option<&'t str> {
        self.find(path)?.attribute(attribute)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_local_and_texts_whole() {
        let text = "\u{feff}<?xml version=\"1.0\"?>\n<a:root xmlns:a='urn:x'>\n <name>&lt;山&#x7530;<![CDATA[ & ]]>太郎</name><id root=' 1 '/></a:root>";
        let tree = Tree::read(text).ok().unwrap();
        let root = tree.root();
        assert_eq!((root.name(), root.line()), ("root", 2));
        let name = root.find(&["name"]).unwrap();
        assert_eq!((name.text(), name.line()), ("<山田 & 太郎", 3));
        assert_eq!(root.line(), 2, "whoever was asked before");
        assert_eq!(root.at(&["id"], "root"), Some("1"));
        assert_eq!(root.at(&["id"], "extension"), None);
    }

    proptest! {
        #[test]
        fn attributes_read_alike_whether_they_are_plain_or_not(rest in "([ a:=\"'&;<b\n]|b=\"[a ]*\"| a:a=\"c\" ){0,9}") {
            let tag = format!("n {rest}");
            let tree = || Tree { text: &tag, nodes: Vec::new(), attributes: Vec::new(), counted: Cell::new((0, 1)) };
            let (mut plain, mut any) = (tree(), tree());
            if plain.add_plain_attributes(&tag, 1) {
                prop_assert_eq!(any.add_attributes(&tag, 1), Ok(()));
                prop_assert_eq!(plain.attributes, any.attributes);
            }
        }
    }

    #[test]
    fn what_is_no_document_says_why() {
        let not = |text: &str| Tree::read(text).err();
        assert_eq!(not(""), Some(NotXml::Damaged));
        assert_eq!(not("<a><b></a>"), Some(NotXml::Damaged));
        assert_eq!(not("<a/><b/>"), Some(NotXml::Damaged));
        assert_eq!(not("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"), Some(NotXml::Declares));
        assert_eq!(not("<a>&x;</a>"), Some(NotXml::Declares));
        assert_eq!(not("<a b='&x;'/>"), Some(NotXml::Declares));
        assert_eq!(not(&"<a>".repeat(100)), Some(NotXml::TooLarge));
    }
}
