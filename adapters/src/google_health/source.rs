//! Whose a point is.

use model::{Source, SourceKind};
use serde_json::Value;

use super::coverage::{HEALTH_CONNECT, RE_EXPORTERS};
use super::{CONTINUES, NAME};
use crate::ReExporter;

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
        (HEALTH_CONNECT, Some(package)) => vec![format!("{package}|")],
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
