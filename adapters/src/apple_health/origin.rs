//! Where a record comes from: the source that its name and device description make, and the zone that it names.

use jiff::tz::TimeZone;
use model::{Offset, OffsetTrust, Sample, Source, SourceKind, UtcMillis};
use unicode_normalization::UnicodeNormalization as _;

use super::coverage::RE_EXPORTERS;
use super::wire::Device;
use crate::ReExporter;

/// The source that a name and a device description make.
///
/// The key is what stays: the name in NFC with plain spaces, maker, model and hardware; never a name alone, never the address.
pub fn source(name: &str, device: Option<&Device>) -> Source {
    let name: String = name
        .nfc()
        .map(|c| if c == '\u{a0}' { ' ' } else { c })
        .take(128)
        .collect();
    let device = device.cloned().unwrap_or_default();
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let key = format!(
        "{name}|{}|{}|{}",
        part(&device.manufacturer),
        part(&device.model),
        part(&device.hardware)
    );
    let mut cut = key.len().min(512);
    while !key.is_char_boundary(cut) {
        cut -= 1;
    }
    Source {
        copies: ReExporter::copies(RE_EXPORTERS, &name),
        kind: kind(&name, &device),
        key: key[..cut].to_owned(),
        name,
        manufacturer: device.manufacturer,
        model: device.model,
        hardware: device.hardware,
    }
}

/// The sample was measured in this zone: its offsets are resolved at its own instants.
pub fn in_zone(sample: &mut Sample, zone: &TimeZone) {
    let offset_at = |instant: UtcMillis| {
        let timestamp = jiff::Timestamp::from_millisecond(instant.0).ok()?;
        i16::try_from(zone.to_offset(timestamp).seconds() / 60).ok()
    };
    if let (Some(start), Some(end)) = (offset_at(sample.start), offset_at(sample.end)) {
        sample.offset = Offset {
            minutes: start,
            trust: OffsetTrust::FromZone,
        };
        sample.end_offset_minutes = end;
    }
}

fn kind(name: &str, device: &Device) -> SourceKind {
    let model = device.model.as_deref().unwrap_or_default().to_lowercase();
    let hardware = device.hardware.as_deref().unwrap_or_default();
    let name = name.to_lowercase();
    if hardware.starts_with("Watch") || model.contains("watch") {
        SourceKind::Watch
    } else if hardware.starts_with("iPhone") || model.contains("iphone") {
        SourceKind::Phone
    } else if name.contains("watch") {
        SourceKind::Watch
    } else if name.contains("iphone") {
        SourceKind::Phone
    } else if name.contains("ring") {
        SourceKind::Ring
    } else if name.contains("band") {
        SourceKind::Band
    } else if device.model.is_some() {
        SourceKind::Instrument
    } else {
        SourceKind::App
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_iphones_of_one_name_are_two_sources_and_one_address_is_one() {
        let phone = |hardware: &str| {
            source(
                "iPhone",
                Some(&Device {
                    hardware: Some(hardware.into()),
                    ..Device::default()
                }),
            )
            .key
        };
        assert_ne!(phone("iPhone14,2"), phone("iPhone15,3"));
        assert_eq!(
            source("太郎の\u{a0}Apple Watch", None).key,
            source("太郎の Apple Watch", None).key
        );
    }
}
