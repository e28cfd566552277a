//! A phone is paired on the resident's page, pushes, sends the same again, corrects and deletes, and is ended.

use std::io::Write as _;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use consent::OwnAccess;
use flate2::Compression;
use flate2::write::GzEncoder;
use model::{Metric, UtcMillis};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use store::{Access, Record, Search};
use tower::ServiceExt as _;

use adapters::apple_health_push::synthetic::push as batch;
use adapters::health_connect::synthetic::push as records;

use super::code;
use crate::server;
use crate::sign_in::testing::Gateway;

mod replayed;

struct World {
    gateway: Gateway,
    router: Router,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Json,
}

impl World {
    async fn new() -> Self {
        let gateway = Gateway::start(&[("SEKISHO_LIMITS_ADDRESS_PER_MINUTE", "100000")]).await;
        let router = server::router(gateway.state.clone(), Router::new());
        Self { gateway, router }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 24).await.unwrap();
        Answer {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap_or(Json::Null),
        }
    }

    async fn post(&self, path: &str, token: Option<&str>, body: Vec<u8>, coding: Option<&str>) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(coding) = coding {
            request = request.header(header::CONTENT_ENCODING, coding);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// The code that hanako's page shows.
    async fn code(&self) -> String {
        let mut browser = self.gateway.browser();
        browser.sign_in("hanako", "/portal/phones").await;
        let csrf = browser.get("/portal/phones").await.field("csrf");
        let page = browser.post("/portal/phones", &[("csrf".to_owned(), csrf)]).await.body;
        let (_, rest) = page.split_once("<p class=\"code\">").unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    }

    async fn paired(&self) -> String {
        let code = self.code().await.to_lowercase().replace('-', " ");
        let body = json!({"code": code, "name": "花子のスマホ"}).to_string().into_bytes();
        let answer = self.post("/push/v1/companions", None, body, None).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["token"].as_str().unwrap().to_owned()
    }

    async fn push(&self, token: &str, body: &Json) -> Answer {
        let body = body.to_string().into_bytes();
        self.post("/push/v1/apple-health-push", Some(token), body, None).await
    }

    /// The counts of steps that hanako has.
    async fn steps(&self) -> Vec<String> {
        let store = &self.gateway.state.store;
        let person = store
            .person_by_identity(&self.gateway.issuer, "sub-1")
            .await
            .unwrap()
            .unwrap();
        let search = Search {
            raw: vec![Metric::STEP_COUNT],
            count: 100,
            now: self.gateway.state.clock.now(),
            ..Search::default()
        };
        let own = OwnAccess::of_signed_in(person);
        let page = store.search(Access::Own(&own), search).await.unwrap();
        let shown = |record| match record {
            Record::Sample(sample) => match sample.sample.value {
                model::Value::Quantity(value) => value.to_string(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        page.records.into_iter().map(shown).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_paired_pushes_corrects_deletes_and_is_ended() {
    let world = World::new().await;
    let token = world.paired().await;
    let mut first = batch("1", &[("a", 500, 8), ("b", 700, 9), ("c", 1, 10)], &[]);
    first["samples"][2].as_object_mut().unwrap().remove("startDate");
    let answer = world.push(&token, &first).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let counts = |answer: &Answer| {
        ["received", "stored", "duplicate", "unsupported", "rejected"].map(|name| answer.body[name].as_u64().unwrap())
    };
    assert_eq!(counts(&answer), [3, 2, 0, 0, 1]);
    let problem = json!([{"record": 3, "outcome": "rejected", "reason": "schema startDate"}]);
    assert_eq!(answer.body["problems"], problem);
    assert_eq!(world.steps().await, ["500", "700"]);
    // The same batch is answered as before; the same samples in another batch are known.
    assert_eq!(world.push(&token, &first).await.body, answer.body);
    let again = batch("2", &[("a", 500, 8), ("b", 700, 9)], &[]);
    assert_eq!(counts(&world.push(&token, &again).await), [2, 0, 2, 0, 0]);
    // A phone that counts its batches anew loses nothing: what it never said is read, though the id is known.
    let anew = batch("2", &[("a", 500, 8), ("e", 30, 11)], &[]);
    assert_eq!(counts(&world.push(&token, &anew).await), [2, 1, 1, 0, 0]);
    assert_eq!(world.steps().await, ["500", "700", "30"]);
    let gone = batch("1", &[], &["e"]);
    assert_eq!(counts(&world.push(&token, &gone).await), [1, 1, 0, 0, 0]);
    assert_eq!(world.push(&token, &first).await.body, answer.body);
    // An edit is a deletion and a new sample; a deletion comes by its id alone.
    let edit = batch("3", &[("d", 650, 8)], &["a", "b"]);
    assert_eq!(counts(&world.push(&token, &edit).await), [3, 3, 0, 0, 0]);
    assert_eq!(world.steps().await, ["650"]);
    // The page tells of the phone, and ends it.
    let mut browser = world.gateway.browser();
    browser.sign_in("hanako", "/portal/phones").await;
    let page = browser.get("/portal/phones").await;
    assert!(
        page.body.contains("花子のスマホ") && page.body.contains("最後に届いた日時"),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains("この7日間に届いた記録のうち、1件は読み取れませんでした"),
        "{}",
        page.body
    );
    let csrf = vec![("csrf".to_owned(), page.field("csrf"))];
    browser.post("/portal/phones/1/end", &csrf).await;
    let refused = world.push(&token, &again).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(refused.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(world.steps().await, ["650"], "what came stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_edited_under_one_id_and_read_anew_are_stored_once() {
    let world = World::new().await;
    let token = world.paired().await;
    let push = async |body: Json| {
        let body = body.to_string().into_bytes();
        let answer = world.post("/push/v1/health-connect", Some(&token), body, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        ["stored", "duplicate"].map(|name| answer.body[name].as_u64().unwrap())
    };
    let morning = ("a", 9, (8, 9), 500);
    assert_eq!(
        push(records("1", &[morning, ("b", 10, (9, 10), 700)], &[])).await,
        [2, 0]
    );
    // The walk goes on under its id; what was said before comes late.
    let longer = ("a", 11, (8, 11), 1_500);
    assert_eq!(push(records("2", &[longer], &[])).await, [1, 0]);
    assert_eq!(push(records("3", &[morning], &[])).await, [0, 1]);
    assert_eq!(world.steps().await, ["1500", "700"]);
    // After a month without asking, the phone reads everything anew.
    assert_eq!(
        push(records("4", &[longer, ("b", 10, (9, 10), 700)], &[])).await,
        [0, 2]
    );
    assert_eq!(push(records("5", &[], &["b"])).await, [1, 0]);
    assert_eq!(world.steps().await, ["1500"]);
    // What was said before the deletion stays deleted.
    assert_eq!(push(records("6", &[("b", 10, (9, 10), 700)], &[])).await, [0, 1]);
    assert_eq!(world.steps().await, ["1500"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_for_one_person() {
    let world = World::new().await;
    let code = world.code().await;
    let pair = |code: String, name: &str| json!({"code": code, "name": name}).to_string().into_bytes();
    let unnamed = world
        .post("/push/v1/companions", None, pair(code.clone(), " "), None)
        .await;
    assert_eq!(unnamed.status, StatusCode::BAD_REQUEST);
    let wrong = world
        .post("/push/v1/companions", None, pair("2345-6789".to_owned(), "x"), None)
        .await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let right = world
        .post("/push/v1/companions", None, pair(code.clone(), "x"), None)
        .await;
    assert_eq!(right.status, StatusCode::CREATED);
    let twice = world.post("/push/v1/companions", None, pair(code, "x"), None).await;
    assert_eq!(twice.status, StatusCode::FORBIDDEN);
    // A new code ends the one before.
    let before = world.code().await;
    world.code().await;
    let late = world.post("/push/v1/companions", None, pair(before, "x"), None).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    let none = world.post("/push/v1/companions", None, b"{}".to_vec(), None).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert!(none.body["detail"].as_str().unwrap().contains("`code`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_pushes_for_its_person_and_touches_nobody_else() {
    let world = World::new().await;
    let token = world.paired().await;
    let store = &world.gateway.state.store;
    let other = store.create_person(store::NewPerson::default()).await.unwrap();
    let own = OwnAccess::of_signed_in(other);
    store.begin_pairing(&own, [7; 32], UtcMillis::LATEST).await.unwrap();
    let others = crate::oauth::handles::hash("the other's token");
    let phone = store
        .pair([7; 32], others, "another".to_owned())
        .await
        .unwrap()
        .unwrap();
    // The same ids and the same name of a batch, of two people.
    let answer = world
        .push(&token, &batch("1", &[("a", 500, 8), ("b", 700, 9)], &[]))
        .await;
    assert_eq!(answer.body["stored"], 2);
    let of_other = world
        .push("the other's token", &batch("1", &[("a", 900, 8)], &[]))
        .await;
    assert_eq!(of_other.body["received"], 1, "each has answers of their own");
    let gone = world.push("the other's token", &batch("2", &[], &["a", "b"])).await;
    assert_eq!(gone.body["stored"], 2, "one that was there, one that never came");
    assert_eq!(world.steps().await, ["500", "700"]);
    // Nobody ends another's phone, and an erased person's pushes nothing.
    let issuer = &world.gateway.issuer;
    let hanako = store.person_by_identity(issuer, "sub-1").await.unwrap().unwrap();
    let ended = store.end_companion(&OwnAccess::of_signed_in(hanako), phone.id).await;
    assert!(matches!(ended, Err(store::StoreError::NotFound { .. })));
    store.erase_person(other).await.unwrap();
    let erased = world
        .push("the other's token", &batch("3", &[("a", 900, 8)], &[]))
        .await;
    assert_eq!(erased.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        world.push(&token, &batch("3", &[("c", 100, 7)], &[])).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_push_is_refused_and_says_what_is_wrong() {
    let world = World::new().await;
    let token = world.paired().await;
    let path = "/push/v1/apple-health-push";
    let whole = batch("1", &[("a", 500, 8)], &[]);
    let bytes = whole.to_string().into_bytes();
    assert_eq!(
        world.post(path, None, bytes.clone(), None).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        world.post(path, Some("x"), bytes.clone(), None).await.status,
        StatusCode::UNAUTHORIZED
    );
    for unknown in ["/push/v1/nobody", "/push/v1/apple-health"] {
        let answer = world.post(unknown, Some(&token), bytes.clone(), None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    assert_eq!(
        world.post(path, Some(&token), bytes.clone(), Some("br")).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert_eq!(
        world.post(path, Some(&token), vec![b' '; 5 << 20], None).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = packed(&vec![b' '; 20 << 20]);
    assert_eq!(
        world.post(path, Some(&token), bomb, Some("gzip")).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let mut later = whole.clone();
    later["sentAt"] = json!("yesterday");
    let mut other = whole.clone();
    other["format"] = json!("health-connect/1");
    let mut unnamed = whole.clone();
    unnamed["batch"] = json!("");
    for (wrong, said) in [
        (later.to_string(), "sentAt"),
        (other.to_string(), "format"),
        (unnamed.to_string(), "batch"),
        ("[1]".to_owned(), "batch"),
        ("{".to_owned(), "batch"),
    ] {
        let answer = world.post(path, Some(&token), wrong.into_bytes(), None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
    }
    let broken = world.post(path, Some(&token), bytes.clone(), Some("gzip")).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(world.steps().await.is_empty(), "nothing half-happens");
    let answer = world.post(path, Some(&token), packed(&bytes), Some("gzip")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(world.steps().await, ["500"]);
}

#[tokio::test]
async fn each_pushing_vendor_shows_its_schema() {
    let world = World::new().await;
    let mut pushing = 0;
    for adapter in adapters::all() {
        let path = format!("/push/v1/{}/schema", adapter.name());
        let answer = world.send(Request::get(path).body(Body::empty()).unwrap()).await;
        if adapter.push_schema().is_some() {
            pushing += 1;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.body["type"], "object");
        } else {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
        }
    }
    assert!(pushing >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tells_what_arrives_from_each_source_in_both_languages() {
    use crate::portal::gives::gives;
    use crate::portal::words::{LANGUAGE_COOKIE, Words};
    use consent::Language;
    let world = World::new().await;
    let mut browser = world.gateway.browser();
    browser.sign_in("hanako", "/portal/phones").await;
    for (place, language) in [Language::Ja, Language::En].into_iter().enumerate() {
        browser
            .cookies
            .insert(LANGUAGE_COOKIE.to_owned(), language.tag().to_owned());
        let page = browser.get("/portal/phones").await.body;
        let page = page.replace("&#39;", "'").replace("&#62;", ">").replace("&#38;", "&");
        for adapter in adapters::pushing() {
            let name = adapter.brought().unwrap()[place];
            let (_, told) = page.split_once(name).unwrap_or_else(|| panic!("{name}: {page}"));
            let (told, _) = told.split_once("</details>").unwrap();
            let gives = gives(Words(language), &[adapter.coverage()]);
            assert_eq!(told.matches("<dt>").count(), gives.len(), "{told}");
            for (category, names) in gives {
                assert!(
                    told.contains(&format!("<dt>{category}</dt><dd>{names}</dd>")),
                    "{category}: {told}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_pushes_go_when_their_time_is_over() {
    let world = World::new().await;
    let token = world.paired().await;
    world.push(&token, &batch("1", &[("a", 500, 8)], &[])).await;
    let store = &world.gateway.state.store;
    let kept = store
        .next_payloads("apple-health-push", UtcMillis(0), None)
        .await
        .unwrap();
    let body: Json = serde_json::from_slice(&kept[0].body).unwrap();
    assert_eq!(body["batch"], "1");
    assert_eq!(store.delete_payloads(UtcMillis::LATEST).await.unwrap(), 1);
    assert!(
        store
            .next_payloads("apple-health-push", UtcMillis(0), None)
            .await
            .unwrap()
            .is_empty()
    );
}

proptest! {
    #[test]
    fn a_code_reads_back_however_it_is_typed(seed in any::<u64>(), spaces in "[ -]{0,3}") {
        let shown = code::new(&model::environment::SeededRandomness::new(seed));
        prop_assert_eq!(shown.len(), 11);
        let typed = shown.to_lowercase().replace('-', &spaces);
        prop_assert_eq!(code::normal(&typed), code::normal(&shown));
    }
}
