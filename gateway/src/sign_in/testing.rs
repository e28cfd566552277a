//! A gateway for tests: pages and sign-in on a port of its own with the demo's provider beside them, and a browser that keeps
//! cookies and follows what it is told to.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use openidconnect::url::form_urlencoded;
use store::{MasterKey, NewOrganisation, NewPerson, OpenOptions, OrganisationKind, Store};
use tower::ServiceExt as _;

use model::environment::Clock;

use crate::config::Config;
use crate::demo::provider::{self, Login, ProviderSetup, RelyingParty};
use crate::environment::{MachineClock, MachineRandomness};
use crate::state::AppState;
use crate::{portal, sign_in};

/// A running gateway.
pub struct Gateway {
    pub state: AppState,
    pub router: Router,
    pub base: String,
    pub issuer: String,
    _folder: tempfile::TempDir,
}

impl Gateway {
    /// With these settings besides the needed ones. `hanako` (sub-1) is linked to a person, `jiro` (sub-2) to nobody.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        Self::start_with(settings, |_| String::new()).await
    }

    /// As [`Gateway::start`], with a configuration file made of our own address. At `/national-idp` stands a provider that asks for
    /// `private_key_jwt` of `RP1` and states the level `aal3`.
    pub async fn start_with(settings: &[(&str, &str)], file: impl FnOnce(&str) -> String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(MachineClock);
        Self::start_at(listener, settings, file(&base), clock).await
    }

    /// As [`Gateway::start_with`], on this listener and by this clock.
    pub async fn start_at(
        listener: tokio::net::TcpListener,
        settings: &[(&str, &str)],
        file: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let issuer = format!("{base}/demo-idp");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut environment = BTreeMap::from([
            ("SEKISHO_DATA_FOLDER".to_owned(), path("data")),
            ("SEKISHO_DATA_ID_ROOT_FILE".to_owned(), path("id-root.key")),
            ("SEKISHO_HTTP_PUBLIC_URL".to_owned(), base.clone()),
            ("SEKISHO_SIGN_IN_ISSUER".to_owned(), issuer.clone()),
            ("SEKISHO_OPERATORS_ISSUER".to_owned(), issuer.clone()),
            ("SEKISHO_OUTGOING_ALSO_REACHABLE".to_owned(), "127.0.0.0/8".to_owned()),
        ]);
        environment.extend(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let named = folder.path().join("sekisho.toml");
        std::fs::write(&named, file).unwrap();
        let config = Config::load(Some(&named), environment.into_iter()).unwrap();
        let store = Store::open(OpenOptions {
            folder: folder.path().join("data"),
            master_key: MasterKey::new([1; 32]),
            clock: Arc::clone(&clock),
            randomness: Arc::new(MachineRandomness),
            exclusive: true,
            size_limit: None,
        })
        .await
        .unwrap();
        let kind = OrganisationKind::Municipality;
        store
            .create_organisation(NewOrganisation {
                name: "関所市".to_owned(),
                kind,
            })
            .await
            .unwrap();
        let hanako = NewPerson {
            name: Some("関所 花子".to_owned()),
            ..NewPerson::default()
        };
        let person = store.create_person(hanako).await.unwrap();
        store.link_identity(person, &issuer, "sub-1").await.unwrap();
        let state = AppState::with_clock(config, store, Arc::clone(&clock)).unwrap();
        let login = |login: &str, sub: &str, name: &str| Login {
            login: login.to_owned(),
            password: "himitsu".to_owned(),
            sub: sub.to_owned(),
            name: name.to_owned(),
        };
        let demo = provider::routes(ProviderSetup {
            issuer: issuer.clone(),
            clients: vec![
                RelyingParty::public("sekisho", format!("{base}/sign-in/callback")),
                RelyingParty::public("sekisho-operators", format!("{base}/operator/callback")),
            ],
            level: None,
            residents: vec![
                login("hanako", "sub-1", "関所 花子"),
                login("jiro", "sub-2", "関所 次郎"),
                login("operator", "sub-3", "担当 一"),
                login("other-operator", "sub-4", "担当 二"),
                login("saburo", "sub-5", "関所 三郎"),
                login("shiro", "sub-6", "関所 四郎"),
                login("goro", "sub-7", "関所 五郎"),
            ],
            clock: Arc::clone(&clock),
            randomness: Arc::new(MachineRandomness),
        })
        .unwrap();
        let national = provider::routes(ProviderSetup {
            issuer: format!("{base}/national-idp"),
            clients: vec![RelyingParty {
                client_id: "RP1".to_owned(),
                redirect_uri: format!("{base}/sign-in/callback"),
                keys: Some(state.signing.public()),
            }],
            level: Some("aal3".to_owned()),
            residents: vec![login("jiro", "ppid-7", "関所 次郎")],
            clock: Arc::clone(&clock),
            randomness: Arc::new(MachineRandomness),
        })
        .unwrap();
        let router = Router::new()
            .merge(sign_in::routes())
            .merge(portal::routes())
            .merge(portal::upload_routes())
            .merge(crate::operator::routes(&state))
            .merge(crate::links::connect::routes())
            .merge(crate::delegations::routes())
            .merge(crate::links::webhooks::routes())
            .nest("/demo-idp", demo)
            .nest("/national-idp", national)
            .with_state(state.clone());
        let served = router.clone();
        tokio::spawn(async move { axum::serve(listener, served).await });
        Self {
            state,
            router,
            base,
            issuer,
            _folder: folder,
        }
    }

    /// A browser without cookies.
    pub fn browser(&self) -> Browser<'_> {
        Browser {
            gateway: self,
            cookies: BTreeMap::new(),
        }
    }
}

