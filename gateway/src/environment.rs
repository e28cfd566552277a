//! The real clock and the real source of randomness: the only place that asks the machine for either.

use model::UtcMillis;
use model::environment::{Clock, Randomness};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the real time enters")]
    fn now(&self) -> UtcMillis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        UtcMillis(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// The machine's cryptographic random bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineRandomness;

impl Randomness for MachineRandomness {
    #[expect(clippy::disallowed_methods, reason = "the one place where real randomness enters")]
    #[expect(
        clippy::expect_used,
        reason = "a machine that cannot give random bytes must not go on making keys"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system gives random bytes");
    }
}
