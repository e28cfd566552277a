//! The consents of one person at one version, compiled once so that decisions and records cost nanoseconds. Shared as an
//! `Arc` and never changed: another version is another value.

use model::{ConsentCategory, PersonId};

use crate::grant::{Detail, MAX_GRANTS, Sources};
use crate::ids::{ConsentId, ConsentsVersion};
use crate::record::{Consent, ConsentState};

/// A bit for each category, addressed by its number.
const CATEGORY_SLOTS: usize = 16;

/// What one consent comes to, made once.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    /// For each category number, which grants are about it.
    of_category: [u64; CATEGORY_SLOTS],
    /// For each detail, in the order of [`Detail::ALL`], which grants include it.
    of_detail: [u64; Detail::ALL.len()],
    /// Which grants are about all sources.
    pub(crate) all_sources: u64,
    /// Another active consent has the same recipient and purpose, or the same id: the store broke its promise.
    pub(crate) conflict: bool,
}

impl Compiled {
    fn of(consent: &Consent) -> Self {
        let mut compiled = Self {
            of_category: [0; CATEGORY_SLOTS],
            of_detail: [0; Detail::ALL.len()],
            all_sources: 0,
            conflict: false,
        };
        for (number, grant) in consent.grants.iter().enumerate().take(MAX_GRANTS) {
            let bit = 1 << number;
            compiled.of_category[grant.category as usize % CATEGORY_SLOTS] |= bit;
            for (place, asked) in Detail::ALL.into_iter().enumerate() {
                if grant.detail.includes(asked) {
                    compiled.of_detail[place] |= bit;
                }
            }
            if grant.sources == Sources::All {
                compiled.all_sources |= bit;
            }
        }
        compiled
    }

    /// Which grants give this category at this detail, whatever the source, day and time.
    pub(crate) fn giving(&self, category: ConsentCategory, detail: Detail) -> u64 {
        let place = match detail {
            Detail::Raw => 0,
            Detail::Daily => 1,
            Detail::Weekly => 2,
            Detail::Monthly => 3,
            Detail::Event => 4,
        };
        let fine_enough = self.of_detail[place];
        self.of_category[category as usize % CATEGORY_SLOTS] & fine_enough
    }
}

/// A person's consents at one version. The active ones suffice; others may be among them and give nothing.
#[derive(Clone, Debug)]
pub struct PersonConsents {
    person: PersonId,
    version: ConsentsVersion,
    consents: Vec<Consent>,
    compiled: Vec<Compiled>,
    /// For each id, where its latest version lies; ascending.
    by_id: Vec<(ConsentId, usize)>,
}

impl PersonConsents {
    /// Compiles the consents that the store holds for `person` at `version`. Consents of other people are left out.
    pub fn new(person: PersonId, version: ConsentsVersion, mut consents: Vec<Consent>) -> Self {
        consents.retain(|consent| consent.person == person);
        let mut compiled: Vec<Compiled> = consents.iter().map(Compiled::of).collect();
        for position in conflicts(&consents) {
            compiled[position].conflict = true;
        }
        let mut by_id: Vec<(ConsentId, usize)> = (0..consents.len())
            .map(|position| (consents[position].id, position))
            .collect();
        by_id.sort_by_key(|&(id, position)| {
            let consent = &consents[position];
            // Of two that claim to be the latest, the one that gives nothing comes first.
            let gives = consent.state == ConsentState::Active;
            (id, std::cmp::Reverse(consent.version), gives, position)
        });
        by_id.dedup_by_key(|(id, _)| *id);
        Self {
            person,
            version,
            consents,
            compiled,
            by_id,
        }
    }

    /// Whose they are.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// The version they were read at.
    pub fn version(&self) -> ConsentsVersion {
        self.version
    }

    /// All of them, in the order they were given in.
    pub fn consents(&self) -> &[Consent] {
        &self.consents
    }

    /// The latest version of the consent with this id.
    pub fn consent(&self, id: ConsentId) -> Option<&Consent> {
        self.position(id).map(|position| &self.consents[position])
    }

    pub(crate) fn position(&self, id: ConsentId) -> Option<usize> {
        let found = self.by_id.binary_search_by_key(&id, |&(id, _)| id).ok()?;
        Some(self.by_id[found].1)
    }

    pub(crate) fn at(&self, position: usize) -> (&Consent, &Compiled) {
        (&self.consents[position], &self.compiled[position])
    }
}

/// Where consents lie that stand beside an active one although at most one may be: of the same id, or both active and of
/// the same recipient and purpose.
fn conflicts(consents: &[Consent]) -> Vec<usize> {
    let is_active = |consent: &Consent| consent.state == ConsentState::Active;
    let active: Vec<usize> = (0..consents.len())
        .filter(|&position| is_active(&consents[position]))
        .collect();
    let clashes = |position: usize| {
        let consent = &consents[position];
        active.iter().any(|&other_position| {
            let other = &consents[other_position];
            let same_place = other.recipient == consent.recipient && other.purpose == consent.purpose;
            other_position != position && (other.id == consent.id || (same_place && is_active(consent)))
        })
    };
    (0..consents.len()).filter(|&position| clashes(position)).collect()
}
