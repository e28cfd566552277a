//! What clouds answer: as a page, and laid into a text.
#![no_main]

mod common;

use adapters::cloud::Ask;
use adapters::pull::{Answered, text};
use model::UtcMillis;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for cloud in adapters::clouds() {
        common::reads(*cloud, bytes);
        let _ = cloud.need(400, bytes);
        if cloud.next_page(bytes).is_err() {
            continue;
        }
        for series in cloud.series() {
            let ask = Ask {
                series: series.name,
                start: UtcMillis(1_778_284_800_000),
                end: UtcMillis(1_778_371_200_000),
            };
            let answered = Answered {
                ask,
                pages: vec![bytes.to_vec()],
            };
            if let Some(text) = text(cloud.name(), "a", UtcMillis(1_778_400_000_000), &[answered]) {
                common::reads(*cloud, &text);
            }
        }
    }
});
