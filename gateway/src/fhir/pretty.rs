//! `_pretty=true` (R-008): the same bytes with line breaks and indents between them, so that every number stays as it was written.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use super::urls;

/// Bytes of an answer that is indented at most; a longer one comes as it is.
const MOST_BYTES: u64 = 16 << 20;

/// Indents an answer in JSON where the address asks for it.
pub async fn layer(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let asked = query.contains("_pretty")
        && urls::decode(query)
            .iter()
            .any(|(name, value)| name == "_pretty" && value == "true");
    let response = next.run(request).await;
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.contains("json"));
    let length = response.body().size_hint().upper();
    if !asked || !is_json || length.is_none_or(|length| length == 0 || length > MOST_BYTES) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(indented(&bytes)))
}

/// JSON, two spaces a level.
fn indented(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + depth * 2, b' ');
    };
    let mut bytes = json.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {}
            b'"' => {
                in_string = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                if let Some(end) = bytes.next_if(|next| matches!(next, b'}' | b']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn only_what_lies_between_the_tokens_changes() {
        let json = br#"{"a":[1.50,{"b":"x, \"y\": {z} \\"}],"c":{},"d":[]}"#;
        let expected = "{\n  \"a\": [\n    1.50,\n    {\n      \"b\": \"x, \\\"y\\\": {z} \\\\\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}";
        assert_eq!(String::from_utf8(indented(json)).unwrap(), expected);
        assert_eq!(indented(expected.as_bytes()), expected.as_bytes());
    }
}
