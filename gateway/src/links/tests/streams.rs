//! What each source has, or the stream that the vendor merges of all: changed while a link is there.

use super::*;
use crate::links::Paced;

impl World {
    /// As after a start with the merged stream, or without it.
    fn ask_merged(&mut self, is_merged: bool) {
        self.start_with(|settings| settings.is_merged = is_merged);
    }

    /// As after a start with another setting.
    pub(super) fn start_with(&mut self, change: impl FnOnce(&mut crate::config::CloudSettings)) {
        let config = &self.gateway.state.config;
        let mut settings = config
            .clouds
            .iter()
            .find(|one| one.name == self.vendor.name)
            .unwrap()
            .clone();
        change(&mut settings);
        let adapter = self.cloud().adapter;
        let clock = Paced(Arc::new(Arc::clone(&self.clock)));
        self.changed = Some(Cloud::new(adapter, &settings, &config.http.public_url, clock).unwrap());
    }

    /// Steps of each day that is over, as far back as is asked.
    pub(super) async fn days(&self) -> Vec<(model::LocalDay, i64)> {
        let own = OwnAccess::of_signed_in(self.person().await);
        let search = Search {
            daily: vec![Metric::STEP_COUNT],
            count: 100,
            now: self.clock.now(),
            ..Search::default()
        };
        let store = &self.gateway.state.store;
        let page = store.search(Access::Own(&own), search).await.unwrap();
        let (first, last) = (self.horizon().0, self.clock.now().0 - DAY_MS);
        let [first, last] = [first, last].map(|at| UtcMillis(at).local_day(model::Offset::JAPAN_ASSUMED));
        let of_day = |record: &Record| match record {
            Record::Total(total) => Some((total.day, total.total)),
            _ => None,
        };
        let mut days: Vec<_> = page.records.iter().filter_map(of_day).collect();
        days.retain(|(day, _)| (first.plus(1)..last).contains(day));
        days.sort_unstable();
        days
    }

    /// We hold the steps of this stream, no more and no less.
    async fn holds(&self, stream: &str) {
        let until = self.link().await.progress.marks["steps"].asked;
        let (start, end) = (self.horizon().0, until - HOUR_MS);
        let asked = json!({"account": HANAKO, "kind": stream, "start": start, "end": end});
        let points = self.control("truth", asked).await;
        let point = |point: &Json| {
            (
                point["at"].as_i64().unwrap(),
                point["value"].as_str().unwrap().to_owned(),
            )
        };
        let mut truth: Vec<_> = points.as_array().unwrap().iter().map(point).collect();
        truth.sort_unstable();
        let mut held = self.held(Metric::STEP_COUNT).await;
        held.retain(|(at, _)| *at < end);
        assert!(!truth.is_empty());
        let other: Vec<_> = held.iter().filter(|one| !truth.contains(one)).take(3).collect();
        assert!(truth == held, "{} for {}; {other:?}", held.len(), truth.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_streams_takes_the_place_of_all_that_was_there_and_doubles_nothing() {
    let mut world = World::new().await;
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    drop(browser);
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    world.holds("steps").await;
    let before = world.days().await;
    assert!(before.len() >= 10, "{before:?}");

    world.ask_merged(true);
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    world.holds("steps:reconcile").await;
    let marks = world.link().await.progress.marks;
    for series in ["steps", "electrocardiogram"] {
        assert!(
            marks[series].back < world.horizon().0,
            "all of {series} was asked again"
        );
    }
    let merged = world.days().await;
    let same: Vec<_> = before.iter().filter(|day| merged.contains(day)).collect();
    assert!(
        same.len() >= 8,
        "a day is as many steps as before: {before:?}, {merged:?}"
    );
    assert!(
        before
            .iter()
            .filter(|(day, _)| merged.iter().any(|(other, _)| other == day))
            .count()
            == same.len()
    );

    // Who agrees anew changes nothing of that, and nothing is asked again for it.
    let requests = world.counts().await["requests"].as_u64().unwrap();
    let mut browser = world.hanako().await;
    world.connect(&mut browser, HANAKO).await;
    drop(browser);
    world.clock.advance(1_000);
    world.work().await;
    let asked = world.counts().await["requests"].as_u64().unwrap() - requests;
    assert!(asked < 20, "{asked}");

    world.ask_merged(false);
    world.live_by(2 * DAY_MS, HOUR_MS).await;
    world.holds("steps").await;
}
