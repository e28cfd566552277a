//! One resource before the judge: is it R4 JSON, whole and nothing else?
//!
//! fhirbolt's element model knows every field of R4 and its type; in strict mode anything else is refused. What it does not
//! look at is added: rules of FHIR JSON about emptiness, and that what was read writes back as it was, digits included.

use fhirbolt::FhirReleases;
use fhirbolt::element::Element;
use serde_json::Value;

type R4 = Element<{ FhirReleases::R4 }>;

/// Why a resource is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not one JSON value.
    #[error("not JSON: {0}")]
    NotJson(serde_json::Error),
    /// A JSON object without a type is no resource.
    #[error("no resourceType")]
    NoResourceType,
    /// A field that R4 does not have there, or a value of another type.
    #[error("not FHIR R4: {0}")]
    NotR4(serde_json::Error),
    /// FHIR JSON has no empty arrays, objects or strings, and `null` only to keep two arrays in step.
    #[error("empty at {path}")]
    Empty {
        /// Where, e.g. `$.code.coding[0].code`.
        path: String,
    },
    /// What was read does not write back as it was.
    #[error("does not read back as it was written")]
    NotTheSame,
}

/// Judges one resource and says its type.
///
/// # Errors
/// [`Refusal`] says why it is not FHIR R4.
pub fn judge(resource: &[u8]) -> Result<String, Refusal> {
    let json: Value = serde_json::from_slice(resource).map_err(Refusal::NotJson)?;
    let resource_type = json
        .get("resourceType")
        .and_then(Value::as_str)
        .ok_or(Refusal::NoResourceType)?
        .to_owned();
    let element: R4 = fhirbolt::json::from_slice(resource, None).map_err(Refusal::NotR4)?;
    nothing_empty(&json, &mut "$".to_owned(), false)?;
    let again = fhirbolt::json::to_json_value(element, None).map_err(Refusal::NotR4)?;
    if again != json {
        return Err(Refusal::NotTheSame);
    }
    Ok(resource_type)
}

fn nothing_empty(value: &Value, path: &mut String, null_allowed: bool) -> Result<(), Refusal> {
    let length = path.len();
    let empty = match value {
        Value::Null => !null_allowed,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                nothing_empty(item, path, true)?;
                path.truncate(length);
            }
            items.is_empty()
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push('.');
                path.push_str(name);
                nothing_empty(member, path, false)?;
                path.truncate(length);
            }
            members.is_empty()
        }
        Value::Bool(_) | Value::Number(_) => false,
    };
    if empty {
        Err(Refusal::Empty { path: path.clone() })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(json: &str) -> Result<String, String> {
        judge(json.as_bytes()).map_err(|refusal| refusal.to_string())
    }

    const WEIGHT: &str = r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},
        "valueQuantity":{"value":65.20,"unit":"kg"}}"#;

    #[test]
    fn a_resource_of_r4_passes_with_its_digits() {
        assert_eq!(verdict(WEIGHT).as_deref(), Ok("Observation"));
    }

    #[test]
    fn what_is_not_r4_is_refused_with_its_place() {
        let refused = |from: &str, to: &str| {
            let changed = WEIGHT.replace(from, to);
            assert_ne!(changed, WEIGHT, "the change must change something");
            verdict(&changed).expect_err("must be refused")
        };
        assert!(refused("\"unit\"", "\"units\"").contains("units"));
        assert!(
            refused("65.20", "\"a lot\"").contains("not FHIR R4") || refused("65.20", "true").contains("not FHIR R4")
        );
        assert_eq!(refused("{\"text\":\"x\"}", "{\"coding\":[]}"), "empty at $.code.coding");
        assert_eq!(refused("\"x\"", "\"\""), "empty at $.code.text");
        assert!(refused("{\"text\":\"x\"}", "\"x\"").contains("not FHIR R4"));
        assert!(refused("Observation", "Observatory").contains("not FHIR R4"));
        assert_eq!(refused("\"resourceType\":\"Observation\",", ""), "no resourceType");
        assert!(verdict(&format!("{WEIGHT}}}")).is_err(), "something follows");
    }
}
