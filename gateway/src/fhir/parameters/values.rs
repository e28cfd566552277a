//! Values of parameters, each read at the border or refused with what is allowed.

use jiff::tz::TimeZone;

use super::super::token::{self, Token};
use super::super::{FhirError, date};

pub(super) fn wanted(groups: &[Vec<String>]) -> Option<Vec<&str>> {
    let (first, rest) = groups.split_first()?;
    let mut wanted: Vec<&str> = Vec::with_capacity(first.len());
    for id in first {
        if rest.iter().all(|group| group.contains(id)) && !wanted.contains(&id.as_str()) {
            wanted.push(id);
        }
    }
    Some(wanted)
}

/// The name without `:Patient`, the one modifier there is; any other, and any chain, is refused.
pub(super) fn plain_name(name: &str) -> Result<&str, FhirError> {
    match name {
        "subject:Patient" => Ok("subject"),
        "patient:Patient" => Ok("patient"),
        "target:Observation" => Ok("target"),
        "device:Device" => Ok("device"),
        "_include:iterate" | "_revinclude:iterate" => Err(FhirError::UnknownParameter { parameter: shown(name) }),
        _ if name.contains([':', '.']) => Err(FhirError::UnknownParameter { parameter: shown(name) }),
        _ => Ok(name),
    }
}

/// Ids in references of this type; an empty text, which is nobody's id, for a reference of another type or server.
pub(super) fn references(value: &str, resource: &str, base: &str) -> Vec<String> {
    token::split(value, ',')
        .into_iter()
        .map(|reference| {
            let reference = token::unescape(reference);
            let local = reference
                .strip_prefix(base)
                .and_then(|rest| rest.strip_prefix('/'))
                .unwrap_or(&reference);
            match local.split_once('/') {
                None => local.to_owned(),
                Some((given, id)) if given == resource => id.to_owned(),
                Some(_) => String::new(),
            }
        })
        .collect()
}

pub(super) fn texts(value: &str) -> Vec<String> {
    token::split(value, ',').into_iter().map(token::unescape).collect()
}

pub(super) fn tokens(name: &str, value: &str) -> Result<Vec<Token>, FhirError> {
    token::parse(value).ok_or_else(|| FhirError::bad(name, "`code` or `system|code` is allowed, with commas for or"))
}

/// A date that can be read, whichever zone is taken for it.
pub(super) fn date_text(name: &str, value: &str) -> Result<String, FhirError> {
    if value.contains(',') {
        return Err(FhirError::bad(
            name,
            "one date is allowed; repeat the parameter for and",
        ));
    }
    date::parse(value, &TimeZone::UTC).map_err(|problem| FhirError::bad(name, problem))?;
    Ok(value.to_owned())
}

pub(super) fn twice(name: &str) -> FhirError {
    FhirError::bad(name, "is allowed once")
}

/// What of a name an answer repeats.
pub fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}
