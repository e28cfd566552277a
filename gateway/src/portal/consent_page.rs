//! The authorization page, which is the consent page: what is asked for in, HTML out. Nothing is chosen beforehand; both
//! answers weigh the same. What was ticked is read back in `choices`, and put into words in `consent_text`.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use consent::{Consent, IdentityLine, Language};
use model::{ConsentCategory, RecipientId};
use oauth2::url::form_urlencoded;
use store::{Bilingual, PurposeText, Recipient};

pub use super::choices::{ChoiceError, Chosen};
use super::choices::{FROMS, LINKING, UNTILS, Until, detail_field, detail_of, identity_field, running_field, value};
use super::page::{Frame, MessagePage, Reader, send};
use super::resident::{Resident, day};
use super::words::Words;

/// All that the page shows and sends back.
#[derive(Clone)]
pub struct ConsentPage {
    /// In which language.
    pub language: Language,
    /// Where the form is posted to, and where the page lies.
    pub action: &'static str,
    /// Names the request under way: the hidden field `pending`.
    pub pending: String,
    /// The hidden field `csrf`.
    pub csrf: String,
    /// Who asks.
    pub recipient: Recipient,
    /// For what.
    pub purpose: PurposeText,
    /// What it needs and why, as it was approved.
    pub template: store::Template,
    /// Through which app.
    pub client_name: String,
    /// The categories that are asked for, in the order of the page.
    pub categories: Vec<ConsentCategory>,
    /// Whether lines about who the person is are asked for.
    pub identity: bool,
    /// The other recipient, with its name, where nothing but a linking id with it is asked for.
    pub links: Option<(RecipientId, String)>,
    /// Whether there are others for whom the reader could answer.
    pub could_act: bool,
    /// Whether the app wants to read while the resident is away.
    pub offline: bool,
    /// The consent that this answer would replace.
    pub current: Option<Consent>,
    /// Who answers, where and when.
    pub resident: Resident,
}

/// Categories that may show a disease, what the law protects specially, or where somebody lives: explained apart, each with
/// its reason.
pub const CAREFUL: [ConsentCategory; 10] = [
    ConsentCategory::Heart,
    ConsentCategory::Glucose,
    ConsentCategory::Checkup,
    ConsentCategory::Medication,
    ConsentCategory::Questionnaire,
    ConsentCategory::Reproductive,
    ConsentCategory::Mental,
    ConsentCategory::Routes,
    ConsentCategory::Infection,
    ConsentCategory::Documents,
];

impl ConsentPage {
    /// The page as it is first shown.
    pub fn render(&self) -> Response {
        self.again(&[], &[])
    }

    /// The page with the answer that was sent, and what is wrong with it.
    pub fn again(&self, form: &[(String, String)], problems: &[ChoiceError]) -> Response {
        let status = if problems.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        send(status, &self.view(form, problems), None)
    }

    /// The second page: what was chosen, in the words that are kept, and three answers.
    pub fn confirm(&self, form: &[(String, String)], chosen: &Chosen) -> Response {
        let words = self.words();
        let hidden: Vec<&(String, String)> = form
            .iter()
            .filter(|(name, _)| !["pending", "csrf", "decision"].contains(&name.as_str()))
            .collect();
        let given = |category: &ConsentCategory| chosen.grants.iter().any(|grant| grant.category == *category);
        let mut unseen: Vec<String> = self
            .categories
            .iter()
            .filter(|category| !given(category))
            .map(|category| words.category(*category))
            .collect();
        let lines = [IdentityLine::Name, IdentityLine::Address, IdentityLine::BirthDate];
        let withheld = lines.into_iter().filter(|line| !chosen.identity.has(*line));
        unseen.extend(withheld.map(|line| words.say(identity_field(line))));
        unseen.push(words.say("confirm-unseen-others"));
        let view = ConfirmView {
            frame: self.frame(),
            words,
            title: words.with("confirm-title", "app", &self.client_name),
            count: words.with("confirm-count", "count", chosen.grants.len()),
            text: self.wording(chosen).lines().map(str::to_owned).collect(),
            unseen,
            action: self.action,
            pending: &self.pending,
            csrf: &self.csrf,
            hidden,
        };
        send(StatusCode::OK, &view, None)
    }

    /// Asks for a fresh sign-in, by a link: a form's answer may not redirect to the provider.
    pub fn sign_in_again(&self, link: &str) -> Response {
        let words = self.words();
        let page = MessagePage {
            frame: self.frame(),
            words,
            title: words.say("confirm-again-title"),
            text: words.say("confirm-again-text"),
            is_error: false,
            links: vec![(link.to_owned(), words.say("confirm-again-do"))],
        };
        send(StatusCode::OK, &page, None)
    }

