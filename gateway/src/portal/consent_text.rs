//! A consent in words: the exact text of what was agreed to, kept with it, and the lines that the list of consents shows.
//! The same texts as on the page, so that what was read is what is kept.

use consent::{Detail, Grant, IdentityGrant};
use model::{ConsentCategory, LocalDay};

use super::choices::{Chosen, LINKING, identity_field};
use super::consent_page::ConsentPage;
use super::resident::day;
use super::words::Words;

impl Words {
    /// What a category is called.
    pub fn category(&self, category: ConsentCategory) -> String {
        self.say(&format!("category-{}", category.key()))
    }

    /// How finely a grant gives.
    pub fn detail(&self, grant: &Grant) -> String {
        if grant.category.is_whole() {
            return self.say("detail-whole");
        }
        let detail = self.given_detail(grant.detail);
        match grant.detail {
            Detail::Daily | Detail::Weekly | Detail::Monthly if grant.running_day => {
                format!("{detail}{}", self.say("detail-running"))
            }
            _ => detail,
        }
    }

    /// How finely something was given.
    pub fn given_detail(&self, detail: Detail) -> String {
        self.say(match detail {
            Detail::Raw => "detail-raw",
            Detail::Daily => "detail-daily",
            Detail::Weekly => "detail-weekly",
            Detail::Monthly => "detail-monthly",
            Detail::Event => "detail-event",
        })
    }

    /// How finely something of a category was given.
    pub fn detail_of(&self, category: ConsentCategory, detail: Detail) -> String {
        match category.is_whole() {
            true => self.say("detail-whole"),
            false => self.given_detail(detail),
        }
    }

    /// From which day on data is given.
    pub fn starting_when(&self, from: Option<LocalDay>) -> String {
        match from {
            Some(from) => self.with("from-day-text", "day", day(self.0, from)),
            None => self.say("from-all-text"),
        }
    }

    /// Until when something holds.
    pub fn until_when(&self, until: Option<LocalDay>) -> String {
        match until {
            Some(until) => self.with("until-day-text", "day", day(self.0, until)),
            None => self.say("until-withdrawn-text"),
        }
    }

    /// The lines about who the person is; `None` when there are none.
    pub fn identity(&self, identity: IdentityGrant) -> Option<String> {
        let linking = identity.linking.map(|_| self.say(LINKING));
        let lines: Vec<String> = identity
            .lines()
            .map(|line| self.say(identity_field(line)))
            .chain(linking)
            .collect();
        (!lines.is_empty()).then(|| lines.join(&self.say("list-joint")))
    }
}

impl ConsentPage {
    /// What is agreed to, in words: kept with the consent.
    pub fn wording(&self, chosen: &Chosen) -> String {
        let words = Words(self.language);
        let recipient = words.pick(&self.recipient.name_ja, &self.recipient.name_en);
        let mut lines = vec![
            words.fill(
                "text-agreed",
                [("recipient", recipient.to_owned()), ("app", self.client_name.clone())],
            ),
            words.with(
                "text-purpose",
                "purpose",
                words.pick(&self.purpose.ja, &self.purpose.en),
            ),
        ];
        lines.extend(self.acting());
        lines.extend(self.not_for());
        if let Some((_, other)) = self.links.as_ref().filter(|_| chosen.identity.linking.is_some()) {
            lines.push(words.fill(
                "text-linking",
                [("recipient", recipient.to_owned()), ("other", other.clone())],
            ));
        } else if chosen.grants.is_empty() {
            lines.push(words.say("text-no-data"));
        } else {
            lines.push(words.say("text-data"));
            lines.extend(chosen.grants.iter().map(|grant| {
                let contents = words.say(&format!("category-{}-contents", grant.category.key()));
                words.fill(
                    "text-data-line",
                    [
                        ("category", words.category(grant.category)),
                        ("contents", contents),
                        ("detail", words.detail(grant)),
                    ],
                )
            }));
            lines.push(words.with("text-from", "from", words.starting_when(chosen.from)));
        }
        lines.push(match words.identity(chosen.identity) {
            Some(identity) => words.with("text-identity", "lines", identity),
            None => words.say("text-identity-none"),
        });
        lines.push(words.with("text-until", "until", words.until_when(chosen.until)));
        if self.offline {
            lines.push(words.say("text-offline"));
        }
        lines.push(self.stop());
        lines.push(words.say("consent-refuse-effect"));
        lines.join("\n")
    }
}
