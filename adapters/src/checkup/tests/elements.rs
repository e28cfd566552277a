//! A document's elements as stretches of its text, so that tests can delete, swap, repeat, move and rename them, and say of which items
//! the results can be others afterwards.

use std::collections::BTreeSet;
use std::ops::Range;

use model::checkup::Item;
use proptest::prelude::*;
use proptest::sample::Index;
use quick_xml::Reader;
use quick_xml::events::Event;

/// An element of a text.
pub(super) struct Span {
    /// From its first to its last byte.
    whole: Range<usize>,
    /// Between its tags; where it has one tag only, nothing lies in it.
    inside: Option<Range<usize>>,
    name: Range<usize>,
    parent: Option<usize>,
}

/// A text's elements, in their order.
pub(super) struct Elements<'t> {
    text: &'t str,
    spans: Vec<Span>,
}

impl<'t> Elements<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut reader = Reader::from_str(text);
        let (mut spans, mut open): (Vec<Span>, Vec<usize>) = (Vec::new(), Vec::new());
        loop {
            let from = reader.buffer_position() as usize;
            let event = reader.read_event().unwrap();
            let to = reader.buffer_position() as usize;
            match event {
                Event::Start(tag) | Event::Empty(tag) => {
                    let is_empty = text[..to].ends_with("/>");
                    spans.push(Span {
                        whole: from..to,
                        inside: (!is_empty).then_some(to..to),
                        name: from + 1..from + 1 + tag.name().as_ref().len(),
                        parent: open.last().copied(),
                    });
                    if !is_empty {
                        open.push(spans.len() - 1);
                    }
                }
                Event::End(_) => {
                    let ended = &mut spans[open.pop().unwrap()];
                    ended.whole.end = to;
                    ended.inside.as_mut().unwrap().end = from;
                }
                Event::Eof => return Self { text, spans },
                _ => {}
            }
        }
    }

    fn name(&self, at: usize) -> &'t str {
        &self.text[self.spans[at].name.clone()]
    }

    fn written(&self, at: usize) -> &'t str {
        &self.text[self.spans[at].whole.clone()]
    }

    /// Elements in another, and itself.
    fn within(&self, at: usize) -> impl Iterator<Item = usize> {
        let end = self.spans[at].whole.end;
        (at..self.spans.len()).take_while(move |other| self.spans[*other].whole.start < end)
    }

    fn children(&self, at: usize) -> impl Iterator<Item = usize> {
        self.within(at)
            .filter(move |child| self.spans[*child].parent == Some(at))
    }

    /// The first element of a name.
    pub(super) fn first(&self, name: &str) -> Option<usize> {
        (0..self.spans.len()).find(|at| self.name(*at) == name)
    }

    /// One of the elements: of those that say whose the document is and when, or of all, but never the root.
    fn any(&self, place: Place) -> usize {
        let body = self.first("component").filter(|_| place.in_header);
        let end = body.filter(|body| *body > 1).unwrap_or(self.spans.len());
        1 + place.index.index(end - 1)
    }

    /// The items whose result an observation itself tells.
    fn items_of_observation(&self, at: usize) -> impl Iterator<Item = Item> {
        let codes = self.children(at).filter(|child| self.name(*child) == "code");
        codes.filter_map(|code| item_of(self.written(code)))
    }

    /// The observation that an element is, or is a part of.
    fn observation_around(&self, at: usize) -> Option<usize> {
        let mut around = Some(at);
        while let Some(at) = around {
            if self.name(at) == "observation" {
                return Some(at);
            }
            around = self.spans[at].parent;
        }
        None
    }

    /// Items whose results lie in an element.
    fn items_in(&self, at: usize) -> impl Iterator<Item = Item> {
        let observations = self.within(at).filter(|inner| self.name(*inner) == "observation");
        observations.flat_map(|observation| self.items_of_observation(observation))
    }

    /// Items of the result that an element is a part of.
    fn items_around(&self, at: Option<usize>) -> impl Iterator<Item = Item> {
        let around = at.and_then(|at| self.observation_around(at));
        around.into_iter().flat_map(|around| self.items_of_observation(around))
    }

    /// True for a part of a result: it says nothing by itself, and something else in another result.
    fn is_part_of_result(&self, at: usize) -> bool {
        self.observation_around(at).is_some() && self.within(at).all(|inner| self.name(inner) != "observation")
    }

    /// The innermost element that a byte of the text lies in, and the items that it may have to do with.
    pub(super) fn at_byte(&self, byte: usize) -> (Range<usize>, BTreeSet<Item>) {
        let around = (0..self.spans.len()).rfind(|at| self.spans[*at].whole.contains(&byte));
        around.map_or_else(Default::default, |at| {
            let items = self.items_in(at).chain(self.items_around(Some(at)));
            (self.spans[at].whole.clone(), items.collect())
        })
    }

    /// Where the root ends.
    pub(super) fn end(&self) -> usize {
        self.spans[0].whole.end
    }

    /// A place beside or in an element, where another can be put, and in which element it is then.
    fn place(&self, at: usize, which: Index) -> (usize, Option<usize>) {
        let span = &self.spans[at];
        match (&span.inside, which.index(3)) {
            (Some(inside), 1) => (inside.start, Some(at)),
            (Some(inside), 2) => (inside.end, Some(at)),
            _ => (span.whole.start, span.parent),
        }
    }
}