    /// An answer with what the helper ticks: of what is not sensitive, what the app needs, or all of it where it never said what
    /// it needs. What was chosen before stays.
    pub fn with_needed(&self, form: &[(String, String)]) -> Vec<(String, String)> {
        let missing = self
            .categories
            .iter()
            .filter(|category| !CAREFUL.contains(category) && value(form, category.key()).is_none())
            .filter(|category| self.template.needs.is_empty() || self.is_needed(**category))
            .map(|category| (category.key().to_owned(), "yes".to_owned()));
        form.iter()
            .filter(|(_, value)| !value.is_empty())
            .cloned()
            .chain(missing)
            .collect()
    }

    fn is_needed(&self, category: ConsentCategory) -> bool {
        self.template.need(category).is_some_and(|need| need.needed)
    }

    fn pick<'a>(&self, text: &'a Bilingual) -> &'a str {
        self.words().pick(&text.ja, &text.en)
    }

    /// How to stop, and what becomes of data already given.
    pub fn stop(&self) -> String {
        let words = self.words();
        let afterwards = match self.pick(&self.template.afterwards) {
            "" => words.say("consent-afterwards"),
            text => text.to_owned(),
        };
        words.with("consent-stop-text", "afterwards", afterwards)
    }

    /// Who answers for the person, where they do not themselves.
    pub fn acting(&self) -> Option<String> {
        let acting = self.resident.acting?;
        Some(
            self.words().fill(
                "text-acting",
                [
                    ("name", self.resident.name.clone().unwrap_or_default()),
                    (
                        "relationship",
                        self.words()
                            .say(&format!("relationship-{}", acting.relationship.code())),
                    ),
                ],
            ),
        )
    }

    /// What the linking id does.
    fn linking(&self) -> Option<String> {
        let (_, other) = self.links.as_ref()?;
        let recipient = self.words().pick(&self.recipient.name_ja, &self.recipient.name_en);
        Some(self.words().fill(
            "consent-linking",
            [("recipient", recipient.to_owned()), ("other", other.clone())],
        ))
    }

    /// What the data is not used for; `None` where the recipient does not say.
    pub fn not_for(&self) -> Option<String> {
        let text = self.pick(&self.template.not_for);
        (!text.is_empty()).then(|| self.words().with("text-not_for", "what", text))
    }

    /// Whether the app needs a category, and why it asks.
    fn need(&self, category: ConsentCategory) -> Option<String> {
        let need = self.template.need(category)?;
        let label = self.words().say(if need.needed {
            "consent-needed"
        } else {
            "consent-optional"
        });
        Some(match self.pick(&need.reason) {
            "" => label,
            reason => self
                .words()
                .fill("consent-need-why", [("label", label), ("reason", reason.to_owned())]),
        })
    }

    fn frame(&self) -> Frame {
        let pending: String = form_urlencoded::byte_serialize(self.pending.as_bytes()).collect();
        Frame {
            words: self.words(),
            here: format!("{}?pending={pending}", self.action),
            reader: Some(Reader::of(&self.resident, &self.csrf)),
            menu: false,
        }
    }

    fn words(&self) -> Words {
        Words(self.language)
    }

    fn view<'a>(&'a self, form: &'a [(String, String)], problems: &[ChoiceError]) -> View<'a> {
        let words = self.words();
        let (careful, ordinary) = self.categories.iter().partition(|category| CAREFUL.contains(category));
        let in_order = |categories: Vec<&ConsentCategory>| {
            categories
                .into_iter()
                .map(|category| category_view(words, *category, self.need(*category), form))
                .collect()
        };
        View {
            frame: self.frame(),
            words,
            contact: self.contact(),
            title: words.with("consent-title", "app", &self.client_name),
            problems: problems
                .iter()
                .map(|problem| Problem {
                    at: problem.field(),
                    text: words.say(problem.key()),
                })
                .collect(),
            recipient: words.pick(&self.recipient.name_ja, &self.recipient.name_en),
            app: &self.client_name,
            purpose: words.pick(&self.purpose.ja, &self.purpose.en),
            not_for: self.not_for(),
            stop: self.stop(),
            offline: self.offline,
            current: self.current.as_ref().map(|current| {
                words.with(
                    "consent-current",
                    "day",
                    day(self.language, self.resident.day_of(current.given_at)),
                )
            }),
            action: self.action,
            pending: &self.pending,
            csrf: &self.csrf,
            categories: in_order(ordinary),
            careful: in_order(careful),
            from: FROMS
                .into_iter()
                .map(|from| Choice::of(from, words.say(&format!("consent-from-{from}")), value(form, "from")))
                .collect(),
            today: self.resident.today().to_string(),
            from_day: value(form, "from_day").unwrap_or_default(),
            no_from: problems.contains(&ChoiceError::NoFrom),
            bad_day: problems.contains(&ChoiceError::FromDay),
            identity: self.identity_lines(form),
            linking: self.linking(),
            choose_person: self
                .could_act
                .then(|| super::people::address(&format!("{}?pending={}", self.action, self.pending))),
            until: UNTILS
                .into_iter()
                .map(|until| self.until_choice(until, value(form, "until")))
                .collect(),
            no_until: problems.contains(&ChoiceError::NoUntil),
        }
    }

    /// Who stands behind the recipient.
    fn contact(&self) -> Vec<Contact> {
        let about = &self.recipient.responsible;
        let basis = &self.recipient.basis;
        let until = basis
            .until
            .map(|until| day(self.language, self.resident.day_of(until.plus(-1))));
        let basis = self.words().basis(basis, until);
        [
            ("detail-company", &about.company, false),
            ("detail-contact", &about.contact, false),
            ("detail-basis", &basis, false),
            (
                "detail-policy",
                &about.privacy_policy,
                about.privacy_policy.starts_with("https://"),
            ),
        ]
        .into_iter()
        .filter(|(_, text, _)| !text.is_empty())
        .map(|(key, text, is_link)| Contact {
            name: self.words().say(key),
            text: text.clone(),
            is_link,
        })
        .collect()
    }

    fn identity_lines(&self, form: &[(String, String)]) -> Vec<Choice> {
        let words = self.words();
        let lines = IdentityLine::ALL.into_iter().filter(|_| self.identity);
        let linking = self.links.as_ref().map(|_| LINKING);
        lines
            .map(identity_field)
            .chain(linking)
            .map(|field| Choice {
                value: field,
                label: words.say(field),
                help: None,
                chosen: value(form, field).is_some(),
            })
            .collect()
    }

    fn until_choice(&self, until: Until, sent: Option<&str>) -> Choice {
        let key = format!("consent-until-{}", until.name);
        let label = match until.months {
            Some(months) => {
                let last = self.resident.months_from_today(months);
                self.words().with(&key, "day", day(self.language, last))
            }
            None => self.words().say(&key),
        };
        Choice::of(until.name, label, sent)
    }
}

