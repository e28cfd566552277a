//! What a decision costs with a hundred consents: under 1 µs, and no allocation (lines of allocations would appear below a
//! figure; `tests/allocation.rs` asserts that there are none).

use std::sync::Arc;

use consent::{ConsentId, Decision, Detail, PersonConsents, Request, decide};
use divan::{AllocProfiler, Bencher, black_box};
use model::{ConsentCategory, LocalDay, PersonId, RecipientId, UtcMillis};

mod hundred;

#[global_allocator]
static COUNTING: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const REQUEST: Request = Request {
    person: PersonId(1),
    recipient: RecipientId(73),
    consent: ConsentId(73),
};

fn decided(consents: &Arc<PersonConsents>) -> Decision {
    decide(black_box(&REQUEST), consents, black_box(UtcMillis(1)))
}

#[divan::bench]
fn decide_with_100_consents(bencher: Bencher) {
    let consents = Arc::new(hundred::consents());
    assert!(!decided(&consents).is_denied());
    bencher.bench_local(|| decided(&consents));
}

#[divan::bench]
fn decide_and_deny_a_stranger(bencher: Bencher) {
    let consents = Arc::new(hundred::consents());
    let stranger = Request {
        recipient: RecipientId(101),
        ..REQUEST
    };
    bencher.bench_local(|| decide(black_box(&stranger), &consents, black_box(UtcMillis(1))));
}

#[divan::bench]
fn permit_one_record(bencher: Bencher) {
    let decision = decided(&Arc::new(hundred::consents()));
    assert!(decision.permits(ConsentCategory::Heart, 3, LocalDay(20_000), Detail::Raw));
    bencher.bench_local(|| {
        decision.permits(
            black_box(ConsentCategory::Heart),
            black_box(3),
            black_box(LocalDay(20_000)),
            Detail::Raw,
        )
    });
}
