//! How a recipient asks: per purpose what it needs and why, what it does not use data for, and what becomes of data after a consent
//! has ended, in both languages. A change makes a new version; the earlier ones are kept. Consents keep the text they were given in.

use std::collections::HashMap;

use consent::Purpose;
use model::{ConsentCategory, RecipientId, UtcMillis};
use serde::{Deserialize, Serialize};

use crate::sqlite;
use crate::{Actor, Result, Store, StoreError};

/// The longest text of a template, in characters.
const MAX_TEXT: usize = 500;

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// In Japanese.
    #[serde(default)]
    pub ja: String,
    /// In English.
    #[serde(default)]
    pub en: String,
}

/// One kind of data that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Key of the consent category.
    pub category: String,
    /// True when the app cannot do without.
    pub needed: bool,
    /// Why it is asked for.
    #[serde(default)]
    pub reason: Bilingual,
}

/// How a recipient asks for one purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What is needed, and why.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// What the data is not used for; may be empty.
    #[serde(default)]
    pub not_for: Bilingual,
    /// What becomes of data already given once the consent has ended; may be empty.
    #[serde(default)]
    pub afterwards: Bilingual,
    /// The number of another recipient: this purpose is nothing but an id by which the two know that it is the same person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links_with: Option<u32>,
}

impl Template {
    /// What it says of a category.
    pub fn need(&self, category: ConsentCategory) -> Option<&Need> {
        self.needs.iter().find(|need| need.category == category.key())
    }

    fn validate(&self) -> Result<()> {
        let reasons = self.needs.iter().map(|need| &need.reason);
        for text in reasons.chain([&self.not_for, &self.afterwards]) {
            if text.ja.is_empty() != text.en.is_empty() {
                return Err(StoreError::Invalid {
                    what: "a text of a template stands there in Japanese and in English, or in neither",
                });
            }
            if [&text.ja, &text.en].iter().any(|text| text.chars().count() > MAX_TEXT) {
                return Err(StoreError::Invalid {
                    what: "a text of a template has at most 500 characters",
                });
            }
        }
        if self.links_with.is_some() && !self.needs.is_empty() {
            return Err(StoreError::Invalid {
                what: "a purpose that links two recipients asks for nothing else",
            });
        }
        for (place, need) in self.needs.iter().enumerate() {
            let earlier = &self.needs[..place];
            if ConsentCategory::from_key(&need.category).is_none()
                || earlier.iter().any(|other| other.category == need.category)
            {
                return Err(StoreError::Invalid {
                    what: "a template names consent categories by their keys, each once",
                });
            }
        }
        Ok(())
    }
}

/// A version of how a purpose was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// Counts from 1.
    pub version: u32,
    /// Since when.
    pub at: UtcMillis,
    /// What the purpose was called.
    pub text: Bilingual,
    /// The template.
    pub template: Template,
    /// Whether residents who agreed before it are asked again.
    pub asks: bool,
}

impl Store {
    /// How a recipient asks for a purpose now; nothing where no template was ever set.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn template(&self, recipient: RecipientId, purpose: &Purpose) -> Result<Template> {
        let purpose = purpose.clone();
        self.database
            .read("read a template", move |snapshot| {
                sqlite::templates::current(snapshot, recipient, &purpose)
            })
            .await
    }

    /// States anew what a purpose means and how it is asked for; the number of the version. `asks`: residents who agreed before
    /// are asked again, since the change matters to them; data passes as they agreed until they answer.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for texts in one language only or too long and for unknown categories, [`StoreError::NotFound`]
    /// for a purpose that is none of the recipient's, and what writing can answer.
    pub async fn set_template(
        &self,
        recipient: RecipientId,
        purpose: &Purpose,
        text: Bilingual,
        template: Template,
        asks: bool,
        by: Actor,
    ) -> Result<u32> {
        template.validate()?;
        if text.ja.trim().is_empty() || text.en.trim().is_empty() {
            return Err(StoreError::Invalid {
                what: "a purpose is said in Japanese and in English",
            });
        }
        let purpose = purpose.clone();
        self.database
            .write("set a template", move |writing| {
                sqlite::templates::set(writing, recipient, &purpose, &text, &template, asks, by)
            })
            .await
    }

    /// For each recipient and purpose that was stated anew so that residents are asked again: since when, at the latest.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn asked_anew(&self) -> Result<HashMap<(RecipientId, Purpose), UtcMillis>> {
        self.database
            .read("list what is asked anew", sqlite::templates::asked_anew)
            .await
    }

    /// All versions of how a purpose was asked for, the latest first.
    ///
    /// # Errors
    /// What reading can answer.
    pub async fn template_versions(&self, recipient: RecipientId, purpose: &Purpose) -> Result<Vec<TemplateVersion>> {
        let purpose = purpose.clone();
        self.database
            .read("list template versions", move |snapshot| {
                sqlite::templates::versions(snapshot, recipient, &purpose)
            })
            .await
    }
}
