//! Reading a FHIR Consent. Every element is looked at: one that is not known here may restrict, so it refuses the whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::vocabulary::systems;
use model::{ConsentCategory, RecipientId, UtcMillis};
use serde_json::{Map, Value};

use super::{LINKING, day};
use crate::grant::{DataPeriod, Detail, Grant, IdentityGrant, IdentityLine, Sources};
use crate::ids::Purpose;
use crate::record::Language;

/// The most elements that a list is read with.
const MAX_ITEMS: usize = 256;

/// What a Consent comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What names the recipient.
    pub recipient: String,
    /// For what.
    pub purpose: Purpose,
    /// What it gives.
    pub grants: Vec<Grant>,
    /// What it gives of who the person is.
    pub identity: IdentityGrant,
    /// The language of `text`.
    pub language: Language,
    /// The exact text that was agreed to.
    pub text: String,
}

/// Why a Consent cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ReadError {
    /// Where, as a FHIRPath.
    pub path: String,
    /// What is wrong, and what can be taken.
    pub problem: &'static str,
}

/// Reads a Consent; `source` finds the source of a Device by its id.
///
/// # Errors
/// [`ReadError`] for the first thing that our model cannot say.
pub fn read(resource: &Value, source: &dyn Fn(&str) -> Option<u16>) -> Result<Imported, ReadError> {
    let root = Node {
        path: "Consent".to_owned(),
        value: resource,
    };
    root.only(&[
        "resourceType",
        "id",
        "meta",
        "text",
        "language",
        "identifier",
        "status",
        "scope",
        "category",
        "patient",
        "dateTime",
        "performer",
        "organization",
        "sourceAttachment",
        "policy",
        "provision",
    ])?;
    root.must("resourceType", "Consent")?;
    root.must("status", "active")?;
    let scope = root.child("scope")?;
    scope.coded(systems::CONSENT_SCOPE, Some(systems::PATIENT_PRIVACY))?;
    let (language, text) = agreed_text(&root)?;
    let base = root.child("provision")?;
    base.only(&["type", "period", "provision"])?;
    // C-013: a root without a type is a base of deny; a permit of everything is not ours to give.
    if base.get("type").is_some_and(|kind| kind != "deny") {
        return Err(base.error("the base must be deny, with a permit inside for each thing that is given"));
    }
    let end = base.expiry()?;
    let mut imported = Imported {
        recipient: String::new(),
        purpose: Purpose::new("none").map_err(|_| base.error("no purpose"))?,
        grants: Vec::new(),
        identity: IdentityGrant::NOTHING,
        language,
        text,
    };
    let mut place: Option<(String, Purpose)> = None;
    let mut identity_end: Option<Option<UtcMillis>> = None;
    for permit in base.items("provision")? {
        let here = permit_place(&permit)?;
        if place.as_ref().is_some_and(|known| *known != here) {
            return Err(permit.error("one consent is to one recipient for one purpose"));
        }
        place = Some(here);
        let expires = earlier(permit.expiry()?, end);
        let class = permit.only_item("class")?;
        match class.code_of(systems::RESOURCE_TYPES)? {
            "Observation" => imported.grants.push(grant(&permit, expires, source)?),
            "Patient" => {
                identity_line(&permit, &mut imported.identity)?;
                if identity_end.is_some_and(|known| known != expires) {
                    return Err(permit.error("the lines about who the person is end together"));
                }
                identity_end = Some(expires);
            }
            _ => return Err(class.error("Observation or Patient")),
        }
    }
    let (recipient, purpose) = place.ok_or_else(|| base.error("it permits nothing"))?;
    imported.identity.expires = identity_end.flatten();
    Ok(Imported {
        recipient,
        purpose,
        ..imported
    })
}

fn earlier(one: Option<UtcMillis>, other: Option<UtcMillis>) -> Option<UtcMillis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn agreed_text(root: &Node<'_>) -> Result<(Language, String), ReadError> {
    let source = root.child("sourceAttachment")?;
    source.only(&["contentType", "language", "data", "title", "creation"])?;
    let language = match source.text("language")? {
        "ja" => Language::Ja,
        "en" => Language::En,
        _ => return Err(source.error("its language must be ja or en")),
    };
    let unreadable = || source.error("its data must be the agreed text, UTF-8 in base64");
    let bytes = STANDARD.decode(source.text("data")?).map_err(|_| unreadable())?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable())?;
    Ok((language, text))
}

