//! Consents and records of provision in words, for the pages that show them.

use std::collections::HashMap;

use consent::{Consent, ConsentState, Detail, Grant, IdentityGrant, OwnAccess, Purpose};
use model::time::DAY_MS;
use model::{ConsentCategory, LocalDay, RecipientId, UtcMillis};
use store::{AccessEvent, Job, JobState, Notice, Recipient, StoreError, Task, UNDO_MS};

use super::resident::{Resident, day};
use super::words::Words;
use crate::state::AppState;

/// Within so many days of its end a consent says so.
const ENDING_DAYS: i64 = 30;

/// A consent as it is shown; all texts in the reader's language.
pub struct Card {
    /// Its id, as it stands in addresses of the portal.
    pub id: u64,
    /// The recipient's name.
    pub recipient: String,
    /// For what.
    pub purpose: String,
    /// What it gives.
    pub grants: Vec<GrantLine>,
    /// What it gives of who the person is.
    pub identity: Option<String>,
    /// Until when.
    pub until: String,
    /// When it was given.
    pub given: String,
    /// When something was given under it last.
    pub last: String,
    /// How and when it ended, if it has.
    pub state: Option<String>,
    /// In how many days it ends, where that is soon.
    pub ending: Option<String>,
    /// How far the word of its end got.
    pub told: Vec<String>,
    /// True while its withdrawal can be undone.
    pub can_undo: bool,
    /// Since when the recipient asks in other words, where the person has not answered yet.
    pub anew: Option<String>,
}

/// A grant as it is shown.
pub struct GrantLine {
    /// The category's name.
    pub category: String,
    /// How finely.
    pub detail: String,
    /// From which day on.
    pub from: String,
}

/// What was given on one day.
pub struct AccessDay {
    /// The day.
    pub day: String,
    /// A line for each recipient and kind of data.
    pub lines: Vec<AccessLine>,
}

/// What one recipient was given.
pub struct AccessLine {
    /// Who received what.
    pub what: String,
    /// Of which days, how often and how much.
    pub more: String,
}

/// Puts consents and accesses into words.
pub struct Teller<'a> {
    /// The wording.
    pub words: Words,
    /// All recipients.
    pub recipients: HashMap<RecipientId, Recipient>,
    /// What recipients were told of this person's consents.
    pub notices: Vec<Job>,
    /// Since when purposes are asked for in other words.
    pub anew: HashMap<(RecipientId, Purpose), UtcMillis>,
    /// Who reads.
    pub resident: &'a Resident,
}

