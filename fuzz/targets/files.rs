//! Files that residents bring: whatever they hold, each adapter that knows them gives an answer that adds up.
#![no_main]

mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for adapter in adapters::files() {
        common::reads(adapter, bytes);
    }
});
