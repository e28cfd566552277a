//! What can be asked for, and who asks: one of each kind of thing, and tokens of every reach.

use super::super::*;

/// Something of the first resident.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thing {
    pub(super) resource: &'static str,
    pub(super) category: ConsentCategory,
    pub(super) detail: Detail,
    /// The day that it is of; `None` where days play no part.
    pub(super) day: Option<&'static str>,
    /// Finds it.
    pub(super) code: &'static str,
}

impl Thing {
    /// Finds it, and on its day nothing else of its code that comes before it.
    pub(super) fn query(&self) -> String {
        // A night begins on the day before the one that it is of.
        let is_of_a_day = !matches!(self.detail, Detail::Weekly | Detail::Monthly);
        let date = match self.day {
            Some(day) if self.category != ConsentCategory::Sleep && is_of_a_day => format!("&date={day}"),
            _ => String::new(),
        };
        format!("code={}{date}&_count=1000", self.code)
    }
}

/// One of each kind, on each of the two days where there are two.
pub(super) fn things() -> Vec<Thing> {
    let thing = |category, detail, day, code| Thing {
        resource: "Observation",
        category,
        detail,
        day: Some(day),
        code,
    };
    let mut things = Vec::new();
    for day in ["2024-05-10", "2024-05-11"] {
        things.extend([
            thing(ConsentCategory::Heart, Detail::Raw, day, "heart_rate"),
            thing(ConsentCategory::Heart, Detail::Daily, day, "daily_heart_rate"),
            thing(ConsentCategory::Activity, Detail::Raw, day, "step_count"),
            thing(ConsentCategory::Activity, Detail::Daily, day, "daily_step_count"),
            thing(ConsentCategory::Activity, Detail::Event, day, "event_step_count"),
            thing(ConsentCategory::Heart, Detail::Event, day, "event_heart_rate"),
        ]);
    }
    // The week from Monday, 6 May, and the month of May: each is of its first day.
    things.extend([
        thing(
            ConsentCategory::Activity,
            Detail::Weekly,
            "2024-05-06",
            "weekly_step_count",
        ),
        thing(
            ConsentCategory::Heart,
            Detail::Weekly,
            "2024-05-06",
            "weekly_heart_rate",
        ),
        thing(
            ConsentCategory::Activity,
            Detail::Monthly,
            "2024-05-01",
            "monthly_step_count",
        ),
        thing(
            ConsentCategory::Heart,
            Detail::Monthly,
            "2024-05-01",
            "monthly_heart_rate",
        ),
    ]);
    things.push(thing(
        ConsentCategory::Sleep,
        Detail::Daily,
        "2024-05-10",
        "sleep_session",
    ));
    things.push(thing(ConsentCategory::Body, Detail::Raw, "2024-05-10", "body_weight"));
    // An event has no Provenance: how it came about would tell more than that it took place.
    let observations: Vec<Thing> = things
        .iter()
        .copied()
        .filter(|thing| thing.detail != Detail::Event)
        .collect();
    things.extend(observations.into_iter().map(|thing| Thing {
        resource: "Provenance",
        ..thing
    }));
    things
}

/// Whether scopes reach a category of a type.
pub(super) type Scoped = fn(&str, ConsentCategory) -> bool;

/// Who asks.
pub(super) struct Asker {
    pub(super) name: String,
    /// The header that they show.
    pub(super) authorization: Option<String>,
    /// Whose ids they use: the outward ids of this recipient.
    pub(super) recipient: RecipientId,
    /// False where the token opens nothing at all.
    pub(super) lives: bool,
    /// True when the token is of another person than the one whose ids are asked for.
    pub(super) of_another: bool,
    pub(super) categories: Vec<ConsentCategory>,
    pub(super) detail: Detail,
    pub(super) from: Option<&'static str>,
    pub(super) scoped: Scoped,
}

impl Asker {
    /// By rule: a thing passes when the token lives, is of its person, and scope and consent both reach it.
    pub(super) fn is_given(&self, thing: &Thing) -> bool {
        self.lives
            && !self.of_another
            && self.is_in_scope(thing)
            && self.categories.contains(&thing.category)
            && self.detail.includes(thing.detail)
            && self.from.is_none_or(|from| thing.day.is_none_or(|day| day >= from))
    }

    /// True when scopes reach anything of a type.
    pub(super) fn reaches(&self, resource: &str) -> bool {
        ConsentCategory::ALL
            .iter()
            .any(|category| (self.scoped)(resource, *category))
    }