impl Teller<'_> {
    /// Ready to tell of one person's consents.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn load<'a>(
        state: &AppState,
        own: &OwnAccess,
        words: Words,
        resident: &'a Resident,
    ) -> Result<Teller<'a>, StoreError> {
        let recipients = state.store.recipients().await?;
        Ok(Teller {
            words,
            recipients: recipients
                .into_iter()
                .map(|recipient| (recipient.id, recipient))
                .collect(),
            notices: state.store.notices(own).await?,
            anew: state.store.asked_anew().await?,
            resident,
        })
    }

    /// How far the word of a consent's end got: a line for the message, and one for the request to delete.
    fn told(&self, consent: &Consent) -> Vec<String> {
        let of_consent = self.notices.iter().filter_map(|job| {
            let Task::Tell(message) = &job.task;
            (message.consent == consent.id).then_some((message.notice, job))
        });
        of_consent
            .filter_map(|(notice, job)| {
                let about = match notice {
                    Notice::Withdrawn | Notice::Expired => "told-end",
                    Notice::DeletionRequested => "told-delete",
                    Notice::Changed { .. } => return None,
                };
                let state = match job.state {
                    JobState::Done => "done",
                    JobState::Dropped => "dropped",
                    JobState::Dead => "dead",
                    JobState::Leased => "trying",
                    JobState::Waiting if job.attempts == 0 => "waiting",
                    JobState::Waiting => "trying",
                };
                Some(
                    self.words
                        .with(&format!("{about}-{state}"), "when", self.moment(job.due)),
                )
            })
            .collect()
    }

    /// True while a withdrawal can be undone: for ten minutes, and while nothing else was agreed to in its place.
    pub fn can_undo(&self, consent: &Consent, all: &[Consent]) -> bool {
        consent.state == ConsentState::Withdrawn
            && self.resident.now < consent.changed_at.plus(UNDO_MS)
            && consent.ends_at().is_none_or(|end| self.resident.now < end)
            && all.iter().all(|other| {
                other.id == consent.id
                    || other.recipient != consent.recipient
                    || other.purpose != consent.purpose
                    || other.given_at < consent.changed_at
            })
    }

    /// A consent that ran out is over, even before it is marked so.
    pub fn is_active(&self, consent: &Consent) -> bool {
        consent.state == ConsentState::Active && consent.ends_at().is_none_or(|end| self.resident.now < end)
    }

    /// The name of a recipient.
    pub fn recipient(&self, id: RecipientId) -> String {
        match self.recipients.get(&id) {
            Some(recipient) => self.words.pick(&recipient.name_ja, &recipient.name_en).to_owned(),
            None => self.words.with("portal-unknown-recipient", "number", id.0),
        }
    }

    /// For what a consent was given.
    pub fn purpose(&self, consent: &Consent) -> String {
        let known = self
            .recipients
            .get(&consent.recipient)
            .and_then(|recipient| recipient.purposes.iter().find(|known| known.purpose == consent.purpose));
        match known {
            Some(purpose) => self.words.pick(&purpose.ja, &purpose.en).to_owned(),
            None => consent.purpose.as_str().to_owned(),
        }
    }

    /// An instant, as the reader reads it.
    pub fn moment(&self, instant: UtcMillis) -> String {
        self.resident.moment(self.words.0, instant)
    }

    /// A consent as it is shown among `all` of the person.
    pub fn card(&self, consent: &Consent, all: &[Consent], accesses: &[AccessEvent]) -> Card {
        let words = self.words;
        let last = accesses
            .iter()
            .find(|access| access.consent == consent.id && gave_something(access))
            .map_or_else(|| words.say("portal-never"), |access| self.moment(access.at));
        let ended = match consent.state {
            _ if self.is_active(consent) => None,
            ConsentState::Withdrawn => Some(("portal-state-withdrawn", consent.changed_at)),
            ConsentState::Superseded => Some(("portal-state-superseded", consent.changed_at)),
            ConsentState::Active | ConsentState::Expired => {
                Some(("portal-state-expired", consent.ends_at().unwrap_or(consent.changed_at)))
            }
        };
        Card {
            id: consent.id.0,
            recipient: self.recipient(consent.recipient),
            purpose: self.purpose(consent),
            grants: consent.grants.iter().map(|grant| self.grant(grant)).collect(),
            identity: words.identity(consent.identity),
            // The day of the last instant that is still inside.
            until: words.until_when(consent.ends_at().map(|end| self.resident.day_of(end.plus(-1)))),
            given: self.moment(consent.given_at),
            last,
            told: if ended.is_some() {
                self.told(consent)
            } else {
                Vec::new()
            },
            can_undo: self.can_undo(consent, all),
            anew: self
                .asks_again(consent)
                .map(|since| words.with("anew-since", "day", day(words.0, self.resident.day_of(since)))),
            ending: self.ending(consent),
            state: ended.map(|(key, when)| words.with(key, "when", self.moment(when))),
        }
    }

    /// Since when the recipient of an active consent asks in words that the person has not agreed to.
    pub fn asks_again(&self, consent: &Consent) -> Option<UtcMillis> {
        let since = self.anew.get(&(consent.recipient, consent.purpose.clone()))?;
        (self.is_active(consent) && consent.given_at < *since).then_some(*since)
    }

    /// In how many days an active consent ends, within the last thirty.
    fn ending(&self, consent: &Consent) -> Option<String> {
        let ends = consent.ends_at().filter(|_| self.is_active(consent))?;
        let days = (ends.0 - self.resident.now.0).div_euclid(DAY_MS);
        (days < ENDING_DAYS).then(|| self.words.with("portal-ending", "days", days + 1))
    }

    /// A grant as it is shown.
    pub fn grant(&self, grant: &Grant) -> GrantLine {
        GrantLine {
            category: self.words.category(grant.category),
            detail: self.words.detail(grant),
            from: self.words.starting_when(grant.period.from),
        }
    }

    /// Accesses by the day on which they happened; what a machine asks for every hour is one line.
    pub fn days(&self, accesses: &[AccessEvent]) -> Vec<AccessDay> {
        let mut days: Vec<(LocalDay, Vec<Told>)> = Vec::new();
        for access in accesses {
            let day = self.resident.day_of(access.at);
            if days.last().is_none_or(|(known, _)| *known != day) {
                days.push((day, Vec::new()));
            }
            let Some((_, lines)) = days.last_mut() else { continue };
            let mut add = |what, count| {
                tell(
                    lines,
                    Told {
                        recipient: access.recipient,
                        reader: access.reader.clone(),
                        what,
                        times: 1,
                        count,
                    },
                );
            };
            if !gave_something(access) {
                add(What::Nothing, 0);
            }
            if access.identity.gives_something() {
                add(What::Identity(access.identity), 0);
            }
            for item in &access.items {
                let what = What::Category(item.category, item.detail, item.first_day, item.last_day);
                add(what, u64::from(item.count));
            }
        }
        days.into_iter()
            .map(|(date, lines)| AccessDay {
                day: day(self.words.0, date),
                lines: lines.iter().map(|line| self.line(line)).collect(),
            })
            .collect()
    }

    fn line(&self, told: &Told) -> AccessLine {
        let words = self.words;
        let mut recipient = self.recipient(told.recipient);
        if !told.reader.is_empty() {
            recipient.push_str(&words.with("access-reader", "reader", &told.reader));
        }
        let (category, detail, first, last) = match told.what {
            What::Category(category, detail, first, last) => (category, detail, first, last),
            What::Identity(identity) => {
                let lines = words.identity(identity).unwrap_or_default();
                return AccessLine {
                    what: words.fill("access-identity-line", [("recipient", recipient), ("lines", lines)]),
                    more: words.with("access-times", "times", told.times),
                };
            }
            What::Nothing => {
                return AccessLine {
                    what: words.with("access-empty-line", "recipient", recipient),
                    more: words.with("access-times", "times", told.times),
                };
            }
        };
        let (first_text, last_text) = (day(words.0, first), day(words.0, last));
        let days = if first == last {
            words.with("access-day", "from", first_text)
        } else {
            words.fill("access-days", [("from", first_text), ("until", last_text)])
        };
        let count = words.fill(
            "access-count",
            [("times", told.times.to_string()), ("count", told.count.to_string())],
        );
        AccessLine {
            what: words.fill(
                "access-line",
                [
                    ("recipient", recipient),
                    ("category", words.category(category)),
                    ("detail", words.detail_of(category, detail)),
                ],
            ),
            more: format!("{days}{}{count}", words.say("sentence-joint")),
        }
    }
}

