//! Deciding and asking a decision take nothing from the heap. A test binary of its own, since a counting allocator serves
//! a whole process.

use std::alloc::System;
use std::hint::black_box;
use std::sync::Arc;

use consent::{ConsentId, Detail, Request, decide};
use model::{LocalDay, PersonId, RecipientId, UtcMillis};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[path = "../benches/hundred/mod.rs"]
mod hundred;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The fewest allocations of several rounds: the test's runner has threads of its own, which may allocate meanwhile.
fn fewest_allocations(mut work: impl FnMut()) -> usize {
    (0..20)
        .map(|_| {
            let region = Region::new(COUNTING);
            work();
            let change = region.change();
            change.allocations + change.reallocations
        })
        .min()
        .unwrap_or(usize::MAX)
}

#[test]
fn deciding_among_a_hundred_consents_does_not_allocate() {
    let consents = Arc::new(hundred::consents());
    let request = |number: u64| Request {
        person: PersonId(1),
        recipient: RecipientId(number as u32),
        consent: ConsentId(number),
    };
    let deciding = fewest_allocations(|| {
        for number in 0..=101 {
            black_box(decide(&request(number), &consents, UtcMillis(1)));
        }
    });
    assert_eq!(deciding, 0);
    let decision = decide(&request(50), &consents, UtcMillis(1));
    assert!(!decision.is_denied());
    let asking = fewest_allocations(|| {
        for category in model::ConsentCategory::ALL {
            black_box(decision.permits(category, 3, LocalDay(20_000), Detail::Raw));
            black_box(decision.permits_day(category, 3, LocalDay(20_000), LocalDay(20_001)));
            black_box(decision.window(category, Detail::Daily).count());
        }
    });
    assert_eq!(asking, 0);
    assert_ne!(
        fewest_allocations(|| drop(black_box(decision.explain()))),
        0,
        "the counter counts"
    );
}
