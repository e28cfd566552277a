//! The data service that OMRON connect has for partners (its B2B Data Service Platform, revision 1.4): readings of many people by one
//! account, asked for by a growing number, or laid down as files.
//!
//! How an answer nests down to a device's readings, and what a code and a unit are, is taken from the same vendor's service for phones:
//! the contract's document was not to be had. Hold the first real answer against `fixtures/` before it is relied on.

mod coverage;
mod item;

use std::collections::BTreeMap;

use model::UtcMillis;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::feed::{Call, Feed, MOST_BYTES, MOST_PEOPLE, NotAnAnswer, Page, Part, Partner};
use crate::{Adapter, AdapterError, Coverage, Input, Reading, Sink, push};

/// What is asked of the service for partners.
#[derive(Clone, Copy, Debug)]
pub struct OmronB2b;

const NAME: &str = "omron-b2b";
const FORMAT: &str = "omron-b2b/1";

/// The longest name of an account: of its group, and of itself.
const LONGEST_NAME: usize = 120;

impl Adapter for OmronB2b {
    fn name(&self) -> &'static str {
        NAME
    }

    fn mapping_version(&self) -> u32 {
        coverage::MAPPING_VERSION
    }

    fn describes(&self) -> &'static str {
        "what OMRON connect hands a partner of one person"
    }

    fn coverage(&self) -> Coverage {
        coverage::coverage()
    }

    fn recognises(&self, input: &Input<'_>) -> bool {
        push::recognises_format(FORMAT, input, MOST_BYTES as u64)
    }

    fn read(&self, input: &Input<'_>, sink: &mut dyn Sink) -> Result<Reading, AdapterError> {
        item::read(FORMAT, input, sink)
    }
}

/// An answer, down to whose what is.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(rename = "NextSequenceNo")]
    next: Name,
    #[serde(rename = "PartnerList", borrow)]
    partners: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct PartnerOf<'a> {
    #[serde(rename = "GroupList", borrow)]
    groups: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(rename = "GroupId")]
    id: Name,
    #[serde(rename = "UserList", borrow)]
    users: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(rename = "UserId")]
    id: Name,
    #[serde(rename = "deviceCategoryList", borrow)]
    categories: Option<&'a RawValue>,
}

/// An item of a file, down to whose it is.
#[derive(Deserialize)]
struct Item {
    #[serde(rename = "GroupId")]
    group: Name,
    #[serde(rename = "UserId")]
    user: Name,
}

/// What stands there once or in a list.
fn many<'a, T: Deserialize<'a>>(there: Option<&'a RawValue>) -> Result<Vec<T>, NotAnAnswer> {
    let Some(there) = there.map(RawValue::get) else {
        return Ok(Vec::new());
    };
    let list = match there.starts_with('[') {
        true => serde_json::from_str(there),
        false => serde_json::from_str(there).map(|one| vec![one]),
    };
    list.map_err(|_| NotAnAnswer)
}

/// A name or a number, which is written with quotes or without.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Number(u64),
}

impl Name {
    fn text(&self) -> Result<String, NotAnAnswer> {
        let text = match self {
            Self::Text(text) => text.trim().to_owned(),
            Self::Number(number) => number.to_string(),
        };
        match (1..=LONGEST_NAME).contains(&text.len()) {
            true => Ok(text),
            false => Err(NotAnAnswer),
        }
    }
}

impl Feed for OmronB2b {
    fn title(&self) -> [&'static str; 2] {
        ["オムロン コネクト", "OMRON connect"]
    }

    fn sign_in(&self, partner: &Partner<'_>) -> Call {
        let (account, password) = partner.account;
        Call {
            path: "/oauth2/token".to_owned(),
            headers: Vec::new(),
            body: Some(json!({"grant_type": "password", "username": account, "password": password})),
        }
    }

    fn token(&self, answer: &[u8]) -> Result<(String, i64), NotAnAnswer> {
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
            expires_in: i64,
        }
        let token: Token = serde_json::from_slice(answer).map_err(|_| NotAnAnswer)?;
        Ok((token.access_token, token.expires_in))
    }

    fn request(&self, partner: &Partner<'_>, sequence: u64) -> Call {
        let (tenant, number) = (partner.tenant, partner.number);
        Call {
            path: format!("/a/b2b-data-api/v1.0/wps/8/{tenant}/partners/{number}/vital-signs?SequenceNo={sequence}"),
            headers: vec![("MyLoginName", partner.account.0.to_owned())],
            body: None,
        }
    }

    fn page(&self, answer: &[u8], obtained: UtcMillis) -> Result<Page, NotAnAnswer> {
        let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|_| NotAnAnswer)?;
        let mut by_account = ByAccount::default();
        for partner in many::<PartnerOf<'_>>(answer.partners)? {
            for group in many::<Group<'_>>(partner.groups)? {
                for user in many::<User<'_>>(group.users)? {
                    let account = format!("{}/{}", group.id.text()?, user.id.text()?);
                    for category in many(user.categories)? {
                        by_account.add(&account, category)?;
                    }
                }
            }
        }
        Ok(Page {
            next: answer.next.text()?.parse().map_err(|_| NotAnAnswer)?,
            parts: by_account.parts(obtained)?,
        })
    }

    fn file(&self, bytes: &[u8], obtained: UtcMillis) -> Result<Vec<Part>, NotAnAnswer> {
        let items: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|_| NotAnAnswer)?;
        let mut by_account = ByAccount::default();
        for item in items {
            let whose: Item = serde_json::from_str(item.get()).map_err(|_| NotAnAnswer)?;
            let account = format!("{}/{}", whose.group.text()?, whose.user.text()?);
            by_account.add(&account, item)?;
        }
        by_account.parts(obtained)
    }
}

/// Lists of readings, by whose they are.
#[derive(Default)]
struct ByAccount<'a>(BTreeMap<String, Vec<&'a RawValue>>);

impl<'a> ByAccount<'a> {
    fn add(&mut self, account: &str, list: &'a RawValue) -> Result<(), NotAnAnswer> {
        if self.0.len() >= MOST_PEOPLE && !self.0.contains_key(account) {
            return Err(NotAnAnswer);
        }
        self.0.entry(account.to_owned()).or_default().push(list);
        Ok(())
    }

    fn parts(self, obtained: UtcMillis) -> Result<Vec<Part>, NotAnAnswer> {
        let obtained = jiff::Timestamp::from_millisecond(obtained.0).map_err(|_| NotAnAnswer)?;
        let part = |(account, lists): (String, Vec<&RawValue>)| {
            let text = json!({"format": FORMAT, "obtainedAt": obtained.to_string(), "lists": lists});
            Part {
                account,
                text: text.to_string().into_bytes(),
            }
        };
        Ok(self.0.into_iter().map(part).collect())
    }
}

#[cfg(test)]
mod tests;
