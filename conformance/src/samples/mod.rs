//! At least one resource of every kind for every metric, always the same, rendered as the gateway renders them.

mod checkups;
mod observations;
mod others;

/// A rendered resource and what it is an example of.
pub struct SampleResource {
    /// What it shows, e.g. `heart_rate entered in error`.
    pub name: String,
    /// The resource as it leaves the gateway.
    pub json: Vec<u8>,
}

/// All of them: Observations by metric, days, people, devices, provenance, pages, outcomes, the capability statement.
pub fn all() -> Vec<SampleResource> {
    let mut samples = Vec::new();
    for metric in model::Metric::all() {
        observations::of(metric, &mut samples);
    }
    for item in model::checkup::Item::all() {
        checkups::of(item, &mut samples);
    }
    checkups::batteries(&mut samples);
    checkups::wholes(&mut samples);
    checkups::documents(&mut samples);
    checkups::bundle(&mut samples);
    others::all(&mut samples);
    samples
}

fn sample(name: impl Into<String>, write: impl FnOnce(&mut Vec<u8>)) -> SampleResource {
    let mut json = Vec::new();
    write(&mut json);
    SampleResource {
        name: name.into(),
        json,
    }
}
