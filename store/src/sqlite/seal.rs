//! Sealing: AES-256-GCM over whatever a row keeps of a person or an organisation.
//!
//! A sealed text is one byte of key version, a random nonce of 12 bytes, the ciphertext and a tag of 16. The associated data
//! names table, row and key version, so that a row copied to another place does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use model::environment::Randomness;
use zeroize::Zeroizing;

use crate::StoreError;

/// Bytes that sealing adds: version, nonce and tag.
#[cfg(test)]
pub(crate) const SEAL_OVERHEAD: usize = 1 + NONCE_LEN + 16;

/// Raw key bytes, wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; 32]>;

/// Fresh key bytes.
pub(crate) fn new_key(randomness: &dyn Randomness) -> KeyBytes {
    let mut bytes = Zeroizing::new([0; 32]);
    randomness.fill(bytes.as_mut());
    bytes
}

/// A key ready for sealing, with its version.
pub(crate) struct SealKey {
    key: LessSafeKey,
    version: u8,
}

impl SealKey {
    /// The key made of these bytes.
    pub(crate) fn new(bytes: &[u8; 32], version: u8) -> Result<Self, StoreError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| StoreError::damaged("a key of the wrong length"))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            version,
        })
    }

    /// Seals `plain` for one row of one table. `row` is whatever names the row within its table.
    pub(crate) fn seal(
        &self,
        randomness: &dyn Randomness,
        table: &str,
        row: &[i64],
        plain: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        randomness.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plain.len() + 16);
        sealed.push(self.version);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(table, row, self.version)),
                &mut sealed[1 + NONCE_LEN..],
            )
            .map_err(|_| StoreError::damaged("a text too long to seal"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`SealKey::seal`] made for the same row.
    pub(crate) fn open(&self, table: &str, row: &[i64], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let damaged = || StoreError::damaged(format!("a sealed text in {table}, row {row:?}"));
        let (version, rest) = sealed.split_first().ok_or_else(damaged)?;
        if *version != self.version || rest.len() < NONCE_LEN {
            return Err(damaged());
        }
        let (nonce, text) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut text = text.to_vec();
        let length = self
            .key
            .open_in_place(nonce, Aad::from(associated(table, row, *version)), &mut text)
            .map_err(|_| damaged())?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn associated(table: &str, row: &[i64], version: u8) -> Vec<u8> {
    let mut data = Vec::with_capacity(table.len() + 2 + row.len() * 8);
    data.extend_from_slice(table.as_bytes());
    data.push(0);
    data.push(version);
    for part in row {
        data.extend_from_slice(&part.to_le_bytes());
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::environment::SeededRandomness;

    #[test]
    fn what_is_sealed_opens_in_its_own_row_only() -> Result<(), StoreError> {
        let randomness = SeededRandomness::new(1);
        let key = SealKey::new(&new_key(&randomness), 1)?;
        let sealed = key.seal(&randomness, "person", &[7], b"text")?;
        assert_eq!(sealed.len(), 4 + SEAL_OVERHEAD);
        assert_eq!(key.open("person", &[7], &sealed)?, b"text");
        assert!(key.open("person", &[8], &sealed).is_err());
        assert!(key.open("source", &[7], &sealed).is_err());
        let mut broken = sealed.clone();
        broken[20] ^= 1;
        assert!(key.open("person", &[7], &broken).is_err());
        let other = SealKey::new(&new_key(&randomness), 1)?;
        assert!(other.open("person", &[7], &sealed).is_err());
        Ok(())
    }
}
