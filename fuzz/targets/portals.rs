//! What portals of the state answer, and the files that they hand over.
#![no_main]

mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for portal in adapters::delegated() {
        let _ = portal.begun(bytes).map(|begun| assert!((1..=512).contains(&begun.session.len())));
        let _ = (portal.told(bytes), portal.identified(bytes), portal.sent_on(bytes));
        for file in portal.files(bytes).into_iter().flatten() {
            common::reads(portal.reads(), &file);
        }
    }
});
