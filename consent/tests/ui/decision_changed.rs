//! A decision is not changed after it was made.

use model::PersonId;

fn of_another(mut decision: consent::Decision) -> consent::Decision {
    decision.request.person = PersonId(2);
    decision
}

fn main() {}