/// A browser.
#[derive(Clone)]
pub struct Browser<'a> {
    gateway: &'a Gateway,
    pub cookies: BTreeMap<String, String>,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Where it redirects to, without our own address.
    pub fn location(&self, base: &str) -> String {
        let location = self
            .headers
            .get(header::LOCATION)
            .map(|location| location.to_str().unwrap());
        let location = location.unwrap_or_else(|| panic!("{} without a redirect: {}", self.status, self.body));
        location.strip_prefix(base).unwrap_or(location).to_owned()
    }

    /// The values of hidden fields.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let attribute = |tag: &str, name: &str| {
            let rest = tag.split_once(&format!("{name}=\"")).unwrap().1;
            rest.split('"').next().unwrap().replace("&#38;", "&")
        };
        let tags = self.body.split("<input type=\"hidden\"").skip(1);
        tags.map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
            .collect()
    }

    /// The value of one hidden field.
    pub fn field(&self, name: &str) -> String {
        self.hidden().into_iter().find(|(known, _)| known == name).unwrap().1
    }
}

impl Browser<'_> {
    async fn call(&mut self, request: axum::http::request::Builder, body: Body) -> Answer {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request.header(header::COOKIE, cookies.join("; ")).body(body).unwrap();
        let response = self.gateway.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all(header::SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.call(Request::get(path), Body::empty()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.call(request, Body::from(body)).await
    }

    pub async fn post_multipart(&mut self, path: &str, boundary: &str, body: Vec<u8>) -> Answer {
        let kind = format!("multipart/form-data; boundary={boundary}");
        let request = Request::post(path).header(header::CONTENT_TYPE, kind);
        self.call(request, Body::from(body)).await
    }

    /// Begins a sign-in and types name and password; the path that the provider sends the browser back to.
    pub async fn log_in(&mut self, login: &str, return_to: &str) -> String {
        let encoded: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        self.log_in_from(login, &format!("/sign-in/start?return_to={encoded}"))
            .await
    }

    /// As [`Browser::log_in`], from this link.
    pub async fn log_in_from(&mut self, login: &str, link: &str) -> String {
        let base = &self.gateway.base;
        let start = self.get(link).await.location(base);
        let form = self.get(&start).await;
        let typed =
            [("login", login), ("password", "himitsu")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = [form.hidden(), typed.to_vec()].concat();
        let path = start.split('?').next().unwrap_or_default().to_owned();
        self.post(&path, &fields).await.location(base)
    }

    /// Signs in as an operator does; the last answer.
    pub async fn sign_in_operator(&mut self, login: &str) -> Answer {
        let base = &self.gateway.base;
        let start = self.get("/operator/sign-in").await.location(base);
        let form = self.get(&start).await;
        let typed =
            [("login", login), ("password", "himitsu")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = [form.hidden(), typed.to_vec()].concat();
        let back = self.post("/demo-idp/authorize", &fields).await.location(base);
        self.get(&back).await
    }

    /// Signs in whole.
    pub async fn sign_in(&mut self, login: &str, return_to: &str) -> Answer {
        let back = self.log_in(login, return_to).await;
        self.get(&back).await
    }
}
