//! Accounts whose days are made of a number each, what was changed in them, and what they agreed to.

use std::collections::BTreeMap;

use model::UtcMillis;
use serde_json::Value;

use crate::changes::Changes;
use crate::control::Change;
use crate::days::Day;
use crate::grants::Grants;

/// All accounts of a vendor.
pub struct Accounts {
    /// What was agreed to.
    pub grants: Grants,
    by_name: BTreeMap<String, (u64, Changes)>,
}

/// What a vendor makes of a type: the items of a day by when they begin, and how long each lasts, in milliseconds.
pub type Makes = (fn(&str, &Day) -> Vec<(i64, Value)>, fn(&str) -> i64);

impl Accounts {
    /// Those of a list: what each is called, and what its days are made of.
    pub fn of(list: &[(&str, &str, u64)]) -> Self {
        let accounts = list
            .iter()
            .map(|(name, _, seed)| ((*name).to_owned(), (*seed, Changes::default())));
        Self {
            grants: Grants::default(),
            by_name: accounts.collect(),
        }
    }

    /// One more.
    pub fn adopt(&mut self, account: &str, seed: u64) {
        self.by_name.insert(account.to_owned(), (seed, Changes::default()));
    }

    /// Puts an item, or takes one out; false for an account that is not there.
    pub fn change(&mut self, change: &Change) -> bool {
        let Some((_, changes)) = self.by_name.get_mut(&change.account) else {
            return false;
        };
        changes.put(&change.kind, UtcMillis(change.start), change.body.clone());
        true
    }

    /// Items of a type that begin in this time and are over by now, the first first.
    pub fn items(
        &self,
        account: &str,
        kind: &str,
        (start, end): (UtcMillis, UtcMillis),
        now: UtcMillis,
        (of_day, lasts): Makes,
    ) -> Vec<(i64, Value)> {
        let Some((seed, changes)) = self.by_name.get(account) else {
            return Vec::new();
        };
        let mut items = BTreeMap::new();
        for number in Day::number_at(start) - 1..=Day::number_at(end.min(now)) + 1 {
            items.extend(of_day(kind, &Day::new(*seed, number)));
        }
        changes.over(kind, &mut items);
        let is_there = |(at, _): &(i64, Value)| (start.0..end.0).contains(at) && at + lasts(kind) <= now.0;
        items.into_iter().filter(is_there).collect()
    }
}
