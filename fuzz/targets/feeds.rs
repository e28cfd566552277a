//! What feeds of many people answer and lay down: taken apart by whose it is, and each part read.
#![no_main]

mod common;

use model::UtcMillis;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let obtained = UtcMillis(1_778_544_000_000);
    for feed in adapters::feeds() {
        common::reads(*feed, bytes);
        let _ = feed.token(bytes);
        let page = feed.page(bytes, obtained).map(|page| page.parts);
        for part in page.into_iter().chain(feed.file(bytes, obtained)).flatten() {
            assert!((1..=256).contains(&part.account.len()));
            common::reads(*feed, &part.text);
        }
    }
});
