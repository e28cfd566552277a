//! Samples, days, people and devices rendered to FHIR R4 JSON, straight from plain data to bytes.
//!
//! Every writer appends one resource to a buffer. Nothing is built before it is written: what never changes of a metric is
//! prepared once, the rest is copied beside it. All codes come from `model::vocabulary`; all ids are made by the caller for
//! the recipient. Whether someone may see a resource is not decided here.

mod audit;
mod battery;
mod bundle;
mod capability;
mod checkup;
mod checkup_document;
mod checkup_report;
mod codings;
mod daily;
mod definitions;
mod document_reference;
mod json;
mod marks;
mod member;
mod meta;
mod observation;
mod outcome;
mod person;
mod prepared;
mod provenance;
mod time;
mod view;

pub use audit::{AuditItem, AuditView, audit_event};
pub use battery::{checkup_battery, findable_battery};
pub use bundle::SearchBundle;
pub use capability::{CapabilityView, OFFERED, ResourceCapability, SearchParameter, UNFILLED, capability_statement};
pub use checkup::{checkup_result, findable_item};
pub use checkup_document::{CheckupDocumentView, checkup_document};
pub use checkup_report::{diagnostic_report, questionnaire_response, report_category, report_codes};
pub use codings::{Findable, findable_sample, findable_summary};
pub use daily::{aggregate, amount, daily_total, event};
pub use definitions::{DETAILS, Definition, IDENTITY_LINES, VERSION as DEFINITIONS_VERSION, definitions};
pub use document_reference::{DocumentView, binary, document_category, document_reference, document_type};
pub use observation::observation;
pub use outcome::{Issue, Severity, operation_outcome};
pub use person::{device, patient};
pub use provenance::provenance;
pub use time::instant_text;
pub use view::{
    Activity, AggregateView, BatteryView, CheckupView, DayStatus, DeviceView, EventView, Gender, ObservationView,
    Origin, PatientView, ProvenanceView, ReportView, TotalView,
};
