//! Results of checkups beyond what can be entered of their item.

use adapters::checkup::synthetic::MadeUp;
use model::Decimal;
use model::checkup::{Found, Item};

use super::checkups::bring;
use super::*;

/// The form has a way to say "at least the highest": a bare number beyond it is kept, and whoever reads it is told.
#[tokio::test]
async fn a_bare_number_beyond_what_can_be_entered_bears_a_flag() {
    let world = World::new().await;
    let cholesterol = Item::from_code("3F070000002327101").unwrap();
    let mut made = MadeUp::of(7).known_as("ミホンハナコ", None, None).checkup(2025);
    for finding in made.findings.iter_mut().filter(|finding| finding.item == cholesterol) {
        finding.result = Found::Quantity(Decimal::whole(501), "mg/dL".to_owned());
    }
    bring(&world, world.person, &[made]).await;
    let granted = world.given(Given::default()).await;
    let pages = world
        .walk(&granted, "Observation?category=laboratory&date=ge2025")
        .await;
    let flagged: Vec<&Json> = pages
        .iter()
        .flat_map(matches)
        .filter(|found| found["component"].to_string().contains("out-of-range"))
        .collect();
    assert_eq!(flagged.len(), 1);
    assert_eq!(flagged[0]["code"]["coding"][0]["code"], "3F070000002327101");
    assert_eq!(flagged[0]["valueQuantity"]["value"], 501);
}
