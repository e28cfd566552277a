//! Whose a point is.

use model::{Source, SourceKind};
use serde_json::Value;

use super::coverage::{FITBIT, FITBIT_WEB_API, HEALTH_CONNECT, HEALTH_KIT, RE_EXPORTERS};
use super::{CONTINUES, NAME};
use crate::ReExporter;
use crate::health_connect::writer;

/// The vendor's own app, which writes into the phone's store what this account has.
const APP: &str = "com.fitbit.FitbitMobile";

/// The platform by which it came, the device or the app that measured.
pub(super) fn source(origin: &Value) -> Source {
    let cut = |text: &str| text.chars().take(100).collect::<String>();
    let part = |pointer: &str| {
        origin
            .pointer(pointer)?
            .as_str()
            .map(cut)
            .filter(|part| !part.is_empty())
    };
    if origin.is_null() {
        return merged();
    }
    let platform = part("/platform").unwrap_or_else(|| "unsaid".to_owned());
    let form = origin.pointer("/device/formFactor").and_then(Value::as_str);
    let manufacturer = part("/device/manufacturer");
    let model = part("/device/displayName");
    let app = ["packageName", "googleWebClientId", "webClientId"];
    let app = app.iter().find_map(|member| part(&format!("/application/{member}")));
    let kind = match form {
        Some("WATCH") => SourceKind::Watch,
        Some("FITNESS_BAND") => SourceKind::Band,
        Some("RING") => SourceKind::Ring,
        Some("PHONE" | "TABLET") => SourceKind::Phone,
        Some("SCALE" | "CHEST_STRAP") => SourceKind::Instrument,
        _ if app.is_some() && model.is_none() => SourceKind::App,
        _ => SourceKind::Unknown,
    };
    let shown = |part: &Option<String>| part.clone().unwrap_or_default();
    // `FITBIT_WEB_API` begins with another platform's name.
    let copies = match (platform.as_str(), &app) {
        (HEALTH_CONNECT, Some(package)) => vec![format!("{}|", writer(package))],
        (HEALTH_CONNECT | HEALTH_KIT, _) => of_anybody_else(),
        ("FIT", _) => ReExporter::copies(RE_EXPORTERS, "FIT"),
        _ => Vec::new(),
    };
    Source {
        copies,
        key: format!(
            "google-health|{platform}|{}|{}|{}|{}",
            shown(&manufacturer),
            shown(&model),
            form.map(cut).unwrap_or_default(),
            shown(&app)
        ),
        name: model.clone().or(app).unwrap_or_else(|| cut(&platform)),
        manufacturer,
        model,
        hardware: None,
        kind,
    }
}

/// What came by a phone's store without a word of which app wrote it was measured by anybody (facts of the vocabulary, 6.3), but not by
/// what this account has of its own: two devices may well measure the same pulse at the same time.
pub(crate) fn of_anybody_else() -> Vec<String> {
    let not = [NAME, CONTINUES, APP].map(|own| format!("!{own}|"));
    std::iter::once(String::new()).chain(not).collect()
}

/// What an archive of this account and the service that it continues hold of its own devices, its apps and those that wrote by the old
/// service: they are copies of what this one names by its device, with an offset and with zeros that assert wear. What the account
/// holds besides it was brought from elsewhere.
pub(crate) fn of_this_account() -> Vec<String> {
    [FITBIT, FITBIT_WEB_API]
        .map(|platform| format!("{NAME}|{platform}|"))
        .into()
}

/// All sources as one, as the vendor merges them and counts their days: whatever it holds is a copy of what one of them has, here or at
/// the cloud that this one continues.
fn merged() -> Source {
    Source {
        copies: vec![format!("{NAME}|"), format!("{CONTINUES}|")],
        key: format!("{NAME}|merged||||"),
        name: "Google Health".to_owned(),
        ..Source::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Facts of the vocabulary, 6.3: what these platforms hand on was measured by somebody else.
    #[test]
    fn what_passed_through_a_phone_s_store_is_a_copy_of_what_others_have_and_of_nothing_of_this_account() {
        let copies = |origin: &Value| {
            let source = source(origin);
            move |key: &str| source.is_copy_of(key)
        };
        let with_app = copies(&json!({"platform": HEALTH_CONNECT, "application": {"packageName": "com.example.walk"}}));
        assert!(with_app("com.example.walk|||0"));
        assert!(!with_app("com.example.walking|||0") && !with_app("Health|Apple Inc.|iPhone|iPhone14,2"));
        let by_phone = json!({"packageName": "com.android.healthconnect.phone.a1b2"});
        let of_phone = copies(&json!({"platform": HEALTH_CONNECT, "application": by_phone}));
        assert!(of_phone("android|Maker|Phone 9|2") && !of_phone("com.example.walk|||0"));
        for platform in [HEALTH_CONNECT, HEALTH_KIT] {
            let copies = copies(&json!({"platform": platform, "device": {"formFactor": "WATCH"}}));
            for others in [
                "太郎の Apple Watch|Apple Inc.|Watch|Watch6,2",
                "com.example.walk|||0",
                "android|Maker|Phone 9|2",
                "omron|HEM-7600T",
            ] {
                assert!(copies(others), "{platform}: {others}");
            }
            // A band's pulse is now and then that of a watch on the other arm; and two that were each other's copies would count
            // as none.
            for own in [
                "google-health|FITBIT|Fitbit|Charge 6||",
                "google-health|merged||||",
                "google-health|HEALTH_KIT||||",
                "fitbit|charge6",
                "com.fitbit.FitbitMobile|||0",
            ] {
                assert!(!copies(own), "{platform}: {own}");
            }
        }
        let by_fit = copies(&json!({"platform": "FIT"}));
        assert!(by_fit("google-fit|raw") && !by_fit("com.example.walk|||0"));
        for own in ["FITBIT", "FITBIT_WEB_API", "NEST", "unheard-of"] {
            assert!(source(&json!({"platform": own})).copies.is_empty(), "{own}");
        }
    }
    /// Of two that were each other's copies neither would count, and what came by another platform was measured by somebody else.
    #[test]
    fn what_an_archive_has_of_this_account_s_own_is_a_copy_of_it_and_never_the_other_way_round() {
        use crate::fitbit::local::source as archived;
        for own in ["", "Charge 6", "Aria", "API", "Google Health App"].map(archived) {
            for platform in [FITBIT, FITBIT_WEB_API] {
                let ours = source(&json!({"platform": platform, "device": {"displayName": "Charge 6"}}));
                assert!(own.is_copy_of(&ours.key), "{} of {}", own.key, ours.key);
                assert!(!ours.is_copy_of(&own.key), "{} of {}", ours.key, own.key);
            }
            for other in [HEALTH_CONNECT, HEALTH_KIT, "FIT", "NEST"] {
                let other = source(&json!({"platform": other}));
                assert!(!own.is_copy_of(&other.key), "{} of {}", own.key, other.key);
            }
            assert!(!own.is_copy_of(&merged().key) && merged().is_copy_of(&own.key));
        }
        assert!(!archived("Fit Health Connect").is_copy_of("google-health|FITBIT||||"));
    }
}
