//! Reading scope strings: SMART 2 (`patient/Observation.rs?category=system|code`), the forms of SMART 1
//! (`patient/Observation.read`), and the words of OpenID Connect and of the launch.

use super::{CategoryCoding, Interactions, Permission, Resource, ScopeSet, Target};

/// The longest scope string that is read, in bytes.
pub const MAX_SCOPE_LENGTH: usize = 8 * 1024;

/// The most combinations of comma-separated categories that one scope is taken apart into.
const MAX_COMBINATIONS: usize = 64;

pub(super) const OPEN_ID: &str = "openid";
pub(super) const FHIR_USER: &str = "fhirUser";
pub(super) const OFFLINE_ACCESS: &str = "offline_access";
pub(super) const ONLINE_ACCESS: &str = "online_access";
pub(super) const LAUNCH_PATIENT: &str = "launch/patient";

/// Why a text cannot be a scope string: `invalid_scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// It is too long.
    #[error("a scope string has at most {MAX_SCOPE_LENGTH} bytes, not {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It holds a character that no scope can have.
    #[error("the character at position {position} cannot be in a scope string")]
    Character {
        /// Where, in bytes from 0.
        position: usize,
    },
}

pub(super) fn parse(text: &str) -> Result<ScopeSet, ScopeError> {
    if text.len() > MAX_SCOPE_LENGTH {
        return Err(ScopeError::TooLong { length: text.len() });
    }
    if let Some(position) = text.bytes().position(|byte| !may_stand(byte)) {
        return Err(ScopeError::Character { position });
    }
    let mut set = ScopeSet::default();
    for word in text.split(' ') {
        match word {
            OPEN_ID => set.open_id = true,
            FHIR_USER => set.fhir_user = true,
            OFFLINE_ACCESS => set.offline_access = true,
            ONLINE_ACCESS => set.online_access = true,
            LAUNCH_PATIENT => set.launch_patient = true,
            other => {
                for (target, permission) in resource_scopes(other).unwrap_or_default() {
                    set.add(target, permission);
                }
            }
        }
    }
    set.compile();
    Ok(set)
}

/// RFC 6749 3.3: tokens of %x21, %x23-5B and %x5D-7E, separated by spaces.
fn may_stand(byte: u8) -> bool {
    matches!(byte, b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

/// The scopes that one word stands for; `None` when it is none that we know.
fn resource_scopes(word: &str) -> Option<Vec<(Target, Permission)>> {
    // Only the patient's context: a resident has no other records than their own, and systems ask elsewhere.
    let (kind, rest) = word.strip_prefix("patient/")?.split_once('.')?;
    let (letters, query) = match rest.split_once('?') {
        Some((letters, query)) => (letters, Some(query)),
        None => (rest, None),
    };
    let permission = permission(letters)?;
    let filters = match query {
        // The forms of SMART 1 have no parameters.
        Some(_) if permission.first_spelling => return None,
        Some(query) => filters(query)?,
        None => vec![Vec::new()],
    };
    let resources = if kind == "*" {
        Resource::ALL.to_vec()
    } else {
        vec![Resource::from_name(kind)?]
    };
    // Only Observations have a category.
    if query.is_some() && resources != [Resource::Observation] {
        return None;
    }
    let scopes = resources.into_iter().flat_map(|resource| {
        filters
            .iter()
            .map(move |filter| (Target::new(resource, filter.clone()), permission))
    });
    Some(scopes.collect())
}

/// What the letters allow of what is offered; `None` when they are no letters of a scope, or out of their order.
fn permission(letters: &str) -> Option<Permission> {
    let (letters, first_spelling) = match letters {
        // SMART App Launch 2.2, "Scopes for requesting clinical data": `.read` is `.rs`, `.write` is `.cud`, `.*` is both.
        "read" => ("rs", true),
        "write" => ("cud", true),
        "*" => ("cruds", true),
        letters => (letters, false),
    };
    let positions: Option<Vec<usize>> = letters.chars().map(|letter| "cruds".find(letter)).collect();
    let positions = positions.filter(|positions| positions.is_sorted_by(|left, right| left < right))?;
    let interactions = Interactions {
        read: positions.contains(&1),
        search: positions.contains(&4),
    };
    (!interactions.is_none()).then_some(Permission {
        interactions,
        first_spelling,
    })
}

/// The filters that a scope's parameters come to, one for each combination of comma-separated categories; `None` when one
/// of the parameters is not `category`, or when no category is known.
fn filters(query: &str) -> Option<Vec<Vec<CategoryCoding>>> {
    let mut filters = vec![Vec::new()];
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=')?;
        if name != "category" {
            return None;
        }
        let value = percent_decode(value)?;
        let codings: Vec<CategoryCoding> = value
            .split(',')
            .filter_map(|token| token.split_once('|'))
            .filter_map(|(system, code)| CategoryCoding::find(system, code))
            .collect();
        if codings.is_empty() || filters.len() * codings.len() > MAX_COMBINATIONS {
            return None;
        }
        filters = filters
            .iter()
            .flat_map(|filter| codings.iter().map(|coding| [&filter[..], &[*coding]].concat()))
            .collect();
    }
    Some(filters)
}

/// The text behind `%XX`; `None` when an escape is broken or the bytes are no UTF-8.
fn percent_decode(value: &str) -> Option<String> {
    let mut bytes = value.bytes();
    let mut decoded = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::percent_decode;

    #[test]
    fn escapes_are_read_and_broken_ones_refused() {
        assert_eq!(percent_decode("a%7Cb%7c").as_deref(), Some("a|b|"));
        assert_eq!(percent_decode("%E6%AD%A9").as_deref(), Some("歩"));
        for broken in ["%", "%7", "%zz", "a%7", "%+1", "%FF"] {
            assert_eq!(percent_decode(broken), None, "{broken}");
        }
    }
}
