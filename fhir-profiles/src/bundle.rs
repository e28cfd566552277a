//! A search page as a Bundle, in pieces that can be streamed: a head with its links, entries, an end.
//!
//! No total: counting all would cost more than the page. A page without entries has no `entry` at all, since an empty array
//! is not FHIR JSON.

use model::UtcMillis;

use crate::json::{escaped, raw, string, whole};
use crate::outcome::{Issue, operation_outcome};
use crate::time::instant;

/// A Bundle of type `searchset` that is being written.
#[derive(Debug)]
#[must_use = "a bundle must be ended"]
pub struct SearchBundle {
    any: bool,
}

impl SearchBundle {
    /// Appends the head. `self_url` names the parameters really used; `next_url` is given unless this is the last page.
    pub fn begin(out: &mut Vec<u8>, self_url: &str, next_url: Option<&str>) -> Self {
        Self::begin_as_of(out, None, self_url, next_url)
    }

    /// As [`SearchBundle::begin`], with `meta.lastUpdated`: the last change that the page can know of, from which a poller
    /// continues.
    pub fn begin_as_of(out: &mut Vec<u8>, as_of: Option<UtcMillis>, self_url: &str, next_url: Option<&str>) -> Self {
        raw(out, b"{\"resourceType\":\"Bundle\",");
        if let Some(as_of) = as_of {
            raw(out, b"\"meta\":{\"lastUpdated\":\"");
            instant(out, as_of);
            raw(out, b"\"},");
        }
        raw(out, b"\"type\":\"searchset\",\"link\":[");
        link(out, "self", self_url);
        if let Some(next) = next_url {
            out.push(b',');
            link(out, "next", next);
        }
        out.push(b']');
        Self { any: false }
    }

    /// Appends how many matches there are on all pages; right after the head.
    pub fn total(&mut self, out: &mut Vec<u8>, total: u64) {
        raw(out, b",\"total\":");
        whole(out, total);
    }

    /// Appends a match: `base` is the FHIR base without a slash at its end, `id` that of the resource that `render` appends.
    #[inline]
    pub fn matched(
        &mut self,
        out: &mut Vec<u8>,
        base: &str,
        resource_type: &str,
        id: &str,
        render: impl FnOnce(&mut Vec<u8>),
    ) {
        self.entry(out, base, resource_type, id, render);
        raw(out, b",\"search\":{\"mode\":\"match\"}}");
    }

    /// As [`SearchBundle::matched`], of what was asked for beside the matches.
    pub fn included(
        &mut self,
        out: &mut Vec<u8>,
        base: &str,
        resource_type: &str,
        id: &str,
        render: impl FnOnce(&mut Vec<u8>),
    ) {
        self.entry(out, base, resource_type, id, render);
        raw(out, b",\"search\":{\"mode\":\"include\"}}");
    }

    #[inline]
    fn entry(
        &mut self,
        out: &mut Vec<u8>,
        base: &str,
        resource_type: &str,
        id: &str,
        render: impl FnOnce(&mut Vec<u8>),
    ) {
        self.separate(out);
        raw(out, b"{\"fullUrl\":\"");
        escaped(out, base);
        out.push(b'/');
        raw(out, resource_type);
        out.push(b'/');
        escaped(out, id);
        raw(out, b"\",\"resource\":");
        render(out);
    }

    /// Appends an OperationOutcome that tells of the search itself. Never with an error: the search worked.
    pub fn outcome(&mut self, out: &mut Vec<u8>, issues: &[Issue<'_>]) {
        self.separate(out);
        raw(out, b"{\"resource\":");
        operation_outcome(out, issues);
        raw(out, b",\"search\":{\"mode\":\"outcome\"}}");
    }

    /// Appends the end.
    pub fn end(self, out: &mut Vec<u8>) {
        raw(out, if self.any { &b"]}"[..] } else { &b"}"[..] });
    }

    #[inline]
    fn separate(&mut self, out: &mut Vec<u8>) {
        raw(out, if self.any { &b","[..] } else { &b",\"entry\":["[..] });
        self.any = true;
    }
}

fn link(out: &mut Vec<u8>, relation: &str, url: &str) {
    raw(out, b"{\"relation\":\"");
    raw(out, relation);
    raw(out, b"\",\"url\":");
    string(out, url);
    out.push(b'}');
}
