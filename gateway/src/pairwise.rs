//! Outward ids: one AES block under a key of the recipient, in base32.
//!
//! The block names where the record lies, so an id is found without an index; it tells nobody anything; two recipients
//! never see the same one. The resident's own pages use the gateway's own key.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::hkdf;
use consent::ConsentId;
use data_encoding::{Encoding, Specification};
use model::{Metric, PersonId, RecipientId, RecordKey, RecordKind, UtcMillis};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use zeroize::Zeroizing;

/// Length of an id in characters: 16 bytes in base32 without padding.
pub const ID_LENGTH: usize = 26;

/// RFC 4648 section 6 in lower case, so that an id fits FHIR's `id` ([A-Za-z0-9\-.]{1,64}).
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    #[expect(clippy::expect_used, reason = "a fixed alphabet of 32 distinct characters is valid")]
    specification.encoding().expect("a valid alphabet")
});

/// Makes ids for one recipient and reads them back.
pub struct RecipientIds {
    encrypt: EncryptingKey,
    decrypt: DecryptingKey,
}

/// All recipients' keys, derived from the id root when first used.
pub struct Pairwise {
    root: hkdf::Prk,
    recipients: Mutex<HashMap<RecipientId, Arc<RecipientIds>>>,
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

impl Pairwise {
    /// Ids under this root, which never changes.
    pub fn new(root: &[u8; 32]) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"sekisho outward ids").extract(root);
        Self {
            root,
            recipients: Mutex::new(HashMap::new()),
        }
    }

    /// The id by which two recipients know that it is the same person: the same for both, and of use to nobody else.
    pub fn linking_id(&self, person: PersonId, one: RecipientId, other: RecipientId) -> String {
        let (first, second) = (one.min(other).0.to_be_bytes(), one.max(other).0.to_be_bytes());
        RecipientIds::derive(&self.root, &[b"linking", &first, &second]).patient(person)
    }

    /// The ids of one recipient; its web, iOS and backend clients share them.
    pub fn of(&self, recipient: RecipientId) -> Arc<RecipientIds> {
        let mut recipients = self
            .recipients
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(recipients.entry(recipient).or_insert_with(|| {
            let number = recipient.0.to_be_bytes();
            Arc::new(RecipientIds::derive(&self.root, &[b"recipient", &number]))
        }))
    }
}

impl RecipientIds {
    #[expect(
        clippy::expect_used,
        reason = "lengths are fixed: HKDF gives 32 bytes and AES-256 takes 32"
    )]
    fn derive(root: &hkdf::Prk, whose: &[&[u8]]) -> Self {
        let mut key = Zeroizing::new([0u8; 32]);
        root.expand(whose, Bytes32)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .expect("32 bytes are within HKDF's reach");
        let cipher = || UnboundCipherKey::new(&AES_256, key.as_slice()).expect("a 32-byte AES-256 key");
        // One block of 128 bits is a permutation of itself: no mode, no nonce, equal keys give equal ids, which is meant.
        Self {
            encrypt: EncryptingKey::ecb(cipher()).expect("AES-256 in one block"),
            decrypt: DecryptingKey::ecb(cipher()).expect("AES-256 in one block"),
        }
    }

    /// The id of a record.
    pub fn id(&self, key: RecordKey) -> String {
        let mut ids = Vec::with_capacity(ID_LENGTH);
        self.ids(std::slice::from_ref(&key), &mut ids);
        String::from_utf8(ids).unwrap_or_default()
    }

    /// The ids of many records, [`ID_LENGTH`] bytes each, appended to `out`: one call of the cipher for a page.
    pub fn ids(&self, keys: &[RecordKey], out: &mut Vec<u8>) {
        let mut blocks: Vec<u8> = Vec::with_capacity(keys.len() * 16);
        for key in keys {
            blocks.extend_from_slice(&key.to_block());
        }
        #[expect(clippy::expect_used, reason = "whole blocks are always accepted")]
        self.encrypt.encrypt(&mut blocks).expect("whole blocks");
        let from = out.len();
        out.resize(from + keys.len() * ID_LENGTH, 0);
        for (block, id) in blocks.chunks_exact(16).zip(out[from..].chunks_exact_mut(ID_LENGTH)) {
            BASE32.encode_mut(block, id);
        }
    }

    /// The id of the person's `Patient`, which is also `sub`.
    pub fn patient(&self, person: PersonId) -> String {
        self.id(patient_key(person))
    }

    /// The id of one of the person's devices.
    pub fn device(&self, person: PersonId, source: u16) -> String {
        self.id(device_key(person, source))
    }

    /// The id of one of the person's consents.
    pub fn consent(&self, person: PersonId, consent: ConsentId) -> String {
        self.id(consent_key(person, consent))
    }

    /// What an id names; `None` for anything this recipient was never given.
    pub fn read(&self, id: &str) -> Option<RecordKey> {
        if id.len() != ID_LENGTH {
            return None;
        }
        let mut block: [u8; 16] = BASE32.decode(id.as_bytes()).ok()?.try_into().ok()?;
        self.decrypt.decrypt(&mut block, DecryptionContext::None).ok()?;
        RecordKey::from_block(block)
    }
}

