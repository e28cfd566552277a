//! FHIR as XML, said anew as the JSON of the same document (FHIR R4, 2.6.1 and 2.6.2): a primitive is its attribute `value`, what may come
//! more than once is a list, and a resource lies in an element that says where it belongs.
//!
//! Only what is read must have its JSON form: other members may be a list or not as it comes. A library that knows every member would
//! change how the whole program writes numbers (see `conformance`).

use std::fmt::Write as _;

use super::super::tree::{Element, Tree};

/// What FHIR's elements are of.
const NAMESPACE: &str = "http://hl7.org/fhir";
/// Members of which there may be several, wherever they stand.
const LISTS: [&str; 14] = [
    "address",
    "category",
    "coding",
    "component",
    "entry",
    "event",
    "extension",
    "given",
    "hasMember",
    "identifier",
    "interpretation",
    "payor",
    "performer",
    "referenceRange",
];
/// As above, in a resource or element of this name.
const LISTS_OF: [(&str, &str); 4] = [
    ("Organization", "type"),
    ("Patient", "name"),
    ("Practitioner", "name"),
    ("event", "code"),
];
/// Where a resource lies.
const HOLD_RESOURCES: [&str; 2] = ["resource", "contained"];
/// Elements whose `value` is a number, and one that is a number itself.
const QUANTITIES: [&str; 3] = ["valueQuantity", "low", "high"];
const INTEGER: &str = "valueInteger";

/// True for the beginning of a text whose root is a Bundle of FHIR.
pub(super) fn looks_like_one(head: &[u8]) -> bool {
    let mut tags = memchr::memchr_iter(b'<', head).map(|at| &head[at + 1..]);
    // What stands before the root begins with a sign.
    let root = tags.find(|tag| tag.first().is_some_and(u8::is_ascii_alphabetic));
    let end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let name = root.and_then(|root| root.split(end).next()).unwrap_or_default();
    name.rsplit(|byte| *byte == b':').next() == Some(b"Bundle")
        && memchr::memmem::find(head, NAMESPACE.as_bytes()).is_some()
}

/// The Bundle as JSON; `None` for a document whose root is another.
pub(super) fn as_json(tree: &Tree<'_>) -> Option<String> {
    let root = tree.root();
    let is_fhir = root.attributes().iter().any(|(_, value)| value == NAMESPACE);
    (is_fhir && root.name() == "Bundle").then(|| {
        let mut json = String::new();
        resource(root, &mut json);
        json
    })
}

fn resource(element: Element<'_>, json: &mut String) {
    json.push_str("{\"resourceType\":");
    string(element.name(), json);
    members(element, true, json);
    json.push('}');
}

/// Attributes and children; `is_begun` where something of the object stands there already.
fn members(element: Element<'_>, mut is_begun: bool, json: &mut String) {
    let mut begin = |name: &str, json: &mut String| {
        if std::mem::replace(&mut is_begun, true) {
            json.push(',');
        }
        string(name, json);
        json.push(':');
    };
    // Ids of elements, addresses of extensions, and what has no place in FHIR: its name may be one that may not be held.
    for (name, value) in element
        .attributes()
        .iter()
        .filter(|(name, _)| !matches!(*name, "xmlns" | "value"))
    {
        begin(name, json);
        string(value, json);
    }
    let mut children: Vec<Element<'_>> = element.children().collect();
    // Of one name they need not stand together, and mostly do: the order within a name stays.
    children.sort_by_key(|child| child.name());
    for of_name in children.chunk_by(|one, next| one.name() == next.name()) {
        let name = of_name[0].name();
        begin(name, json);
        let is_list = of_name.len() > 1 || LISTS.contains(&name) || LISTS_OF.contains(&(element.name(), name));
        if is_list {
            json.push('[');
        }
        for (place, child) in of_name.iter().enumerate() {
            if place > 0 {
                json.push(',');
            }
            value(element.name(), *child, json);
        }
        if is_list {
            json.push(']');
        }
    }
}

fn value(of: &str, element: Element<'_>, json: &mut String) {
    let name = element.name();
    if HOLD_RESOURCES.contains(&name)
        && let Some(held) = element.children().next()
    {
        return resource(held, json);
    }
    let primitive = element.attributes().iter().find(|(name, _)| *name == "value");
    if let Some((_, value)) = primitive {
        let is_number = name == INTEGER || (name == "value" && QUANTITIES.contains(&of));
        match is_number && serde_json::from_str::<serde_json::Number>(value).is_ok() {
            // Digit by digit.
            true => json.push_str(value),
            false => string(value, json),
        }
    } else if name == "div" {
        // What people read: no part of it is a member.
        string(element.text(), json);
    } else {
        json.push('{');
        members(element, false, json);
        json.push('}');
    }
}

fn string(text: &str, json: &mut String) {
    // A string takes whatever is written.
    let _ = write!(json, "{}", serde_json::Value::from(text));
}
