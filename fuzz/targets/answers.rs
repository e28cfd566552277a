//! What clouds answer: as a page, and laid into a text.
#![no_main]

mod common;

use adapters::cloud::{Account, AccountFrom, Ask};
use adapters::pull::{Answered, Whose, text};
use model::UtcMillis;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for cloud in adapters::clouds() {
        common::reads(*cloud, bytes);
        let _ = (cloud.need(400, bytes), cloud.refused(bytes));
        let _ = match cloud.account_from() {
            AccountFrom::Request(_, read) => read(bytes),
            AccountFrom::IdToken => std::str::from_utf8(bytes).ok().and_then(Account::of_id_token),
        };
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
            for zone in [None, Some("America/New_York")] {
                let whose = Whose { account: "a", zone };
                let laid = text(
                    cloud.name(),
                    whose,
                    UtcMillis(1_778_400_000_000),
                    std::slice::from_ref(&answered),
                );
                if let Some(text) = laid {
                    common::reads(*cloud, &text);
                }
            }
        }
    }
});
