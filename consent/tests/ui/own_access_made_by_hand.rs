//! A resident's key names its maker, so that every use can be found.

use model::PersonId;

fn main() {
    let _ = consent::OwnAccess { person: PersonId(1) };
}
