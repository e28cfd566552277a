//! Myna Portal, through an intermediary that approved operators use: ConnectRPC as JSON over `POST` (`pocketsign.mynaconnect.v1`).
//!
//! Names of calls, of members and of statuses are those that the intermediary's public demonstration shows. Three things it does not
//! show, and they are assumed: the members of an identity (the four attributes of the card are looked for under the names that the
//! state's own provider uses), that a session is asked again within its period by the same call, and that a binary file stands in
//! `raw` as Base64. Each assumption has one place here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::LocalDay;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Adapter;
use crate::checkup::CheckupDocuments;
use crate::delegated::{Begin, Begun, Call, Delegated, Identity, NotAnAnswer, Status};

/// Myna Portal.
pub struct MynaPortal;

/// The service of the intermediary's interface.
const SERVICE: &str = "/pocketsign.mynaconnect.v1.MynaConnectService";

/// Days for which one agreement holds (期間連携API).
const DAYS: u16 = 90;

/// The longest name of a session, in bytes.
const LONGEST: usize = 512;

fn call(method: &str, body: Value) -> Call {
    Call {
        path: format!("{SERVICE}/{method}"),
        body,
    }
}

fn parsed<T: for<'de> Deserialize<'de>>(answer: &[u8]) -> Result<T, NotAnAnswer> {
    serde_json::from_slice(answer).map_err(|_| NotAnAnswer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    session_id: String,
    redirect_uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    status: String,
    #[serde(default)]
    error_reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SentOn {
    redirect_uri: String,
}

#[derive(Deserialize)]
struct Fetched {
    #[serde(default)]
    raw: String,
}

impl Delegated for MynaPortal {
    fn name(&self) -> &'static str {
        "myna-portal"
    }

    fn title(&self) -> [&'static str; 2] {
        ["マイナポータル", "Myna Portal"]
    }

    fn about(&self) -> [&'static str; 2] {
        [
            "特定健診などの結果を、マイナンバーカードで確かめて受け取ります。マイナンバー(個人番号)は受け取りません。",
            "Results of health checkups, received after you show your My Number Card. Your Individual Number is not received.",
        ]
    }

    fn reads(&self) -> &'static dyn Adapter {
        &CheckupDocuments
    }

    fn days(&self) -> u16 {
        DAYS
    }

    fn begin(&self, begin: &Begin<'_>) -> Call {
        let day = begin.day.to_string().replace('-', "");
        call(
            "CreateSelfPersonalDataRequestSession",
            json!({
                "serviceId": begin.service,
                "inquiryCond": {"date": {"date": day}},
                "redirectUri": begin.return_to,
            }),
        )
    }

    fn begun(&self, answer: &[u8]) -> Result<Begun, NotAnAnswer> {
        let created: Created = parsed(answer)?;
        let is_name = (1..=LONGEST).contains(&created.session_id.len());
        is_name
            .then_some(Begun {
                session: created.session_id,
                go_to: created.redirect_uri,
            })
            .ok_or(NotAnAnswer)
    }

    fn status(&self, session: &str) -> Call {
        call("GetSelfPersonalDataRequestStatus", json!({"sessionId": session}))
    }

    fn told(&self, answer: &[u8]) -> Result<Status, NotAnAnswer> {
        let told: Told = parsed(answer)?;
        // Enumerations of Protocol Buffers are written with their type's name in front.
        let status = told.status.strip_prefix("SELF_PERSONAL_DATA_REQUEST_STATUS_");
        let declined = ["CANCEL", "DENI", "REJECT", "DECLIN"];
        Ok(match status.unwrap_or(&told.status) {
            "PENDING" => Status::Collecting,
            "NEED_TO_VERIFY_USER" => Status::AsksWho,
            "SUCCESS" => Status::Ready,
            "EXPIRED" => Status::Expired,
            "ERROR" if declined.iter().any(|word| told.error_reason.contains(word)) => Status::Declined,
            "ERROR" => Status::Failed,
            _ => return Err(NotAnAnswer),
        })
    }

    fn identity(&self, session: &str) -> Call {
        call("GetUserIdentity", json!({"sessionId": session}))
    }

    fn identified(&self, answer: &[u8]) -> Result<Identity, NotAnAnswer> {
        let whole: Value = parsed(answer)?;
        let birth = attribute(&whole, &["birthdate", "birthDate", "dateOfBirth"]);
        Ok(Identity {
            name: attribute(&whole, &["name"]).unwrap_or_default().to_owned(),
            birth: birth.and_then(day).ok_or(NotAnAnswer)?,
            sex: attribute(&whole, &["gender", "sex"]).and_then(sex),
        })
    }

    fn verified(&self, session: &str, is_same: bool) -> Call {
        call(
            "SubmitUserIdentityVerificationResult",
            json!({"sessionId": session, "ok": is_same}),
        )
    }

    fn sent_on(&self, answer: &[u8]) -> Result<String, NotAnAnswer> {
        parsed::<SentOn>(answer).map(|sent| sent.redirect_uri)
    }

    fn result(&self, session: &str) -> Call {
        call("GetSelfPersonalDataRequestResult", json!({"sessionId": session}))
    }

    fn files(&self, answer: &[u8]) -> Result<Vec<Vec<u8>>, NotAnAnswer> {
        let fetched: Fetched = parsed(answer)?;
        let raw = fetched.raw.trim();
        Ok(match STANDARD.decode(raw) {
            _ if raw.is_empty() => Vec::new(),
            // A text of these formats has characters that Base64 has not.
            Ok(file) => vec![file],
            Err(_) => vec![raw.as_bytes().to_vec()],
        })
    }
}

