//! Numbers of twelve digits of one column, or of one kind of ids: alone none of them says anything, together they may.

use std::collections::HashSet;

use super::passes;

/// Numbers from which on it says something that nearly all of them pass.
const ENOUGH: usize = 10;
/// Numbers from which on it says something that all of them pass: of six others they do once in a million times.
const ENOUGH_OF_ALL: usize = 6;
/// Numbers that are held at most: what these are, the rest of a column is too.
const MOST: usize = 1_000;

/// What stands in one column, each number once however often it does: one in ten of all others passes, and may stand in every line.
#[derive(Default)]
pub(in crate::checkup) struct Numbers {
    seen: HashSet<u64>,
    passing: usize,
}

impl Numbers {
    /// Adds what stands in a cell, where it is twelve digits.
    pub(in crate::checkup) fn look(&mut self, written: &str) {
        if written.len() != 12 || !written.bytes().all(|byte| byte.is_ascii_digit()) || self.seen.len() >= MOST {
            return;
        }
        if written.parse().is_ok_and(|number| self.seen.insert(number)) {
            self.passing += usize::from(passes(written));
        }
    }

    /// Adds those of a further document.
    pub(super) fn add(&mut self, further: &Self) {
        further
            .seen
            .iter()
            .for_each(|number| self.look(&format!("{number:012}")));
    }

    /// True where they are Individual Numbers.
    pub(in crate::checkup) fn are_they(&self) -> bool {
        let (all, passing) = (self.seen.len(), self.passing);
        (all >= ENOUGH && passing * 10 >= all * 9) || (all >= ENOUGH_OF_ALL && passing == all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: impl Iterator<Item = (u64, bool)>) -> Numbers {
        let mut together = Numbers::default();
        for (body, is_passing) in numbers {
            let mut written = (0..10).map(|digit| format!("{body:011}{digit}"));
            together.look(&written.find(|number| passes(number) == is_passing).unwrap());
        }
        together
    }

    #[test]
    fn nearly_all_of_ten_or_all_of_six_say_it_and_no_number_says_it_twice() {
        let some = |passing: u64, others: u64| {
            of((0..passing)
                .map(|body| (body, true))
                .chain((0..others).map(|body| (body, false))))
            .are_they()
        };
        for (passing, others, are_they) in [
            (9, 1, true),
            (18, 2, true),
            (17, 3, false),
            (8, 1, false),
            (6, 0, true),
            (5, 0, false),
            (0, 20, false),
        ] {
            assert_eq!(some(passing, others), are_they, "{passing} {others}");
        }
        assert!(!of((0..100).map(|line| (line % 5, true))).are_they());
        let [mut one, two] = [0..5, 4..8].map(|bodies| of(bodies.map(|body| (body, true))));
        let same = of((0..5).map(|body| (body, true)));
        one.add(&same);
        assert!(!one.are_they(), "another document with the same numbers");
        one.add(&two);
        assert!(one.are_they());
    }

    #[test]
    fn no_more_are_held_than_say_what_they_are() {
        let many = of((0..10_000).map(|body| (body, true)));
        assert!(many.are_they() && many.seen.len() == MOST);
    }

    #[test]
    fn what_is_no_number_of_twelve_digits_is_passed_over() {
        let mut none = Numbers::default();
        for written in ["", "1", "12345678901", "1234567890188", "+12345678901", "個人番号"] {
            none.look(written);
        }
        assert!(none.seen.is_empty());
    }
}
