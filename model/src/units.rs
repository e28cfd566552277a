//! Exact conversion between units.
