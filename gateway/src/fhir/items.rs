//! What the record of a provision says of a page: by category and detail, from which day to which, how many.

use consent::Detail;
use model::LocalDay;
use store::{AccessItem, Record};

use super::plan::detail_of_samples;

/// One item a category and detail, in the order in which they first appear.
pub fn of(records: &[Record]) -> Vec<AccessItem> {
    let mut items: Vec<AccessItem> = Vec::new();
    for record in records {
        let (metric, detail) = match record {
            Record::Sample(sample) => (sample.sample.metric, detail_of_samples(sample.sample.metric)),
            Record::Total(total) => (total.metric, Detail::of(total.summary)),
            Record::Aggregate(aggregate) => (aggregate.metric, Detail::of(aggregate.summary)),
            Record::Event(event) => (event.metric, Detail::Event),
        };
        add(&mut items, metric.category(), detail, record.days());
    }
    items
}

/// Adds what further records came to.
pub fn merge(items: &mut Vec<AccessItem>, further: Vec<AccessItem>) {
    for item in further {
        let before = items
            .iter()
            .find(|known| known.category == item.category && known.detail == item.detail);
        let before = before.map_or(0, |known| known.count);
        add(items, item.category, item.detail, (item.first_day, item.last_day));
        let known = items
            .iter_mut()
            .find(|known| known.category == item.category && known.detail == item.detail);
        if let Some(known) = known {
            known.count = before.saturating_add(item.count);
        }
    }
}

fn add(
    items: &mut Vec<AccessItem>,
    category: model::ConsentCategory,
    detail: Detail,
    (first, last): (LocalDay, LocalDay),
) {
    match items
        .iter_mut()
        .find(|item| item.category == category && item.detail == detail)
    {
        Some(item) => {
            item.first_day = item.first_day.min(first);
            item.last_day = item.last_day.max(last);
            item.count += 1;
        }
        None => items.push(AccessItem {
            category,
            detail,
            first_day: first,
            last_day: last,
            count: 1,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ConsentCategory;

    #[test]
    fn days_and_counts_are_gathered_by_category_and_detail() {
        let mut items = Vec::new();
        for (category, detail, day) in [
            (ConsentCategory::Heart, Detail::Raw, 5),
            (ConsentCategory::Activity, Detail::Daily, 3),
            (ConsentCategory::Heart, Detail::Raw, 2),
            (ConsentCategory::Heart, Detail::Daily, 9),
        ] {
            add(&mut items, category, detail, (LocalDay(day), LocalDay(day)));
        }
        let told: Vec<_> = items
            .iter()
            .map(|item| (item.category, item.first_day.0, item.last_day.0, item.count))
            .collect();
        assert_eq!(
            told,
            [
                (ConsentCategory::Heart, 2, 5, 2),
                (ConsentCategory::Activity, 3, 3, 1),
                (ConsentCategory::Heart, 9, 9, 1),
            ]
        );
    }
}