/// An attribute of the card, in the answer itself or one level below.
fn attribute<'a>(whole: &'a Value, names: &[&str]) -> Option<&'a str> {
    let members = whole.as_object()?;
    let here = names.iter().find_map(|name| members.get(*name)?.as_str());
    here.or_else(|| {
        let below = members.values().filter_map(Value::as_object);
        below
            .flat_map(|inner| names.iter().map(move |name| inner.get(*name)))
            .flatten()
            .find_map(Value::as_str)
    })
}

/// `YYYYMMDD` or `YYYY-MM-DD`.
fn day(text: &str) -> Option<LocalDay> {
    let is_short = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    match is_short {
        true => LocalDay::parse(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])),
        false => LocalDay::parse(text),
    }
}

fn sex(text: &str) -> Option<u8> {
    match text {
        "1" | "male" => Some(1),
        "2" | "female" => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str, reason: &str) -> Result<Status, NotAnAnswer> {
        MynaPortal.told(json!({"status": text, "errorReason": reason}).to_string().as_bytes())
    }

    #[test]
    fn statuses_are_read_with_and_without_their_types_name() {
        let long = "SELF_PERSONAL_DATA_REQUEST_STATUS_";
        for (word, expected) in [
            ("PENDING", Status::Collecting),
            ("NEED_TO_VERIFY_USER", Status::AsksWho),
            ("SUCCESS", Status::Ready),
            ("EXPIRED", Status::Expired),
            ("ERROR", Status::Failed),
        ] {
            assert_eq!(status(word, ""), Ok(expected));
            assert_eq!(status(&format!("{long}{word}"), ""), Ok(expected));
        }
        assert_eq!(status("ERROR", "USER_CANCELLED"), Ok(Status::Declined));
        assert_eq!(status("ERROR", "HOLDER_MAINTENANCE"), Ok(Status::Failed));
        assert_eq!(status("SOMETHING_ELSE", ""), Err(NotAnAnswer));
        assert_eq!(MynaPortal.told(b"maintenance"), Err(NotAnAnswer));
    }

    #[test]
    fn an_identity_is_read_in_any_of_its_writings_and_shows_itself_to_no_log() {
        let birth = LocalDay::from_ymd(1958, 4, 12).unwrap();
        for text in [
            json!({"name": "関所　花子", "birthdate": "19580412", "gender": "2"}),
            json!({"basic4": {"name": "関所　花子", "birthDate": "1958-04-12", "gender": "female"}}),
            json!({"identity": {"name": "関所　花子", "dateOfBirth": "1958-04-12", "sex": "2", "address": "1-1"}}),
        ] {
            let identity = MynaPortal.identified(text.to_string().as_bytes()).unwrap();
            assert_eq!(
                (identity.name.as_str(), identity.birth, identity.sex),
                ("関所　花子", birth, Some(2))
            );
            assert_eq!(format!("{identity:?}"), "Identity(..)");
        }
        for none in [
            json!({}),
            json!({"birthdate": "19580230"}),
            json!({"birthdate": 19580412}),
            json!([]),
        ] {
            assert_eq!(MynaPortal.identified(none.to_string().as_bytes()), Err(NotAnAnswer));
        }
    }

    #[test]
    fn files_come_as_text_or_packed() {
        let files = |raw: &str| MynaPortal.files(json!({"raw": raw}).to_string().as_bytes()).unwrap();
        assert_eq!(files("<ClinicalDocument/>"), [b"<ClinicalDocument/>".to_vec()]);
        assert_eq!(files("UEsDBA=="), [b"PK\x03\x04".to_vec()]);
        assert!(files("").is_empty());
        assert!(MynaPortal.files(b"{\"raw\":").is_err());
    }

    #[test]
    fn what_is_asked_for_names_the_day_and_where_to_come_back() {
        let call = MynaPortal.begin(&Begin {
            service: "svc",
            return_to: "https://phr.example/portal/delegations/return",
            day: LocalDay::from_ymd(2026, 4, 1).unwrap(),
        });
        assert_eq!(
            call.body,
            json!({"serviceId": "svc", "inquiryCond": {"date": {"date": "20260401"}},
                   "redirectUri": "https://phr.example/portal/delegations/return"})
        );
        assert!(
            call.path.ends_with("/CreateSelfPersonalDataRequestSession"),
            "{}",
            call.path
        );
        let long = "x".repeat(LONGEST + 1);
        let answer = json!({"sessionId": long, "redirectUri": "https://x.example"}).to_string();
        assert_eq!(MynaPortal.begun(answer.as_bytes()), Err(NotAnAnswer));
    }
}
