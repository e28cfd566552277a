//! Fit's folder: points by stream, of which one tells the steps of a day or several tell them again, and sessions.

use std::collections::HashMap;
use std::io::Read;

use model::Outcome;
use serde_json::Value;

use super::elements::{self, Stopped};
use crate::SinkClosed;
use crate::google_fit::point::{self, Point, kind};
use crate::google_fit::session;
use crate::push::{Not, Push};

/// The id of the stream whose points a file holds; empty where its first bytes do not say.
pub fn stream(head: &[u8]) -> String {
    let word = b"\"Data Source\"";
    let value = memchr::memmem::find(head, word).and_then(|at| {
        let rest = head.get(at + word.len()..)?.trim_ascii_start().strip_prefix(b":")?;
        serde_json::Deserializer::from_slice(rest)
            .into_iter::<String>()
            .next()?
            .ok()
    });
    value.unwrap_or_default()
}

/// Of which of these streams the points count: of each type those of the stream that merges all sources, else of all that are as
/// they were measured, else of one of the others.
pub fn chosen(streams: &[&str]) -> Vec<bool> {
    /// Of a type: the best rank, and the first stream of it.
    type Best<'s> = HashMap<&'s str, (u8, &'s str)>;
    let mut best: Best<'_> = HashMap::new();
    for stream in streams {
        let (of, rank) = (type_of(stream), rank(stream));
        let before = best.entry(of).or_insert((rank, stream));
        if (rank, *stream) < *before {
            *before = (rank, stream);
        }
    }
    let is_chosen = |stream: &&str| {
        let (rank_of_best, first) = best.get(type_of(stream)).copied().unwrap_or((RAW, ""));
        rank(stream) == rank_of_best && (rank_of_best == RAW || *stream == first)
    };
    streams.iter().map(is_chosen).collect()
}

const RAW: u8 = 2;

fn type_of(stream: &str) -> &str {
    stream.split(':').nth(1).map_or("", kind)
}

fn rank(stream: &str) -> u8 {
    let name = stream.rsplit(':').next().unwrap_or_default();
    match stream.split(':').next() {
        Some("derived") if name.starts_with("merge") => 0,
        Some("derived") if name == "estimated_steps" => 1,
        Some("derived") => 3,
        _ => RAW,
    }
}

/// Reads the points of a file.
pub fn points(push: &mut Push<'_>, file: impl Read, stream: &str, is_chosen: bool) -> Result<(), Stopped> {
    let mut place = 0;
    elements::each(file, Some("Data Points"), |text| {
        place += 1;
        if !is_chosen {
            push.count(Outcome::Duplicate, "in-another-stream");
            return Ok(());
        }
        match one(push, text, stream) {
            Ok(()) => Ok(()),
            // Of a place nothing is kept.
            Err(not @ Not::Duplicate(_)) => push.end_text(not, "", place),
            Err(not) => push.end_text(not, text, place),
        }
    })
}

fn one(push: &mut Push<'_>, text: &str, stream: &str) -> Result<(), Not> {
    let point: Point<'_> = serde_json::from_str(text).map_err(|_| Not::Rejected("not-a-point"))?;
    let (samples, parked) = point::made(push, &point, stream)?;
    for sample in samples {
        push.sample(sample)?;
    }
    match parked {
        Some(parked) => push.take(parked),
        None => Ok(()),
    }
}

/// Reads a session.
pub fn session(push: &mut Push<'_>, file: impl Read) -> Result<(), SinkClosed> {
    /// The most bytes of a session.
    const MOST: u64 = 4 << 20;
    let mut text = String::new();
    let read = file.take(MOST).read_to_string(&mut text);
    let session: Option<Value> = read.ok().and_then(|_| serde_json::from_str(&text).ok());
    let made = match session {
        Some(session) => session::of_archive(push, &session),
        None => Err(Not::Rejected("not-json")),
    };
    match made {
        Ok(sample) => push.sample(sample),
        Err(not) => push.end_text(not, &text, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_that_merges_counts_else_all_that_were_measured() {
        let merged = "derived:com.google.step_count.delta:com.google.android.gms:merge_step_deltas";
        let estimated = "derived:com.google.step_count.delta:com.google.android.gms:estimated_steps";
        let raw = "raw:com.google.step_count.delta:com.google.android.gms:Maker:Phone:1:steps";
        let other = "raw:com.google.step_count.delta:com.example.app:";
        let weight = "raw:com.google.weight:com.google.android.apps.fitness:user_input";
        assert_eq!(chosen(&[raw, merged, estimated, weight]), [false, true, false, true]);
        assert_eq!(chosen(&[raw, estimated]), [false, true]);
        assert_eq!(chosen(&[raw, other]), [true, true]);
        let rest = "derived:com.google.heart_rate.bpm:com.google.android.gms:resting_heart_rate<-merge_heart_rate_bpm";
        assert_eq!(chosen(&[rest]), [true]);
    }

    #[test]
    fn a_stream_is_named_in_the_first_bytes() {
        assert_eq!(stream(b"{\n  \"Data Source\" : \"raw:a:b\",\n"), "raw:a:b");
        assert_eq!(stream(b"{\"Data Points\":["), "");
    }
}
