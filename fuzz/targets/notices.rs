//! What comes to the address for notices: the first line is the key set, the second the signature, the rest the body.
#![no_main]

use adapters::cloud::Call;
use model::UtcMillis;

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
        let _ = cloud.hear(&Call {
            header: &header,
            path: Some("secret"),
            verify: None,
            body,
            secret: "secret",
            client_secret: Some("secret"),
            keys,
            now: UtcMillis(1_778_400_000_000),
        });
    }
});
