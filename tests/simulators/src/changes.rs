//! What was added to an account, edited in it, or taken out, over what its days make.

use std::collections::BTreeMap;

use model::UtcMillis;
use serde_json::Value;

/// By type and time: members that are there instead; `None` where it was taken out.
#[derive(Debug, Default)]
pub struct Changes(BTreeMap<(String, i64), Option<Value>>);

impl Changes {
    /// Puts an item, or takes one out.
    pub fn put(&mut self, kind: &str, at: UtcMillis, members: Option<Value>) {
        self.0.insert((kind.to_owned(), at.0), members);
    }

    /// Of a type: when, and what is there instead.
    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (i64, Option<&'a Value>)> {
        let of = self.0.iter().filter(move |((of, _), _)| of == kind);
        of.map(|((_, at), members)| (*at, members.as_ref()))
    }

    /// The items of a type, as they are now.
    pub fn over(&self, kind: &str, items: &mut BTreeMap<i64, Value>) {
        for (at, members) in self.of(kind) {
            match members {
                None => {
                    items.remove(&at);
                }
                Some(members) => {
                    items.insert(at, members.clone());
                }
            }
        }
    }
}