/// Recipient and purpose of a permit, and that it is one.
fn permit_place(permit: &Node<'_>) -> Result<(String, Purpose), ReadError> {
    permit.only(&[
        "type",
        "period",
        "actor",
        "action",
        "purpose",
        "class",
        "code",
        "securityLabel",
        "dataPeriod",
        "data",
        "extension",
    ])?;
    permit.must("type", "permit")?;
    let actor = permit.only_item("actor")?;
    actor.only(&["role", "reference"])?;
    actor
        .child("role")?
        .coded(systems::PARTICIPATION_TYPE, Some(systems::INFORMATION_RECIPIENT))?;
    let reference = actor.child("reference")?;
    reference.only(&["identifier", "display", "type"])?;
    let identifier = reference.child("identifier")?;
    identifier.only(&["system", "value"])?;
    identifier.must("system", systems::RECIPIENT)?;
    let recipient = identifier.text("value")?.to_owned();
    let action = permit.only_item("action")?;
    action.coded(systems::CONSENT_ACTION, Some(systems::CONSENT_ACCESS))?;
    let purpose = permit.only_item("purpose")?;
    let code = purpose.code_of(systems::PURPOSE)?;
    let purpose = Purpose::new(code).map_err(|_| purpose.error("1 to 64 of a-z, 0-9 and -"))?;
    Ok((recipient, purpose))
}

