//! A resident's key does not open another's door.

use model::PersonId;

fn of_another(mut own: consent::OwnAccess) -> consent::OwnAccess {
    own.person = PersonId(2);
    own
}

fn main() {}
