//! What comes to the address for notices: the first line is the key set, the second the signature, the rest the body. The body is also
//! read as if its signature were the vendor's: every window of it holds some time.
#![no_main]

use adapters::cloud::{Call, Heard};
use adapters::{fitbit, google_health};
use model::UtcMillis;

const NOW: UtcMillis = UtcMillis(1_778_400_000_000);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let (keys, signature, body) = (
        parts.next(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    for cloud in adapters::clouds() {
        let header = |name: &str| match name {
            "authorization" => Some("secret".to_owned()),
            _ => String::from_utf8(signature.to_vec()).ok(),
        };
        let _ = keys.map(|keys| cloud.are_keys(keys));
        let heard = cloud.hear(&Call {
            header: &header,
            path: Some("secret"),
            verify: None,
            body,
            secret: "secret",
            client_secret: Some("secret"),
            keys,
            now: NOW,
        });
        hold(heard.ok());
    }
    hold(google_health::heard(body, NOW).ok());
    hold(fitbit::heard(body).ok());
});

fn hold(heard: Option<Heard>) {
    let Some(Heard::Notices(notices)) = heard else { return };
    for (start, end) in notices.iter().filter_map(|notice| notice.window) {
        assert!(start < end, "{start:?} {end:?}");
    }
}
