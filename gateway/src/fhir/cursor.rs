//! Page links: where the next page begins, sealed.
//!
//! A link holds the search itself and a place in its order, so that a follow-up cannot be of another search; and nothing of
//! either can be read or changed, nor used by another app or for another person. Consent is decided anew on each page.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::environment::Randomness;
use model::{PersonId, UtcMillis};
use store::PageKey;

/// How long a link works: an app may sleep for some hours between two pages.
const LIFETIME_MS: i64 = 24 * 3_600_000;
/// Layout of what is sealed.
const LAYOUT: u8 = 1;
/// Layout, end of life, whether there is a place.
const HEAD: usize = 1 + 8 + 1;

/// What a page link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The place after which the page begins; `None`: at the start of the search.
    pub after: Option<PageKey>,
    /// The search, as the query string that was used.
    pub query: String,
}

/// Why a page link is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It was changed, cut, or made for another app, another person or another gateway.
    #[error("this is not a page link that this app was given for this patient: start the search again")]
    NotOurs,
    /// It is too old.
    #[error("this page link has expired: start the search again")]
    Expired,
}

/// Seals and opens the page links of one app about one person.
pub struct Sealer {
    key: LessSafeKey,
    bound_to: Vec<u8>,
}

impl Sealer {
    /// With the server's key for cursors, for one client and person.
    #[expect(clippy::expect_used, reason = "AES-256 takes 32 bytes")]
    pub fn new(key: &[u8; 32], client: &str, person: PersonId) -> Self {
        let mut bound_to = b"sekisho page link\0".to_vec();
        bound_to.extend_from_slice(&person.0.to_be_bytes());
        bound_to.extend_from_slice(client.as_bytes());
        Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a 32-byte key")),
            bound_to,
        }
    }

    /// A page link, as a value for a URL.
    #[expect(clippy::expect_used, reason = "AES-GCM seals anything below 64 GB")]
    pub fn seal(&self, cursor: &Cursor, now: UtcMillis, randomness: &dyn Randomness) -> String {
        let mut nonce = [0; NONCE_LEN];
        randomness.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(NONCE_LEN + HEAD + PageKey::LENGTH + cursor.query.len() + 16);
        sealed.push(LAYOUT);
        sealed.extend_from_slice(&now.plus(LIFETIME_MS).0.to_be_bytes());
        sealed.push(u8::from(cursor.after.is_some()));
        sealed.extend_from_slice(&cursor.after.map_or([0; PageKey::LENGTH], PageKey::to_bytes));
        sealed.extend_from_slice(cursor.query.as_bytes());
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&self.bound_to),
                &mut sealed,
            )
            .expect("a short text");
        let mut link = nonce.to_vec();
        link.append(&mut sealed);
        URL_SAFE_NO_PAD.encode(link)
    }

    /// What a page link says.
    ///
    /// # Errors
    /// [`CursorError`] for any text that [`Sealer::seal`] of the same app and person did not make within its lifetime.
    pub fn open(&self, link: &str, now: UtcMillis) -> Result<Cursor, CursorError> {
        let mut link = URL_SAFE_NO_PAD.decode(link).map_err(|_| CursorError::NotOurs)?;
        let (nonce, sealed) = link.split_at_mut_checked(NONCE_LEN).ok_or(CursorError::NotOurs)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CursorError::NotOurs)?;
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(&self.bound_to), sealed)
            .map_err(|_| CursorError::NotOurs)?;
        let (expires, cursor) = read(plain).ok_or(CursorError::NotOurs)?;
        if expires <= now {
            Err(CursorError::Expired)
        } else {
            Ok(cursor)
        }
    }
}

fn read(plain: &[u8]) -> Option<(UtcMillis, Cursor)> {
    let (head, rest) = plain.split_at_checked(HEAD)?;
    let (key, query) = rest.split_at_checked(PageKey::LENGTH)?;
    if head[0] != LAYOUT {
        return None;
    }
    let after = match head[9] {
        0 => None,
        1 => Some(PageKey::from_bytes(key)?),
        _ => return None,
    };
    let expires = UtcMillis(i64::from_be_bytes(head[1..9].try_into().ok()?));
    let query = String::from_utf8(query.to_vec()).ok()?;
    Some((expires, Cursor { after, query }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::environment::SeededRandomness;
    use proptest::prelude::*;

    const NOW: UtcMillis = UtcMillis(1_795_000_000_000);

    fn sealer(client: &str, person: u32) -> Sealer {
        Sealer::new(&[7; 32], client, PersonId(person))
    }

    fn cursor(key: [u8; PageKey::LENGTH], query: &str) -> Cursor {
        Cursor {
            after: PageKey::from_bytes(&key),
            query: query.to_owned(),
        }
    }

    fn link(cursor: &Cursor) -> String {
        sealer("app", 1).seal(cursor, NOW, &SeededRandomness::new(1))
    }

    #[test]
    fn a_link_works_for_its_app_and_person_only_and_not_for_ever() {
        let place = cursor([5; PageKey::LENGTH], "code=8867-4");
        let link = link(&place);
        assert_eq!(sealer("app", 1).open(&link, NOW), Ok(place));
        assert_eq!(sealer("app", 2).open(&link, NOW), Err(CursorError::NotOurs));
        assert_eq!(sealer("bpp", 1).open(&link, NOW), Err(CursorError::NotOurs));
        assert_eq!(
            Sealer::new(&[8; 32], "app", PersonId(1)).open(&link, NOW),
            Err(CursorError::NotOurs)
        );
        assert_eq!(
            sealer("app", 1).open(&link, NOW.plus(LIFETIME_MS)),
            Err(CursorError::Expired)
        );
    }

    #[test]
    fn a_link_shows_nothing_of_the_search() {
        let link = link(&cursor([5; PageKey::LENGTH], "code=8867-4"));
        let bytes = URL_SAFE_NO_PAD.decode(&link).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"8867-4"));
    }

    proptest! {
        #[test]
        fn what_is_sealed_reads_back(key: [u8; PageKey::LENGTH], query in ".{0,80}", at_start: bool) {
            let place = Cursor { after: PageKey::from_bytes(&key).filter(|_| !at_start), query };
            prop_assert_eq!(sealer("app", 1).open(&link(&place), NOW), Ok(place));
        }

        #[test]
        fn any_changed_byte_is_refused(key: [u8; PageKey::LENGTH], at: prop::sample::Index, change in 1u8..) {
            let link = link(&cursor(key, "code=8867-4&date=ge2026-05-10"));
            let mut bytes = URL_SAFE_NO_PAD.decode(&link).unwrap();
            let place = at.index(bytes.len());
            bytes[place] ^= change;
            prop_assert_eq!(sealer("app", 1).open(&URL_SAFE_NO_PAD.encode(bytes), NOW), Err(CursorError::NotOurs));
        }

        #[test]
        fn a_cut_link_is_refused(key: [u8; PageKey::LENGTH], length: prop::sample::Index) {
            let link = link(&cursor(key, "code=8867-4"));
            prop_assert!(sealer("app", 1).open(&link[..length.index(link.len())], NOW).is_err());
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}", bytes: Vec<u8>) {
            prop_assert!(sealer("app", 1).open(&text, NOW).is_err());
            prop_assert!(sealer("app", 1).open(&URL_SAFE_NO_PAD.encode(&bytes), NOW).is_err());
            let _ = read(&bytes);
        }
    }
}
