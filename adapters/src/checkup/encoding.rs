//! Encodings: UTF-8; Shift_JIS, which Japanese systems wrote before it; and UTF-16, which a spreadsheet's "Unicode text" is.

use std::borrow::Cow;
use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, SHIFT_JIS, UTF_8};

use super::damaged;
use crate::AdapterError;

/// Bytes that are decoded at once.
const AT_ONCE: usize = 8 << 10;

/// UTF-16, where its mark says so.
fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let (encoding, _) = Encoding::for_bom(bytes)?;
    (encoding != UTF_8).then_some(encoding)
}

/// A document's text.
///
/// # Errors
/// [`AdapterError::Damaged`] where it is in none of them.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, AdapterError> {
    if let Some(encoding) = utf16(bytes) {
        let (text, had_errors) = encoding.decode_with_bom_removal(bytes);
        return match had_errors {
            true => Err(damaged("it begins as UTF-16 and goes on as something else")),
            false => Ok(text),
        };
    }
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    let (text, _, had_errors) = SHIFT_JIS.decode(bytes);
    match had_errors {
        true => Err(damaged("it is neither UTF-8 nor Shift_JIS")),
        false => Ok(text),
    }
}

/// Bytes as they are, or those of UTF-16 as UTF-8: what a file is says what stands in it.
pub(super) fn without_utf16(bytes: &[u8]) -> Cow<'_, [u8]> {
    match utf16(bytes) {
        Some(encoding) => {
            let (text, _) = encoding.decode_with_bom_removal(bytes);
            Cow::Owned(text.into_owned().into_bytes())
        }
        None => Cow::Borrowed(bytes),
    }
}

/// The beginning of a text; a character that is cut at its end is no matter.
pub(super) fn beginning(head: &[u8]) -> Option<Cow<'_, str>> {
    let text = match (utf16(head), std::str::from_utf8(head)) {
        (Some(encoding), _) => encoding.decode_with_bom_removal(&head[..head.len() & !1]).0,
        (None, Ok(text)) => Cow::Borrowed(text),
        (None, Err(error)) if error.error_len().is_none() => String::from_utf8_lossy(&head[..error.valid_up_to()]),
        (None, Err(_)) => SHIFT_JIS.decode_without_bom_handling(head).0,
    };
    (!text.contains('\0')).then_some(text)
}

/// What a reader gives, as it comes; UTF-16 as UTF-8, a part after the other.
pub(super) struct WithoutUtf16<R> {
    inner: R,
    decoder: Option<Decoder>,
    ready: Vec<u8>,
    given: usize,
}

impl<R: Read> WithoutUtf16<R> {
    /// Of a reader whose bytes begin so.
    pub(super) fn new(inner: R, head: &[u8]) -> Self {
        Self {
            inner,
            decoder: utf16(head).map(Encoding::new_decoder_with_bom_removal),
            ready: Vec::new(),
            given: 0,
        }
    }
}

impl<R: Read> Read for WithoutUtf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else {
            return self.inner.read(buffer);
        };
        while self.given == self.ready.len() {
            let mut raw = [0; AT_ONCE];
            let read = self.inner.read(&mut raw)?;
            let most = decoder.max_utf8_buffer_length(read).unwrap_or(0);
            let mut text = String::with_capacity(most);
            // It has room for all of it.
            let (_, _, _) = decoder.decode_to_string(&raw[..read], &mut text, read == 0);
            (self.ready, self.given) = (text.into_bytes(), 0);
            if read == 0 {
                self.decoder = None;
                break;
            }
        }
        let rest = &self.ready[self.given..];
        let taken = rest.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&rest[..taken]);
        self.given += taken;
        Ok(taken)
    }
}