fn gave_something(access: &AccessEvent) -> bool {
    !access.items.is_empty() || access.identity.gives_something()
}

/// What was received.
#[derive(Clone, Copy)]
enum What {
    Nothing,
    Identity(IdentityGrant),
    Category(ConsentCategory, Detail, LocalDay, LocalDay),
}

/// What one recipient received of one kind on one day.
struct Told {
    recipient: RecipientId,
    reader: String,
    what: What,
    times: u64,
    count: u64,
}

/// Adds to the line about the same, or begins one.
fn tell(lines: &mut Vec<Told>, new: Told) {
    let same = |known: &Told| {
        known.recipient == new.recipient
            && known.reader == new.reader
            && match (known.what, new.what) {
                (What::Nothing, What::Nothing) => true,
                (What::Identity(identity), What::Identity(new_identity)) => identity == new_identity,
                (What::Category(category, detail, ..), What::Category(new_category, new_detail, ..)) => {
                    (category, detail) == (new_category, new_detail)
                }
                _ => false,
            }
    };
    match lines.iter_mut().find(|known| same(known)) {
        Some(known) => {
            known.times += new.times;
            known.count += new.count;
            if let (What::Category(.., first, last), What::Category(.., new_first, new_last)) =
                (&mut known.what, new.what)
            {
                *first = (*first).min(new_first);
                *last = (*last).max(new_last);
            }
        }
        None => lines.push(new),
    }
}
