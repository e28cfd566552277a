//! Which of a vendor's streams a link is asked for: what each source has, or the one that the vendor merges of all.
//!
//! A window has one name in both, so what is asked again takes the place of what was there. After a change all is asked again: one
//! history of two streams would be neither.

use adapters::cloud::Series;
use model::UtcMillis;
use store::{Mark, Pass, Progress};

/// Has all that is merged, or is no more, be asked again where that was changed.
pub(super) fn keep_to(progress: &mut Progress, series: &[Series], is_merged: bool, now: UtcMillis) {
    if progress.is_merged == is_merged {
        return;
    }
    progress.is_merged = is_merged;
    for series in series.iter().filter(|series| series.merges) {
        let Some(mark) = progress.marks.get_mut(series.name) else {
            continue;
        };
        match mark.since {
            // What a link before this one brought stays as it is; what has come since is asked again from there on.
            Some(since) => {
                let pass = Pass {
                    reached: since,
                    again: true,
                };
                (mark.asked, mark.pass) = (0, Some(pass));
            }
            None if mark.closed => {
                *mark = Mark {
                    closed: true,
                    ..Mark::at(now.0)
                };
            }
            None => {
                progress.marks.remove(series.name);
            }
        }
    }
}
