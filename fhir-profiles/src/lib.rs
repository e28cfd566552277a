//! fhir-profiles
