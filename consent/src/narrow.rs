//! Comparing what two consents give: whether one lies within the other, and which way a new version moved.
//!
//! The comparison is exact: a grant may be covered by several others together, each giving some of its days or sources.

use serde::{Deserialize, Serialize};

use model::{LocalDay, Summary, UtcMillis};

use crate::grant::{DataPeriod, Detail, Grant, IdentityGrant, Sources};

/// What a consent, a draft or a request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<'a> {
    /// Its grants.
    pub grants: &'a [Grant],
    /// Its lines about who the person is.
    pub identity: IdentityGrant,
}

impl Terms<'_> {
    /// True when at no instant these terms give anything that `other` does not.
    pub fn within(self, other: Terms<'_>) -> bool {
        self.grants.iter().all(|grant| grant_within(grant, other.grants))
            && identity_within(self.identity, other.identity)
    }

    /// Which way `new` moves from these terms.
    pub fn difference(self, new: Terms<'_>) -> Difference {
        Difference {
            narrowed: !self.within(new),
            widened: !new.within(self),
        }
    }
}

/// Which way a new version moved. Both at once is possible; neither means that it gives the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Difference {
    /// Something that was given is not given any more: journaled before it is committed.
    pub narrowed: bool,
    /// Something is given that was not: old data may show that no poller by update time meets, so it must resync.
    pub widened: bool,
}

/// True when `outer` together give all that `inner` gives, at every instant.
pub(crate) fn grant_within(inner: &Grant, outer: &[Grant]) -> bool {
    let Some((first, last)) = bounds(inner.period) else {
        return true;
    };
    let candidates: Vec<&Grant> = outer
        .iter()
        .filter(|outer| {
            outer.category == inner.category
                && outer.detail.includes(inner.detail)
                && (outer.shows_running_day() || !inner.shows_running_day())
                && ends_no_earlier(outer.expires, inner.expires)
        })
        .collect();
    let covered = |source: Option<u16>| {
        let gives = |from_day: i64, until_day: i64| {
            candidates.iter().any(|outer| {
                bounds(outer.period).is_some_and(|(from, until)| from <= from_day && until_day <= until)
                    && match source {
                        Some(source) => outer.sources.contains(source),
                        None => outer.sources == Sources::All,
                    }
            })
        };
        days_where_it_may_change(first, last, &candidates).all(|day| {
            gives(day, day)
                // A week or month is given whole by one grant, or not at all.
                && [Summary::Week, Summary::Month]
                    .into_iter()
                    .filter(|summary| inner.detail.includes(Detail::of(*summary)))
                    .all(|summary| {
                        let Some((from, until)) = whole(summary, day) else {
                            return true;
                        };
                        from < first || last < until || gives(from, until)
                    })
        })
    };
    match &inner.sources {
        // A source that comes later is given only by a grant of all sources.
        Sources::All => covered(None),
        Sources::Only(numbers) => numbers.iter().all(|&number| covered(Some(number))),
    }
}

/// The first day, and each day after it on which some candidate begins or is over: between two of them nothing changes.
fn days_where_it_may_change(first: i64, last: i64, candidates: &[&Grant]) -> impl Iterator<Item = i64> {
    candidates
        .iter()
        .filter_map(|grant| bounds(grant.period))
        .flat_map(|(from, until)| [from, until + 1])
        .filter(move |day| (first..=last).contains(day))
        .chain([first])
        .collect::<Vec<_>>()
        .into_iter()
}

/// First and last day of the summary in which a day lies; `None` at the ends of time, where there is none.
fn whole(summary: Summary, day: i64) -> Option<(i64, i64)> {
    let day = LocalDay(i32::try_from(day).ok()?);
    // Beyond these years no calendar reaches, and no week or month has an end.
    (day.0.unsigned_abs() < 3_000_000).then(|| (summary.first(day).0.into(), summary.last(day).0.into()))
}

/// First and last day as numbers; `None` when no day is inside.
fn bounds(period: DataPeriod) -> Option<(i64, i64)> {
    if period.is_empty() {
        return None;
    }
    let from = period.from.map_or(i32::MIN, |day| day.0);
    let until = period.until.map_or(i32::MAX, |day| day.0);
    Some((from.into(), until.into()))
}

fn ends_no_earlier(outer: Option<UtcMillis>, inner: Option<UtcMillis>) -> bool {
    match (outer, inner) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(outer), Some(inner)) => outer >= inner,
    }
}

fn identity_within(inner: IdentityGrant, outer: IdentityGrant) -> bool {
    !inner.gives_something()
        || (inner.lines().all(|line| outer.has(line))
            && (inner.linking.is_none() || inner.linking == outer.linking)
            && ends_no_earlier(outer.expires, inner.expires))
}

#[cfg(test)]
mod tests;
