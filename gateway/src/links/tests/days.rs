//! Days that the vendor counts, beside the points that it counts them of.

use adapters::cloud::Ask;
use model::LocalDay;

use super::*;
use crate::links::turn::calls;

impl World {
    /// What the vendor counts of the days that are over, as far back as is asked.
    async fn counted(&self, kind: &str) -> Vec<(i64, String)> {
        let (first, last) = (self.horizon().plus(DAY_MS), self.clock.now().plus(-DAY_MS));
        let [start, end] = [first, last].map(|at| at.local_day(model::Offset::JAPAN_ASSUMED));
        let [start, end] = [start, end].map(|day| i64::from(day.0) * DAY_MS);
        let asked = json!({"account": HANAKO, "kind": format!("{kind}:dailyRollUp"), "start": start, "end": end});
        let days = self.control("truth", asked).await;
        let day = |day: &Json| (day["at"].as_i64().unwrap(), day["value"].as_str().unwrap().to_owned());
        let mut days: Vec<_> = days.as_array().unwrap().iter().map(day).collect();
        days.sort_unstable();
        days
    }

    /// We hold these days as the vendor counts them, `unit` of its own to one of ours.
    async fn holds_days(&self, kind: &str, metric: Metric, unit: f64) {
        let counted = self.counted(kind).await;
        assert!(counted.len() > 10, "{counted:?}");
        let (first, last) = (counted[0].0, counted[counted.len() - 1].0);
        let mut held = self.held(metric).await;
        held.retain(|(at, _)| (first..=last).contains(at));
        assert_eq!(held.len(), counted.len(), "{kind}");
        for ((day, held), (at, counted)) in held.iter().zip(&counted) {
            let [held, counted] = [held, counted].map(|number| number.parse::<f64>().unwrap());
            assert!(
                day == at && (held * unit - counted).abs() < 0.01,
                "{kind}: {held} for {counted}"
            );
        }
    }

    /// The totals of days are what the vendor counts: neither more nor less.
    async fn totals_are_counted(&self) {
        let counted = self.counted("steps").await.into_iter();
        let counted: Vec<_> = counted
            .map(|(at, steps)| {
                (
                    LocalDay(i32::try_from(at / DAY_MS).unwrap()),
                    steps.parse::<i64>().unwrap(),
                )
            })
            .collect();
        let totals = self.days().await;
        assert!(totals.len() > 8, "{totals:?}");
        for day in totals {
            assert!(counted.contains(&day), "{day:?} of {counted:?}");
        }
    }
}

async fn connected() -> World {
    let world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    drop(browser);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn days_come_as_the_vendor_counts_them_and_are_counted_once() {
    let world = connected().await;
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    for (kind, metric, unit) in [
        ("steps", Metric::DAILY_STEP_COUNT, 1.0),
        ("distance", Metric::DAILY_DISTANCE, 1_000.0),
        ("active-energy-burned", Metric::DAILY_ACTIVE_ENERGY, 1.0),
        ("total-calories", Metric::TOTAL_ENERGY_BURNED, 1.0),
    ] {
        world.holds_days(kind, metric, unit).await;
    }
    world.totals_are_counted().await;
    // What is told of steps is told of their day, too.
    let at = two_days_ago(&world);
    for number in [Some(4_000), None] {
        let told = world.change(at, number).await;
        assert_eq!(world.control("notices", told).await["status"], 204);
        world.clock.advance(3_000);
        assert_eq!(world.work().await, 1);
        world.holds_days("steps", Metric::DAILY_STEP_COUNT, 1.0).await;
        world.totals_are_counted().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_which_nothing_finer_can_be_fetched_is_as_the_vendor_counts_it() {
    let world = connected().await;
    world.mischief("refused", 100_000, "filter=steps.").await;
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    assert!(world.held(Metric::STEP_COUNT).await.is_empty());
    world.holds_days("steps", Metric::DAILY_STEP_COUNT, 1.0).await;
    world.totals_are_counted().await;
    // Once the points are there, they count, and their day does not come to more.
    world.well_again().await;
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    assert!(!world.held(Metric::STEP_COUNT).await.is_empty());
    world.totals_are_counted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_days_are_asked_for_at_once_than_the_vendor_gives() {
    let world = connected().await;
    let scope = scope(&world, "steps");
    let agreed = json!({"account": "days", "seed": 5, "scopes": [scope]});
    let access = world.control("accounts", agreed).await["access"]
        .as_str()
        .unwrap()
        .to_owned();
    let adapter = world.cloud().adapter;
    let end = UtcMillis(world.clock.now().0.div_euclid(DAY_MS) * DAY_MS);
    let ask = async |series: &str, days: i64| {
        let start = end.plus(-days * DAY_MS);
        let request = adapter.request(&Ask { series, start, end }, None);
        let sent = calls::send(&world.gateway.state, world.cloud(), &request, &access).await;
        sent.unwrap().status().as_u16()
    };
    let mut asked = 0;
    for series in adapter
        .series()
        .iter()
        .filter(|series| series.name.ends_with(":dailyRollUp"))
    {
        let most = i64::from(series.days);
        assert_eq!(
            (ask(series.name, most).await, ask(series.name, most + 1).await),
            (200, 400),
            "{}",
            series.name
        );
        asked += 1;
    }
    assert_eq!(asked, 5);
}
