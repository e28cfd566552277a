//! That checkups took place, for who is given that and no more.

use consent::Detail;
use model::checkup::{Checkup, is_event};
use model::{LocalDay, Metric, Summary};

use super::super::totals;
use super::context::Context;
use crate::Result;
use crate::reads::{Record, StoredEvent};

/// True where a summary of a metric's days is made of checkups: only that they took place.
pub(crate) fn gives(metric: Metric, summary: Summary) -> bool {
    is_event(metric) && Detail::of(summary) == Detail::Event
}

/// The months in which events of a kind begin.
pub(crate) fn months(context: &mut Context<'_>, metric: Metric) -> Result<Vec<i32>> {
    let checkups = context.checkups()?;
    let of_kind = checkups.iter().filter(|stored| stored.kept.checkup.event() == metric);
    let mut months: Vec<i32> = of_kind.map(|stored| stored.kept.checkup.day.month()).collect();
    months.sort_unstable();
    months.dedup();
    Ok(months)
}

/// That a checkup of a kind took place, and on which day or in which year: the same whatever was found, however much, and however
/// often it was told again. Those that begin from `first` to `last`, by date.
pub(crate) fn of_metric(
    context: &mut Context<'_>,
    metric: Metric,
    first: LocalDay,
    last: LocalDay,
) -> Result<Vec<Record>> {
    let mut events: Vec<StoredEvent> = Vec::new();
    let all = context.checkups()?;
    // The first of its kind, whatever of it may be seen: that there was an earlier one is what "later" says.
    let of_kind = all.iter().filter(|stored| {
        let checkup = &stored.kept.checkup;
        checkup.event() == metric && checkup.took_place() && !checkup.is_deletion()
    });
    let first_of_kind = of_kind.min_by_key(|stored| (stored.kept.checkup.day, stored.first_seq));
    let first_of_kind = first_of_kind.map(|stored| (stored.kept.checkup.day, stored.first_seq));
    for stored in all.iter() {
        let checkup: &Checkup = &stored.kept.checkup;
        let day = checkup.day;
        let is_one = checkup.event() == metric && checkup.took_place() && !checkup.is_deletion();
        if !is_one || !(first..=last).contains(&day) {
            continue;
        }
        // When it was first told, whatever was told of it since, and never before the day was over: of one whose day nobody knows,
        // the day on which it was told, since it may have been that one.
        let mut told = context.commit(stored.first_seq)?.0;
        let known = match checkup.year_only {
            true => context.zone.day_at(told),
            false => day,
        };
        let (category, is_over) = (metric.category(), known < context.today);
        let access = context.access;
        if !access.permits_within(category, stored.source, checkup.days(), Detail::Event, is_over) {
            continue;
        }
        let over = context.zone.start_of(known.plus(1));
        let is_first = first_of_kind.is_none_or(|(first, _)| first == day);
        if let Some((_, seq)) = first_of_kind.filter(|_| !is_first) {
            // It became a later one when an earlier one was told.
            told = told.max(context.commit(seq)?.0);
        }
        let code = checkup.word.number_of_event(is_first);
        let (_, last) = checkup.days();
        match events.iter_mut().find(|event| event.day == day) {
            Some(event) => {
                event.updated = event.updated.min(told.max(over));
                // What a facility says is more than what the resident does.
                event.code = event.code.min(Some(code));
                event.last = event.last.min(last);
            }
            None => events.push(StoredEvent {
                key: totals::summary_key(context.person, metric, Summary::Event, day),
                metric,
                day,
                last,
                code: Some(code),
                updated: told.max(over),
            }),
        }
    }
    events.sort_by_key(|event| event.day);
    Ok(events.into_iter().map(Record::Event).collect())
}