    pub(super) fn is_in_scope(&self, thing: &Thing) -> bool {
        (self.scoped)(thing.resource, thing.category) && (self.scoped)("Observation", thing.category)
    }
}

pub(super) async fn askers(world: &World) -> Vec<Asker> {
    const HEART: &str =
        "patient/Observation.rs?category=https://sekisho.example/fhir/CodeSystem/consent-category|heart";
    let all = ConsentCategory::ALL.to_vec();
    let everything: Scoped = |_, _| true;
    let heart_alone: Scoped = |resource, category| resource == "Observation" && category == ConsentCategory::Heart;
    let second_day = LocalDay::parse("2024-05-11");
    let another = world.somebody_else().await;
    let reach: Vec<(&str, Given<'_>, Scoped)> = vec![
        (
            "expired",
            Given {
                // Long enough to be given, short enough to wait for.
                expires: Some(world.state.clock.now().plus(1_000)),
                ..Given::default()
            },
            everything,
        ),
        ("all, raw", Given::default(), everything),
        (
            "all, daily",
            Given {
                detail: Detail::Daily,
                ..Given::default()
            },
            everything,
        ),
        (
            "heart",
            Given {
                categories: &[ConsentCategory::Heart],
                ..Given::default()
            },
            everything,
        ),
        (
            "activity, daily",
            Given {
                categories: &[ConsentCategory::Activity],
                detail: Detail::Daily,
                ..Given::default()
            },
            everything,
        ),
        (
            "all, weekly",
            Given {
                detail: Detail::Weekly,
                ..Given::default()
            },
            everything,
        ),
        (
            "all, monthly",
            Given {
                detail: Detail::Monthly,
                ..Given::default()
            },
            everything,
        ),
        (
            "all, events",
            Given {
                detail: Detail::Event,
                ..Given::default()
            },
            everything,
        ),
        (
            "sleep",
            Given {
                categories: &[ConsentCategory::Sleep],
                ..Given::default()
            },
            everything,
        ),
        (
            "from the second day",
            Given {
                from: second_day,
                ..Given::default()
            },
            everything,
        ),
        (
            "the scope of heart",
            Given {
                scopes: HEART,
                ..Given::default()
            },
            heart_alone,
        ),
        (
            "the scope of heart, sleep agreed to",
            Given {
                scopes: HEART,
                categories: &[ConsentCategory::Sleep],
                ..Given::default()
            },
            heart_alone,
        ),
        (
            "somebody else's",
            Given {
                person: Some(another),
                ..Given::default()
            },
            everything,
        ),
        ("withdrawn", Given::default(), everything),
    ];
    let mut over = Vec::new();
    let mut askers = Vec::new();
    for (name, given, scoped) in reach {
        over.extend(given.expires);
        let (categories, detail, from) = (
            given.categories.to_vec(),
            given.detail,
            given.from.map(|_| "2024-05-11"),
        );
        let of_another = given.person.is_some();
        let granted = world.given(given).await;
        if name == "withdrawn" {
            world
                .state
                .store
                .withdraw_consent(&world.own(), granted.consent.id)
                .await
                .unwrap();
        }
        askers.push(Asker {
            name: name.to_owned(),
            authorization: Some(bearer(&granted)),
            recipient: granted.recipient,
            lives: !["withdrawn", "expired"].contains(&name),
            of_another,
            categories,
            detail,
            from,
            scoped,
        });
    }
    for (name, authorization) in [("nobody", None), ("a made-up token", Some("Bearer abcdef".to_owned()))] {
        askers.push(Asker {
            name: name.to_owned(),
            authorization,
            recipient: askers[0].recipient,
            lives: false,
            of_another: false,
            categories: all.clone(),
            detail: Detail::Raw,
            from: None,
            scoped: everything,
        });
    }
    while over.iter().any(|over| world.state.clock.now() <= *over) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    askers
}

/// The keys of all things, found by a recipient who may see all.
pub(super) async fn keys(world: &World) -> Vec<model::RecordKey> {
    let whole = world.given(Given::default()).await;
    let ids_of = world.state.pairwise.of(whole.recipient);
    let mut keys = Vec::new();
    for thing in things() {
        let query = format!("Observation?{}", thing.query());
        let observation = ids(&[world.found(&whole, &query).await]).remove(0);
        let id = match thing.resource {
            "Provenance" => {
                let query = format!("Provenance?target=Observation/{observation}");
                ids(&[world.found(&whole, &query).await]).remove(0)
            }
            _ => observation,
        };
        keys.push(ids_of.read(&id).unwrap());
    }
    keys
}
