//! The floor of the house: samples, metrics, identities, units and time.
//!
//! Nothing here reads a file, opens a socket or asks for the time. A vendor's name never appears; the codes of FHIR,
//! LOINC, UCUM and JLAC10 appear only in [`vocabulary`].

pub mod accounting;
pub mod category;
pub mod checkup;
pub mod decimal;
pub mod delegation;
pub mod environment;
pub mod identified;
pub mod ids;
pub mod link;
pub mod municipality;
pub mod sample;
pub mod source;
mod summary;
pub mod time;
pub mod units;
pub mod vocabulary;

pub use accounting::{Accounting, Outcome};
pub use category::ConsentCategory;
pub use decimal::{Decimal, Measured};
pub use delegation::{Broken, DelegationEvent, DelegationState, Denial};
pub use identified::{Identified, Word};
pub use ids::{BatchId, OrganisationId, PersonId, RecipientId, RecordKey, RecordKind};
pub use link::{LinkEvent, LinkState, Need};
pub use municipality::{Municipality, NotAMunicipality, Residence};
pub use sample::{Flags, Sample, Value};
pub use source::{Source, SourceKind};
pub use summary::Summary;
pub use time::{LocalDay, Offset, OffsetTrust, UtcMillis};
pub use vocabulary::Metric;