/// The key of a person's `Patient`.
pub fn patient_key(person: PersonId) -> RecordKey {
    RecordKey {
        person,
        kind: RecordKind::Patient,
        metric: Metric::NONE,
        source: 0,
        start: UtcMillis::EARLIEST,
        tie_break: 0,
    }
}

/// The key of a person's device.
pub fn device_key(person: PersonId, source: u16) -> RecordKey {
    RecordKey {
        kind: RecordKind::Device,
        source,
        ..patient_key(person)
    }
}

/// The key of a person's consent: 44 bits of its id in the start, 12 in the source, 8 in the tie-break.
pub fn consent_key(person: PersonId, consent: ConsentId) -> RecordKey {
    RecordKey {
        kind: RecordKind::Consent,
        start: UtcMillis::EARLIEST.plus((consent.0 >> 20) as i64),
        source: (consent.0 >> 8) as u16 & 0xfff,
        tie_break: consent.0 as u16 & 0xff,
        ..patient_key(person)
    }
}

/// The consent that a key names; `None` for the key of anything else.
pub fn consent_of(key: RecordKey) -> Option<ConsentId> {
    let start = (key.start.0 - UtcMillis::EARLIEST.0) as u64;
    let id = ConsentId((start << 20) | (u64::from(key.source) << 8) | u64::from(key.tie_break & 0xff));
    (consent_key(key.person, id) == key).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_key() -> impl Strategy<Value = RecordKey> {
        (any::<u32>(), 1u16..300, 0u16..4096, 0i64..9_000_000_000_000, 0u16..4096).prop_map(
            |(person, metric, source, start, tie_break)| RecordKey {
                person: PersonId(person),
                kind: RecordKind::Sample,
                metric: Metric::from_number(metric).unwrap(),
                source,
                start: UtcMillis(UtcMillis::EARLIEST.0 + start),
                tie_break,
            },
        )
    }

    proptest! {
        #[test]
        fn an_id_reads_back_for_its_recipient_and_nobody_else(key in any_key(), other in any::<u32>()) {
            let pairwise = Pairwise::new(&[7; 32]);
            let ids = pairwise.of(RecipientId(1));
            let id = ids.id(key);
            prop_assert_eq!(id.len(), ID_LENGTH);
            prop_assert_eq!(ids.read(&id), Some(key));
            if other != 1 {
                let others = pairwise.of(RecipientId(other));
                prop_assert_ne!(others.id(key), id.clone());
                prop_assert_ne!(others.read(&id), Some(key));
            }
        }

        #[test]
        fn a_consents_id_reads_back(person in any::<u32>(), number in any::<u64>()) {
            let ids = Pairwise::new(&[7; 32]).of(RecipientId(1));
            let (person, consent) = (PersonId(person), ConsentId(number));
            let read = ids.read(&ids.consent(person, consent)).unwrap();
            prop_assert_eq!((read.person, consent_of(read)), (person, Some(consent)));
            prop_assert_eq!(consent_of(patient_key(person)), None);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Pairwise::new(&[7; 32]).of(RecipientId(1)).read(&text);
        }
    }

    #[test]
    fn an_id_is_the_same_for_ever() {
        // Recipients keep ids for years: a change of this text is a break for every one of them.
        let id = Pairwise::new(&[7; 32]).of(RecipientId(1)).patient(PersonId(1));
        insta::assert_snapshot!(id);
    }
}
