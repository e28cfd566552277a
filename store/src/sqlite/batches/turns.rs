//! Which deliveries a row stands for, of those from its own to the last: where two adapters take turns, every other one.

use serde::{Deserialize, Serialize};

use crate::leaf::columns;
use crate::{Result, StoreError};

/// How many that follow each other are its own, how many are not, and so on in turn, from the first on. Nothing: all are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sqlite) struct Turns(Vec<u32>);

impl Turns {
    /// Of numbers in order, each once.
    pub(super) fn of(numbers: &[u32]) -> Self {
        let mut turns = Vec::new();
        let runs = numbers.chunk_by(|one, next| one + 1 == *next);
        let mut before: Option<u32> = None;
        for run in runs {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            turns.extend(before.map(|before| first - before - 1));
            turns.push(run.len() as u32);
            before = Some(*last);
        }
        Self(turns).unless_whole()
    }

    fn unless_whole(self) -> Self {
        match self.0.len() {
            1 => Self::default(),
            _ => self,
        }
    }

    /// True where all are its own.
    pub(super) fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// True where this number is one of them; the row's own is `first`, the last of them `until`.
    pub(in crate::sqlite) fn has(&self, (first, until): (u32, u32), number: u32) -> bool {
        if self.is_whole() {
            return (first..=until).contains(&number);
        }
        let mut runs = self.runs(first);
        runs.any(|(from, to)| (u64::from(from)..to).contains(&u64::from(number)))
    }

    /// The numbers, in order.
    pub(super) fn numbers(&self, (first, until): (u32, u32)) -> Vec<u32> {
        if self.is_whole() {
            return (first..=until).collect();
        }
        let runs = self.runs(first);
        runs.flat_map(|(from, to)| (u64::from(from)..to).filter_map(|number| u32::try_from(number).ok()))
            .collect()
    }

    /// From where to where its own go, the ends not among them.
    fn runs(&self, first: u32) -> impl Iterator<Item = (u32, u64)> {
        let mut at = u64::from(first);
        let places = self.0.iter().map(move |length| {
            let from = at;
            at += u64::from(*length);
            (from, at)
        });
        places
            .step_by(2)
            .filter_map(|(from, to)| u32::try_from(from).ok().map(|from| (from, to)))
    }

    pub(super) fn write(&self, plain: &mut Vec<u8>) {
        for length in &self.0 {
            columns::write_unsigned(plain, u64::from(*length));
        }
    }

    pub(super) fn read(mut plain: &[u8]) -> Result<Self> {
        let mut turns = Vec::new();
        while !plain.is_empty() {
            let length = columns::read_unsigned(&mut plain).ok();
            let length = length.and_then(|length| u32::try_from(length).ok());
            turns.push(length.ok_or_else(|| StoreError::damaged("which deliveries a row stands for"))?);
        }
        Ok(Self(turns))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn those_that_follow_each_other_take_no_room() {
        assert!(Turns::of(&[4]).is_whole() && Turns::of(&[4, 5, 6]).is_whole());
        assert_eq!(Turns::of(&[4, 6, 7, 10]).0, [1, 1, 2, 2, 1]);
    }

    proptest! {
        #[test]
        fn each_number_is_found_and_no_other(numbers in prop::collection::btree_set(1_u32..60, 1..40)) {
            let sorted: Vec<u32> = numbers.iter().copied().collect();
            let span = (sorted[0], *sorted.last().unwrap());
            let turns = Turns::of(&sorted);
            let mut plain = Vec::new();
            turns.write(&mut plain);
            prop_assert_eq!(&Turns::read(&plain).unwrap(), &turns);
            prop_assert_eq!(turns.numbers(span), sorted);
            for number in 0..70 {
                prop_assert_eq!(turns.has(span, number), numbers.contains(&number));
            }
        }
    }
}