fn grant(
    permit: &Node<'_>,
    expires: Option<UtcMillis>,
    source: &dyn Fn(&str) -> Option<u16>,
) -> Result<Grant, ReadError> {
    let code = permit.only_item("code")?;
    let category = ConsentCategory::from_key(code.coded(systems::CONSENT_CATEGORY, None)?)
        .ok_or_else(|| code.error("no such category"))?;
    let label = permit.only_item("securityLabel")?;
    let detail = Detail::from_code(label.code_of(systems::DETAIL)?).ok_or_else(|| label.error("no such detail"))?;
    let mut running_day = false;
    for extension in permit.items("extension")? {
        extension.only(&["url", "valueBoolean"])?;
        extension.must("url", systems::RUNNING_DAY)?;
        running_day = extension
            .get("valueBoolean")
            .and_then(Value::as_bool)
            .ok_or_else(|| extension.error("valueBoolean is needed"))?;
    }
    let mut period = DataPeriod::ALL;
    if permit.get("dataPeriod").is_some() {
        let given = permit.child("dataPeriod")?;
        given.only(&["start", "end"])?;
        let read = |name: &str| match given.get(name) {
            None => Ok(None),
            Some(text) => text
                .as_str()
                .and_then(day)
                .map(Some)
                .ok_or_else(|| given.error("its start and end must be days, YYYY-MM-DD")),
        };
        period = DataPeriod {
            from: read("start")?,
            until: read("end")?,
        };
    }
    let mut numbers = Vec::new();
    for data in permit.items("data")? {
        data.only(&["meaning", "reference"])?;
        data.must("meaning", "authoredby")?;
        let reference = data.child("reference")?;
        reference.only(&["reference"])?;
        let number = reference
            .text("reference")?
            .strip_prefix("Device/")
            .and_then(source)
            .ok_or_else(|| reference.error("no such Device"))?;
        numbers.push(number);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(Grant {
        category,
        sources: if permit.get("data").is_some() {
            Sources::Only(numbers)
        } else {
            Sources::All
        },
        period,
        detail,
        running_day,
        expires,
    })
}

fn identity_line(permit: &Node<'_>, lines: &mut IdentityGrant) -> Result<(), ReadError> {
    let code = permit.only_item("code")?;
    let asked = code.coded(systems::IDENTITY_LINE, None)?;
    let is_linking = asked == LINKING;
    for name in ["securityLabel", "dataPeriod", "data", "extension"] {
        if permit.get(name).is_some() && !(is_linking && name == "extension") {
            return Err(permit.error("a line about who the person is has no detail, days, sources or extension"));
        }
    }
    if is_linking {
        lines.linking = Some(linked(permit)?);
        return Ok(());
    }
    let line = IdentityLine::from_code(asked).ok_or_else(|| code.error("no such line about who the person is"))?;
    lines.set(line, true);
    Ok(())
}

/// The other recipient of a linking id.
fn linked(permit: &Node<'_>) -> Result<RecipientId, ReadError> {
    let extension = permit.only_item("extension")?;
    extension.only(&["url", "valueIdentifier"])?;
    extension.must("url", systems::LINKED_RECIPIENT)?;
    let identifier = extension.child("valueIdentifier")?;
    identifier.only(&["system", "value"])?;
    identifier.must("system", systems::RECIPIENT)?;
    let number = identifier.text("value")?.parse();
    number
        .map(RecipientId)
        .map_err(|_| identifier.error("the number of a recipient is needed"))
}

/// An element with its place.
struct Node<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Node<'a> {
    fn error(&self, problem: &'static str) -> ReadError {
        ReadError {
            path: self.path.clone(),
            problem,
        }
    }

    fn map(&self) -> Result<&'a Map<String, Value>, ReadError> {
        self.value.as_object().ok_or_else(|| self.error("must be an object"))
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.value.get(name)
    }

    /// Refuses what is not among `names`.
    fn only(&self, names: &[&str]) -> Result<(), ReadError> {
        match self.map()?.keys().find(|name| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(ReadError {
                path: format!("{}.{}", self.path, name.chars().take(64).collect::<String>()),
                problem: "is not understood here, and could be a restriction",
            }),
        }
    }

    fn child(&self, name: &str) -> Result<Node<'a>, ReadError> {
        let node = Node {
            path: format!("{}.{name}", self.path),
            value: self.get(name).unwrap_or(&Value::Null),
        };
        node.map()?;
        Ok(node)
    }

    fn text(&self, name: &str) -> Result<&'a str, ReadError> {
        self.get(name).and_then(Value::as_str).ok_or_else(|| ReadError {
            path: format!("{}.{name}", self.path),
            problem: "a text is needed",
        })
    }

    fn must(&self, name: &str, wanted: &str) -> Result<(), ReadError> {
        match self.text(name)? == wanted {
            true => Ok(()),
            false => Err(ReadError {
                path: format!("{}.{name}", self.path),
                problem: "has another value than can be taken",
            }),
        }
    }

    fn items(&self, name: &str) -> Result<Vec<Node<'a>>, ReadError> {
        let path = format!("{}.{name}", self.path);
        let list: &[Value] = match self.get(name) {
            None => &[],
            Some(Value::Array(list)) if list.len() <= MAX_ITEMS => list,
            Some(_) => {
                return Err(ReadError {
                    path,
                    problem: "must be a list of at most 256",
                });
            }
        };
        Ok(list
            .iter()
            .enumerate()
            .map(|(at, value)| Node {
                path: format!("{path}[{at}]"),
                value,
            })
            .collect())
    }

    fn only_item(&self, name: &str) -> Result<Node<'a>, ReadError> {
        let mut items = self.items(name)?;
        match (items.pop(), items.is_empty()) {
            (Some(item), true) => Ok(item),
            _ => Err(ReadError {
                path: format!("{}.{name}", self.path),
                problem: "exactly one is needed",
            }),
        }
    }

    /// The code of a Coding of this system.
    fn code_of(&self, system: &str) -> Result<&'a str, ReadError> {
        self.only(&["system", "code", "display"])?;
        self.must("system", system)?;
        self.text("code")
    }

    /// The code of a CodeableConcept with one Coding of this system, which must be `wanted` if that is given.
    fn coded(&self, system: &str, wanted: Option<&str>) -> Result<&'a str, ReadError> {
        self.only(&["coding", "text"])?;
        let coding = self.only_item("coding")?;
        let code = coding.code_of(system)?;
        match wanted.is_none_or(|wanted| wanted == code) {
            true => Ok(code),
            false => Err(coding.error("has another code than can be taken")),
        }
    }

    /// The end of `period`; its start says when the consent was given and restricts nothing.
    fn expiry(&self) -> Result<Option<UtcMillis>, ReadError> {
        if self.get("period").is_none() {
            return Ok(None);
        }
        let period = self.child("period")?;
        period.only(&["start", "end"])?;
        match period.get("end") {
            None => Ok(None),
            Some(end) => end
                .as_str()
                .and_then(|text| text.parse::<jiff::Timestamp>().ok())
                .map(|end| Some(UtcMillis(end.as_millisecond())))
                .ok_or_else(|| period.error("its end must be an instant with an offset")),
        }
    }
}
