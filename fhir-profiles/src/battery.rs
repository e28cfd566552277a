//! A battery of a checkup as the group Observation of the checkup report guide (eCheckup): no value, but which results are one
//! examination, and which of them say why it was done.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use model::checkup::Battery;
use model::vocabulary::systems;

use crate::checkup::categories_of;
use crate::codings::Findable;
use crate::json::{escaped, raw, string};
use crate::meta::head;
use crate::prepared::{coding, list, to_status, written};
use crate::time::{date, instant};
use crate::view::BatteryView;

/// What never changes of a battery's Observations.
struct Pieces {
    /// From the end of `meta.lastUpdated` to the status.
    to_status: Vec<u8>,
    /// The same of one entered in error, which claims no profile.
    dead: Vec<u8>,
    /// From the end of the status to the codes.
    to_codes: Vec<u8>,
    /// From the end of the codes to the id of the patient.
    to_patient: Vec<u8>,
}

static PIECES: LazyLock<HashMap<Battery, Pieces>> =
    LazyLock::new(|| Battery::all().map(|battery| (battery, pieces(battery))).collect());

fn pieces(battery: Battery) -> Pieces {
    let row = battery.metric().row();
    Pieces {
        to_status: to_status(row, &[systems::CHECKUP_GROUP_PROFILE]),
        dead: to_status(row, &[]),
        to_codes: written(|out| {
            raw(out, b"\",\"category\":[{\"coding\":");
            list(out, &categories_of(battery.item()), |out, (system, code)| {
                coding(out, system, code, None);
            });
            raw(out, b"}],\"code\":{\"coding\":");
        }),
        to_patient: written(|out| {
            raw(out, b",\"text\":");
            string(out, battery.name());
            raw(out, b"},\"subject\":{\"reference\":\"Patient/");
        }),
    }
}

/// What the Observation of a battery can be found by.
#[must_use]
pub fn findable_battery(battery: Battery) -> Findable {
    Findable {
        codes: battery
            .possible_groups()
            .map(|group| (systems::CHECKUP_GROUP, Cow::Borrowed(group)))
            .collect(),
        categories: categories_of(battery.item()),
        row: battery.metric(),
    }
}

/// Appends the Observation of a battery.
pub fn checkup_battery(out: &mut Vec<u8>, view: &BatteryView<'_>) {
    let Some(pieces) = PIECES.get(&view.battery) else {
        return;
    };
    head(out, "Observation", view.id, u64::from(view.version), view.updated);
    raw(out, if view.dead { &pieces.dead } else { &pieces.to_status });
    raw(out, if view.dead { "entered-in-error" } else { "final" });
    raw(out, &pieces.to_codes);
    let possible: Vec<&str> = view.battery.possible_groups().collect();
    // What is gone was of one or the other.
    let groups = if view.dead { &possible } else { view.groups };
    list(out, groups, |out, group| {
        coding(out, systems::CHECKUP_GROUP, group, None);
    });
    raw(out, &pieces.to_patient);
    escaped(out, view.patient);
    raw(out, b"\"}");
    if view.dead {
        out.push(b'}');
        return;
    }
    raw(out, b",\"effectiveDateTime\":\"");
    date(out, view.day);
    raw(out, b"\",\"issued\":\"");
    instant(out, view.updated);
    raw(out, b"\",\"hasMember\":");
    list(out, view.members, |out, (id, is_reason)| {
        raw(out, b"{\"extension\":[{\"url\":\"");
        raw(out, systems::CHECKUP_GROUP_RELATIONSHIP);
        raw(out, b"\",\"valueCode\":\"");
        raw(out, if *is_reason { "RSON" } else { "COMP" });
        raw(out, b"\"}],\"reference\":\"Observation/");
        escaped(out, id);
        raw(out, b"\"}");
    });
    out.push(b'}');
}