/// The item that a tag names.
pub(super) fn item_of(tag: &str) -> Option<Item> {
    let (_, rest) = tag.split_once(" code=\"")?;
    let code = rest.split_once('"')?.0;
    Item::from_code(code).or_else(|| Item::from_code(&code.to_uppercase()))
}

/// Which element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    in_header: bool,
    index: Index,
}

pub(super) fn places() -> impl Strategy<Value = Place> {
    // A document has twenty times more elements of results than such as say whose it is.
    (any::<bool>(), any::<Index>()).prop_map(|(in_header, index)| Place { in_header, index })
}

/// What is done to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    Delete,
    Swap,
    Repeat,
    Move,
    Rename,
}

/// What is done to which elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) act: Act,
    one: Place,
    other: Place,
    where_in_other: Index,
}

pub(super) fn changes() -> impl Strategy<Value = Change> {
    let acts = prop_oneof![
        Just(Act::Delete),
        Just(Act::Swap),
        Just(Act::Repeat),
        Just(Act::Move),
        Just(Act::Rename)
    ];
    (acts, places(), places(), any::<Index>()).prop_map(|(act, one, other, where_in_other)| Change {
        act,
        one,
        other,
        where_in_other,
    })
}

/// A text with something done to it.
pub(super) struct Changed {
    pub(super) text: String,
    /// Items whose results can be others by it: nothing else's can.
    pub(super) touched: BTreeSet<Item>,
    /// A part of one result may be in another one now.
    pub(super) mixes_results: bool,
}

/// Does it.
pub(super) fn change(text: &str, change: Change) -> Changed {
    let elements = Elements::of(text);
    let one = elements.any(change.one);
    let span = &elements.spans[one];
    let [before, after] = [&text[..span.whole.start], &text[span.whole.end..]];
    let written = elements.written(one);
    let mut touched: BTreeSet<Item> = elements.items_in(one).chain(elements.items_around(Some(one))).collect();
    let mut mixes_results = false;
    let text = match change.act {
        Act::Delete => format!("{before}{after}"),
        Act::Repeat => format!("{before}{written}{written}{after}"),
        Act::Swap => {
            let parent = span.parent.unwrap();
            let siblings: Vec<usize> = elements.children(parent).collect();
            let other = siblings[change.other.index.index(siblings.len())];
            touched.extend(elements.items_in(other));
            let [first, last] = [one.min(other), one.max(other)].map(|at| &elements.spans[at].whole);
            match one == other {
                true => text.to_owned(),
                false => [
                    &text[..first.start],
                    &text[last.clone()],
                    &text[first.end..last.start],
                    &text[first.clone()],
                    &text[last.end..],
                ]
                .concat(),
            }
        }
        Act::Move => {
            mixes_results = elements.is_part_of_result(one);
            let rest = format!("{before}{after}");
            let left = Elements::of(&rest);
            let (at, parent) = left.place(left.any(change.other), change.where_in_other);
            touched.extend(left.items_around(parent));
            format!("{}{written}{}", &rest[..at], &rest[at..])
        }
        Act::Rename => {
            let other = elements.name(elements.any(change.other));
            let name = elements.name(one);
            let tag = &written[1 + name.len()..];
            let tag = match &span.inside {
                Some(_) => format!("{}</{other}>", &tag[..tag.len() - name.len() - 3]),
                None => tag.to_owned(),
            };
            format!("{before}<{other}{tag}{after}")
        }
    };
    Changed {
        text,
        touched,
        mixes_results,
    }
}

/// Puts an element of one text into another; where it is said to be at home, into what it has lain in.
pub(super) fn put(text: &str, from: &str, [one, other]: [Place; 2], which: Index, is_at_home: bool) -> Changed {
    let (own, others) = (Elements::of(text), Elements::of(from));
    let one = others.any(one);
    let home = others.spans[one].parent.map(|parent| others.name(parent));
    let home = home.filter(|_| is_at_home).and_then(|name| own.first(name));
    let inside = home.and_then(|home| own.spans[home].inside.clone());
    let (at, parent) = match inside {
        Some(inside) if which.index(2) == 0 => (inside.start, home),
        Some(inside) => (inside.end, home),
        None => own.place(own.any(other), which),
    };
    Changed {
        text: format!("{}{}{}", &text[..at], others.written(one), &text[at..]),
        // A code may come to stand before the result of another item.
        touched: (others.items_in(one).chain(others.items_around(Some(one))))
            .chain(own.items_around(parent))
            .collect(),
        mixes_results: others.is_part_of_result(one),
    }
}