fn category_view(
    words: Words,
    category: ConsentCategory,
    need: Option<String>,
    form: &[(String, String)],
) -> CategoryView {
    let key = category.key();
    let detail = detail_of(category, form).code();
    let choice = |value: &'static str, help: Option<&str>| Choice {
        help: help.map(|help| words.say(help)),
        ..Choice::of(value, words.say(&format!("detail-{value}")), Some(detail))
    };
    CategoryView {
        key,
        name: words.category(category),
        contents: words.say(&format!("category-{key}-contents")),
        need,
        sample: words.say(&format!("category-{key}-sample")),
        careful: CAREFUL
            .contains(&category)
            .then(|| words.say(&format!("category-{key}-careful"))),
        chosen: value(form, key).is_some(),
        detail_field: detail_field(category),
        running_field: running_field(category),
        running: value(form, &running_field(category)).is_some(),
        choices: match category.is_whole() {
            true => Vec::new(),
            false => vec![
                choice("daily", Some("detail-daily-help")),
                choice("raw", Some("detail-raw-help")),
            ],
        },
        fewer: vec![
            choice("weekly", None),
            choice("monthly", None),
            choice("event", Some("detail-event-help")),
        ],
        fewer_open: ["weekly", "monthly", "event"].contains(&detail),
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct View<'a> {
    frame: Frame,
    words: Words,
    title: String,
    problems: Vec<Problem>,
    recipient: &'a str,
    contact: Vec<Contact>,
    app: &'a str,
    purpose: &'a str,
    not_for: Option<String>,
    stop: String,
    offline: bool,
    current: Option<String>,
    action: &'static str,
    pending: &'a str,
    csrf: &'a str,
    categories: Vec<CategoryView>,
    careful: Vec<CategoryView>,
    from: Vec<Choice>,
    today: String,
    from_day: &'a str,
    no_from: bool,
    bad_day: bool,
    identity: Vec<Choice>,
    linking: Option<String>,
    choose_person: Option<String>,
    until: Vec<Choice>,
    no_until: bool,
}

struct Contact {
    name: String,
    text: String,
    is_link: bool,
}

#[derive(Template)]
#[template(path = "consent_confirm.html")]
struct ConfirmView<'a> {
    frame: Frame,
    words: Words,
    title: String,
    count: String,
    text: Vec<String>,
    unseen: Vec<String>,
    action: &'static str,
    pending: &'a str,
    csrf: &'a str,
    hidden: Vec<&'a (String, String)>,
}

struct Problem {
    at: &'static str,
    text: String,
}

struct CategoryView {
    key: &'static str,
    name: String,
    contents: String,
    /// Whether the app needs it, and why.
    need: Option<String>,
    /// What would be given, made up.
    sample: String,
    careful: Option<String>,
    chosen: bool,
    detail_field: String,
    running_field: String,
    running: bool,
    /// How finely; none of what is given whole.
    choices: Vec<Choice>,
    /// Choices that give less still.
    fewer: Vec<Choice>,
    fewer_open: bool,
}

struct Choice {
    value: &'static str,
    label: String,
    help: Option<String>,
    chosen: bool,
}

impl Choice {
    fn of(value: &'static str, label: String, sent: Option<&str>) -> Self {
        Self {
            value,
            label,
            help: None,
            chosen: sent == Some(value),
        }
    }
}

#[cfg(test)]
#[path = "consent_page_tests.rs"]
pub mod tests;
