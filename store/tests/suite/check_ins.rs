//! What a person types about a day keeps the time at which they typed it.

use model::vocabulary::Metric;
use model::{Sample, UtcMillis};
use store::Result;

use crate::deliveries::{PHONE, at, import, quantity, samples};
use crate::harness::House;

fn brushed(times: i64, typed: UtcMillis) -> Sample {
    Sample {
        created: typed,
        ..quantity(Metric::TOOTHBRUSHING_COUNT, PHONE, at(0, 0), at(24, 0), times, 0)
    }
}

#[tokio::test]
async fn a_check_in_keeps_when_it_was_typed_and_a_measurement_does_not() -> Result<()> {
    let mut house = House::new().await;
    let person = house.person().await;
    let weight = Sample {
        created: at(9, 0),
        ..quantity(Metric::BODY_WEIGHT, PHONE, at(8, 0), at(8, 0), 651, 1)
    };
    import(&house, person, at(30, 0), vec![brushed(2, at(21, 30)), weight]).await;
    house.reopen().await?;
    let entered = async |house: &House, metric| samples(house, person, metric).await[0].sample.created;
    assert_eq!(entered(&house, Metric::TOOTHBRUSHING_COUNT).await, at(21, 30));
    assert_eq!(entered(&house, Metric::BODY_WEIGHT).await, Sample::CREATION_UNKNOWN);
    // Said again it is the same entry; corrected it is one of its own.
    import(&house, person, at(31, 0), vec![brushed(2, at(21, 45))]).await;
    assert_eq!(entered(&house, Metric::TOOTHBRUSHING_COUNT).await, at(21, 30));
    import(&house, person, at(32, 0), vec![brushed(3, at(31, 30))]).await;
    assert_eq!(entered(&house, Metric::TOOTHBRUSHING_COUNT).await, at(31, 30));
    Ok(())
}
