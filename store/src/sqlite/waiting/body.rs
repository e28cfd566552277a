//! What is kept of a document that waits: what it tells, whom it may be of, and itself.

use model::checkup::Checkup;
use serde::{Deserialize, Serialize};

use crate::checkup::{PackedCheckup, parted, write_part};
use crate::packages::LeftOut;
use crate::packing::{Packed, packed, unpacked};
use crate::{Result, StoreError};

/// What waits, sealed with the organisation's key.
pub(crate) struct Body {
    pub(crate) told: PackedCheckup,
    pub(crate) about: About,
    pub(crate) original: Packed,
}

/// What else there is to say of a document that waits, and of whom it may be.
#[derive(Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) candidates: Vec<(u32, String)>,
    #[serde(default = "first_mapping")]
    pub(crate) mapping_version: u32,
}

/// Of what waited before it was said by which mapping it was read.
const fn first_mapping() -> u32 {
    1
}

/// As they stood before: together.
#[derive(Deserialize)]
struct Together {
    checkup: Checkup,
    #[serde(flatten)]
    about: About,
}

/// The first byte of what waits: what it tells, what there is to say of it, and the document, each compressed by itself.
const APART: u8 = 2;
/// As it was before: the first two together. Before that, all of it was compressed as one, and began as zstd does.
const IN_TWO: u8 = 1;

impl Body {
    /// Each behind its length, but for the document.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let about = serde_json::to_vec(&self.about).map_err(|_| StoreError::damaged("what waits"))?;
        let mut bytes = vec![APART];
        write_part(&mut bytes, self.told.bytes());
        write_part(&mut bytes, &packed(&about)?);
        bytes.extend_from_slice(self.original.bytes());
        Ok(bytes)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |_| StoreError::damaged("what waits");
        if let Some(apart) = bytes.strip_prefix(&[APART]) {
            let (told, rest) = parted(apart)?;
            let (about, original) = parted(rest)?;
            return Ok(Self {
                told: PackedCheckup::known(told)?,
                about: serde_json::from_slice(&unpacked(about)?).map_err(damaged)?,
                original: Packed::known(original),
            });
        }
        let (together, original) = match bytes.strip_prefix(&[IN_TWO]) {
            Some(in_two) => {
                let (together, original) = parted(in_two)?;
                (unpacked(together)?, Packed::known(original))
            }
            None => {
                let whole = unpacked(bytes)?;
                let (together, original) = parted(&whole)?;
                (together.to_vec(), Packed::of(original)?)
            }
        };
        let Together { checkup, about } = serde_json::from_slice(&together).map_err(damaged)?;
        Ok(Self {
            told: PackedCheckup::of(checkup)?,
            about,
            original,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_reads_back_also_as_it_was_written_before() -> Result<()> {
        let checkup = Checkup::declared(
            model::Metric::CHECKUP_SPECIFIC,
            model::LocalDay(20_000),
            model::LocalDay(20_001),
            Vec::new(),
        );
        let original = "<ClinicalDocument>健診</ClinicalDocument>".as_bytes();
        let told = serde_json::to_string(&checkup).expect("it is plain data");
        let together = format!("{{\"checkup\":{told},\"left_out\":[],\"candidates\":[[7,\"why\"]]}}").into_bytes();
        let mut in_two = vec![IN_TWO];
        write_part(&mut in_two, &packed(&together)?);
        in_two.extend_from_slice(Packed::of(original)?.bytes());
        let mut as_one = Vec::new();
        write_part(&mut as_one, &together);
        as_one.extend_from_slice(original);
        let now = Body {
            told: PackedCheckup::of(checkup.clone())?,
            about: About {
                left_out: Vec::new(),
                candidates: vec![(7, "why".to_owned())],
                mapping_version: 1,
            },
            original: Packed::of(original)?,
        };
        for bytes in [now.to_bytes()?, in_two, packed(&as_one)?] {
            let read = Body::from_bytes(&bytes)?;
            assert_eq!(read.told.checkup(), &checkup);
            assert_eq!(read.about.candidates, now.about.candidates);
            assert_eq!(read.about.mapping_version, 1);
            assert_eq!(unpacked(read.original.bytes())?, original);
        }
        for damaged in [
            &b""[..],
            &[APART],
            &[APART, 9, 0, 0, 0, 1],
            &[IN_TWO],
            b"zstd it is not",
        ] {
            assert!(Body::from_bytes(damaged).is_err());
        }
        Ok(())
    }
}
