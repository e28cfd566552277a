//! What phones push.
#![no_main]

mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = adapters::push_batch(bytes);
    for adapter in adapters::pushing() {
        common::reads(adapter, bytes);
    }
});
