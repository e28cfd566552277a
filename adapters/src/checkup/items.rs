//! What the name of a column or a line means: one item, or one after the other as what is asked under the same name has changed.

use std::collections::HashMap;
use std::sync::LazyLock;

use model::LocalDay;
use model::checkup::Item;
use model::checkup::items::NAMES;

use super::table::plain;

/// The items that one name or column holds, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Items {
    pub(super) first: Item,
    /// Those that followed, and since when; by day.
    pub(super) since: Vec<(LocalDay, Item)>,
    /// The one that is meant where something beside it says so.
    pub(super) otherwise: Option<Item>,
}

impl From<Item> for Items {
    fn from(first: Item) -> Self {
        Self {
            first,
            since: Vec::new(),
            otherwise: None,
        }
    }
}

impl Items {
    /// The items of a name, as [`plain`] gives it.
    pub(super) fn called(name: &str) -> Option<&'static Self> {
        CALLED.get(name)
    }

    /// The item that is meant of a checkup of a day.
    pub(super) fn on(&self, day: LocalDay) -> Item {
        let mut begun = self.since.iter().rev().filter(|(since, _)| *since <= day);
        begun.next().map_or(self.first, |(_, item)| *item)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = Item> {
        let since = self.since.iter().map(|(_, item)| *item);
        std::iter::once(self.first).chain(since).chain(self.otherwise)
    }
}

/// Items by their names, as they are once widths, cases and spaces are gone.
static CALLED: LazyLock<HashMap<String, Items>> = LazyLock::new(|| {
    let mut called: HashMap<String, Items> = HashMap::new();
    for item in Item::all() {
        let known = called.entry(plain(item.row().name_ja)).or_insert(item.into());
        // Of several methods the one that says "other".
        if item.row().code.get(12..15) == Some("999") {
            *known = item.into();
        }
    }
    let named = NAMES.iter().filter_map(|(name, number, since)| {
        let item = Item::from_number(*number)?;
        Some((*name, item, LocalDay::parse(since)))
    });
    // An item that follows another stands below it.
    for (name, item, since) in named {
        match (since, called.get_mut(name)) {
            (Some(since), Some(known)) => known.since.push((since, item)),
            _ => {
                called.insert(name.to_owned(), item.into());
            }
        }
    }
    called
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_they_are_looked_for_and_days_of_those_that_changed_are_days() {
        for (name, _, since) in NAMES {
            assert_eq!(plain(name), *name);
            assert!(since.is_empty() || LocalDay::parse(since).is_some(), "{name}");
        }
        let snacks = Items::called("食べ方3(夜食/間食)").unwrap();
        let on = |day: &str| snacks.on(LocalDay::parse(day).unwrap()).row().code;
        assert_eq!(
            [on("2018-03-31"), on("2018-04-01")],
            ["9N776000000000011", "9N782000000000011"]
        );
        assert_eq!(snacks.all().count(), 2);
        // JDS until fiscal 2012, NGSP since: never one series.
        for name in ["hba1c", "ヘモグロビンa1c"] {
            let on = |day: &str| {
                Items::called(name)
                    .unwrap()
                    .on(LocalDay::parse(day).unwrap())
                    .row()
                    .code
            };
            assert_eq!(
                [on("2013-03-31"), on("2013-04-01")],
                ["3D045000001999902", "3D046000001999902"],
                "{name}"
            );
        }
    }
}
