//! A breaker a cloud: a vendor that does not answer is left alone for a time, so that its bad day holds up nobody else's, nor its own
//! recovery.

use std::sync::{Mutex, PoisonError};

use model::UtcMillis;

/// Failures one after the other, of whichever links, that open it.
const FAILURES: u32 = 8;

/// How long it is open first, and at most, in milliseconds.
const FIRST_MS: i64 = 15_000;
const LONGEST_MS: i64 = 10 * 60_000;

/// Counts what fails.
#[derive(Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    open_for: i64,
    /// While it is open: until when.
    until: Option<UtcMillis>,
    /// Somebody tries whether it works again.
    is_tried: bool,
}

impl Breaker {
    /// Of so many turns that could begin, those that may.
    pub(super) fn room(&self, wanted: usize, now: UtcMillis) -> usize {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.until {
            None => wanted,
            Some(until) if now < until || state.is_tried => 0,
            Some(_) => {
                state.is_tried = wanted > 0;
                wanted.min(1)
            }
        }
    }

    /// The vendor answered as it should.
    pub(super) fn worked(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// The turn that was to try did not come to ask anything.
    pub(super) fn was_not_tried(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_tried = false;
    }

    /// The vendor did not answer, or not as it should. True when that opened it.
    pub(super) fn failed(&self, now: UtcMillis) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        // Those that were under way when it opened say nothing new.
        let is_open = state.until.is_some_and(|until| now < until);
        if state.failures < FAILURES || is_open {
            return false;
        }
        state.open_for = (state.open_for * 2).clamp(FIRST_MS, LONGEST_MS);
        state.until = Some(now.plus(state.open_for));
        state.is_tried = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_some_failures_lets_one_try_and_closes_when_that_works() {
        let breaker = Breaker::default();
        let at = |seconds: i64| UtcMillis(seconds * 1_000);
        for _ in 1..FAILURES {
            assert!(!breaker.failed(at(0)));
        }
        assert_eq!(breaker.room(16, at(0)), 16);
        assert!(breaker.failed(at(0)));
        assert!(!breaker.failed(at(1)), "one that was under way");
        assert_eq!(breaker.room(16, at(14)), 0);
        assert_eq!(breaker.room(16, at(15)), 1);
        assert_eq!(breaker.room(16, at(15)), 0, "only one tries");
        assert!(breaker.failed(at(16)));
        assert_eq!(breaker.room(16, at(45)), 0, "twice as long");
        assert_eq!(breaker.room(16, at(46)), 1);
        breaker.was_not_tried();
        assert_eq!(breaker.room(16, at(47)), 1);
        breaker.worked();
        assert_eq!(breaker.room(16, at(47)), 16);
    }

    #[test]
    fn it_never_stays_open_longer_than_ten_minutes() {
        let breaker = Breaker::default();
        let mut now = UtcMillis(0);
        for _ in 0..100 {
            breaker.failed(now);
            now = now.plus(LONGEST_MS);
            assert!(breaker.room(1, now) <= 1);
        }
        assert!(!breaker.failed(now) || breaker.room(1, now.plus(LONGEST_MS)) == 1);
    }
}
