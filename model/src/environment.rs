//! Time and randomness, taken as parameters everywhere, so that every test can live on any day.

use crate::time::UtcMillis;

/// Tells the time. `main` makes the real one; tests hold one in the hand.
pub trait Clock: Send + Sync + 'static {
    /// The instant now, in UTC milliseconds. It may go backwards: callers that need order keep their own.
    fn now(&self) -> UtcMillis;
}

/// Gives unpredictable bytes. `main` makes the real one.
pub trait Randomness: Send + Sync + 'static {
    /// Fills the buffer whole.
    fn fill(&self, bytes: &mut [u8]);
}

/// A clock that stands still until told otherwise: for tests and simulations.
#[derive(Debug, Default)]
pub struct HandClock(std::sync::atomic::AtomicI64);

impl HandClock {
    /// A clock that stands at `now`.
    pub fn at(now: UtcMillis) -> Self {
        Self(std::sync::atomic::AtomicI64::new(now.0))
    }

    /// Moves the clock by so many milliseconds; a negative number moves it back.
    pub fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, std::sync::atomic::Ordering::SeqCst);
    }

    /// Puts the clock at `now`.
    pub fn set(&self, now: UtcMillis) {
        self.0.store(now.0, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> UtcMillis {
        UtcMillis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

impl<C: Clock> Clock for std::sync::Arc<C> {
    fn now(&self) -> UtcMillis {
        (**self).now()
    }
}

/// Bytes from a seed (SplitMix64): for tests and synthetic data only, never for a secret.
#[derive(Debug)]
pub struct SeededRandomness(std::sync::atomic::AtomicU64);

impl SeededRandomness {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub fn next_u64(&self) -> u64 {
        // Constants of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .0
            .fetch_add(GAMMA, std::sync::atomic::Ordering::SeqCst)
            .wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound` (which must not be 0; 0 gives 0).
    pub fn below(&self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}
