//! Days of people who do not exist, the same each time for one seed: a night, a way to work and back, a walk at noon, an exercise now and
//! then.

use model::UtcMillis;
use model::time::{DAY_MS, HOUR_MS, MINUTE_MS};

/// They live in Japan.
const OFFSET_MS: i64 = 9 * HOUR_MS;

/// A number that depends on nothing but these (SplitMix64).
fn number(seed: u64, day: i64, what: u64) -> u64 {
    let mut mixed = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(day.unsigned_abs().wrapping_mul(0xbf58_476d_1ce4_e5b9))
        .wrapping_add(what.wrapping_mul(0x94d0_49bb_1331_11eb));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One local day of one person.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    seed: u64,
    /// Days since 1970-01-01.
    pub number: i64,
}

/// Minutes of a day in which somebody walks, by when they begin.
pub type Walk = (i64, i64);

impl Day {
    /// Of a person.
    pub fn new(seed: u64, number: i64) -> Self {
        Self { seed, number }
    }

    /// The local day of an instant.
    pub fn number_at(at: UtcMillis) -> i64 {
        (at.0 + OFFSET_MS).div_euclid(DAY_MS)
    }

    /// From 0 to `below`.
    pub fn pick(&self, what: u64, below: u64) -> i64 {
        i64::try_from(number(self.seed, self.number, what) % below.max(1)).unwrap_or(0)
    }

    /// The instant of a minute of this day.
    pub fn at(&self, minute: i64) -> UtcMillis {
        UtcMillis(self.number * DAY_MS - OFFSET_MS + minute * MINUTE_MS)
    }

    /// The walks: to work and back on working days, at noon, and a longer one at weekends.
    pub fn walks(&self) -> Vec<Walk> {
        let later = |what, minutes: u64| self.pick(what, minutes);
        // 1970-01-01 was a Thursday.
        if matches!((self.number + 3).rem_euclid(7), 5 | 6) {
            return vec![
                (9 * 60 + later(1, 90), 40 + later(2, 50)),
                (15 * 60 + later(3, 60), 15 + later(4, 20)),
            ];
        }
        vec![
            (7 * 60 + 40 + later(1, 20), 18 + later(2, 12)),
            (12 * 60 + 10 + later(3, 10), 10 + later(4, 10)),
            (17 * 60 + 50 + later(5, 60), 20 + later(6, 15)),
        ]
    }

    /// Steps of a minute of a walk.
    pub fn steps(&self, minute: i64) -> i64 {
        92 + self.pick(1_000 + minute.unsigned_abs(), 24)
    }

    /// Beats a minute at a minute of the day.
    pub fn pulse(&self, minute: i64) -> i64 {
        let walks = self
            .walks()
            .into_iter()
            .any(|(from, lasts)| (from..from + lasts).contains(&minute));
        let base = match minute / 60 {
            0..=6 => 54,
            _ if walks => 96,
            22.. => 60,
            _ => 68,
        };
        base + self.pick(3_000 + minute.unsigned_abs(), 9)
    }

    /// The night that ended on this day, in minutes of it: from before midnight until the morning.
    pub fn night(&self) -> (i64, i64) {
        (-90 + self.pick(7, 60), 6 * 60 + self.pick(8, 50))
    }

    /// The weight, in grams.
    pub fn grams(&self) -> i64 {
        let person = i64::try_from(self.seed % 17).unwrap_or(0) * 1_400;
        54_000 + person + self.pick(9, 9) * 100
    }

    /// An exercise of this day: when it begins and how long it lasts, in minutes.
    pub fn exercise(&self) -> Option<Walk> {
        (self.pick(10, 3) == 0).then(|| (18 * 60 + 40 + self.pick(11, 30), 25 + self.pick(12, 30)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_same_each_time_and_makes_sense() {
        for number in 20_000..20_100 {
            let day = Day::new(7, number);
            assert_eq!(day.walks(), Day::new(7, number).walks());
            let steps: i64 = day
                .walks()
                .iter()
                .map(|(from, lasts)| (*from..from + lasts).map(|minute| day.steps(minute)).sum::<i64>())
                .sum();
            assert!((3_000..14_000).contains(&steps), "{steps}");
            let (asleep, awake) = day.night();
            assert!((5 * 60..9 * 60).contains(&(awake - asleep)));
            assert!((50..120).contains(&day.pulse(600)));
            assert_eq!(Day::number_at(day.at(0)), number);
        }
        assert_ne!(Day::new(7, 20_000).walks(), Day::new(8, 20_000).walks());
    }
}
