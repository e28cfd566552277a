//! `sekisho provisions`: the records of provision that the law asks for, as CSV for people and as FHIR AuditEvents for machines.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use consent::Language;
use fhir_profiles::{AuditItem, AuditView, audit_event};
use jiff::tz::TimeZone;
use model::{LocalDay, OrganisationId, PersonId, UtcMillis};
use store::{AccessEvent, AccessKind, BasisKind, Recipient, Store};

use super::{CommandError, Place, block_on, day, zone};
use crate::portal::resident::local_day;
use crate::portal::words::{Words, of_tag};

/// Records read at once.
const PAGE: usize = 1_000;

/// Arguments of `provisions`.
#[derive(Debug, Args)]
pub struct ProvisionsArguments {
    #[command(flatten)]
    place: Place,
    /// The organisation whose people it is about, by its number.
    #[arg(long, value_name = "N", default_value_t = 1)]
    organisation: u32,
    /// First day of provision, YYYY-MM-DD, in the zone of --zone.
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<LocalDay>,
    /// Last day of provision, YYYY-MM-DD.
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<LocalDay>,
    /// Zone of the times and of --from and --until.
    #[arg(long, value_name = "ZONE", default_value = "Asia/Tokyo", value_parser = zone)]
    zone: TimeZone,
    /// Language of the headings and names: ja or en.
    #[arg(long, value_name = "LANGUAGE", default_value = "ja", value_parser = language)]
    language: Language,
    /// What to write: rows of a table, or a FHIR AuditEvent a line (NDJSON).
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// File to write, which must not exist yet; standard output when left out.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What the records are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    AuditEvent,
}

fn language(text: &str) -> Result<Language, String> {
    of_tag(text).ok_or_else(|| "ja or en are allowed".to_owned())
}

/// Writes the records.
pub fn run(arguments: ProvisionsArguments) -> Result<ExitCode, CommandError> {
    block_on(async move {
        let (_, store) = arguments.place.open_for_reading().await?;
        let out: Box<dyn Write> = match &arguments.output {
            Some(path) => Box::new(File::create_new(path).map_err(|error| format!("{}: {error}", path.display()))?),
            None => Box::new(io::stdout().lock()),
        };
        let table = Table::new(&store, &arguments).await?;
        match arguments.format {
            Format::Csv => table.write(&store, out).await?,
            Format::AuditEvent => table.write_audit(&store, out).await?,
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The headings, in the order of the columns.
const HEADINGS: [(&str, &str); 16] = [
    ("提供日時", "provided at"),
    ("本人（番号）", "person"),
    ("提供先", "recipient"),
    ("提供先の運営者", "recipient's organisation"),
    ("アプリ", "client"),
    ("利用目的", "purpose"),
    ("根拠", "basis"),
    ("同意（番号）", "consent"),
    ("同意の版", "consent version"),
    ("項目", "item"),
    ("細かさ", "detail"),
    ("データの初日", "first day of data"),
    ("データの末日", "last day of data"),
    ("件数", "records"),
    ("要求（番号）", "request"),
    ("閲覧した個人", "individual reader"),
];

/// What the rows are told with.
struct Table {
    organisation: OrganisationId,
    from: Option<LocalDay>,
    until: Option<LocalDay>,
    zone: TimeZone,
    words: Words,
    recipients: HashMap<u32, Recipient>,
    organisations: HashMap<u32, String>,
}

impl Table {
    async fn new(store: &Store, arguments: &ProvisionsArguments) -> Result<Self, CommandError> {
        let organisations: HashMap<u32, String> = store
            .organisations()
            .await?
            .into_iter()
            .map(|organisation| (organisation.id.0, organisation.name))
            .collect();
        if !organisations.contains_key(&arguments.organisation) {
            let mut known: Vec<String> = organisations.keys().map(u32::to_string).collect();
            known.sort();
            return Err(format!(
                "there is no organisation {}; there are: {}",
                arguments.organisation,
                known.join(", ")
            )
            .into());
        }
        let recipients = store.recipients().await?;
        Ok(Self {
            organisation: OrganisationId(arguments.organisation),
            from: arguments.from,
            until: arguments.until,
            zone: arguments.zone.clone(),
            words: Words(arguments.language),
            recipients: recipients
                .into_iter()
                .map(|recipient| (recipient.id.0, recipient))
                .collect(),
            organisations,
        })
    }

    async fn write(&self, store: &Store, mut out: Box<dyn Write>) -> Result<(), CommandError> {
        // Spreadsheets take a file without this mark for one in their system's own encoding.
        out.write_all("\u{feff}".as_bytes())?;
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(HEADINGS.map(|(ja, en)| self.words.pick(ja, en)))?;
        self.each(store, |person, event| {
            for row in self.rows(person, event) {
                csv.write_record(row.map(|cell| harmless(&cell)))?;
            }
            Ok(())
        })
        .await?;
        csv.flush()?;
        Ok(())
    }

    /// One AuditEvent a record, those that gave nothing among them: somebody looked.
    async fn write_audit(&self, store: &Store, out: Box<dyn Write>) -> Result<(), CommandError> {
        let mut out = BufWriter::new(out);
        let mut line = Vec::new();
        self.each(store, |person, event| {
            if self.is_within(self.moment(event.at).1) {
                line.clear();
                self.audit(&mut line, person, event);
                line.push(b'\n');
                out.write_all(&line)?;
            }
            Ok(())
        })
        .await?;
        out.flush()?;
        Ok(())
    }

    async fn each(
        &self,
        store: &Store,
        mut take: impl FnMut(PersonId, &AccessEvent) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let mut after = None;
        loop {
            let events = store.provisions(self.organisation, after, PAGE).await?;
            let Some((person, last)) = events.last() else {
                return Ok(());
            };
            after = Some((*person, last.number));
            for (person, event) in &events {
                take(*person, event)?;
            }
        }
    }

    fn is_within(&self, day: LocalDay) -> bool {
        self.from.is_none_or(|from| day >= from) && self.until.is_none_or(|until| day <= until)
    }

    fn audit(&self, out: &mut Vec<u8>, person: PersonId, event: &AccessEvent) {
        let (recipient, _, purpose) = self.names(event);
        let items: Vec<AuditItem<'_>> = event
            .items
            .iter()
            .map(|item| AuditItem {
                category: item.category.key(),
                detail: item.detail.code(),
                first_day: item.first_day,
                last_day: item.last_day,
                count: item.count,
            })
            .collect();
        let identity: Vec<&str> = consent::fhir::identity_codes(event.identity).collect();
        let view = AuditView {
            person: person.0,
            number: event.number,
            recorded: event.at,
            is_search: event.what == AccessKind::Search,
            recipient: (event.recipient.0, &recipient),
            client_id: &event.client_id,
            reader: &event.reader,
            purpose: (&event.purpose, &purpose),
            consent: (event.consent.0, event.consent_version),
            request_id: &event.request_id,
            items: &items,
            identity: &identity,
        };
        audit_event(out, &view);
    }

    /// The recipient's name, its organisation's, and the purpose in words.
    fn names(&self, event: &AccessEvent) -> (String, String, String) {
        let recipient = self.recipients.get(&event.recipient.0);
        let name = recipient.map_or_else(String::new, |recipient| {
            self.words.pick(&recipient.name_ja, &recipient.name_en).to_owned()
        });
        let organisation = recipient
            .and_then(|recipient| self.organisations.get(&recipient.organisation.0))
            .cloned()
            .unwrap_or_default();
        let purpose = recipient
            .and_then(|recipient| {
                let mut known = recipient.purposes.iter();
                known.find(|known| known.purpose.as_str() == event.purpose)
            })
            .map_or_else(
                || event.purpose.clone(),
                |purpose| self.words.pick(&purpose.ja, &purpose.en).to_owned(),
            );
        (name, organisation, purpose)
    }

    /// One row a category, and one for who the person is; none for an answer that gave nothing.
    fn rows(&self, person: PersonId, event: &AccessEvent) -> Vec<[String; 16]> {
        let (moment, date) = self.moment(event.at);
        if !self.is_within(date) {
            return Vec::new();
        }
        let row = |item: String, detail: String, first: String, last: String, count: String| {
            let (name, organisation, purpose) = self.names(event);
            [
                moment.clone(),
                person.to_string(),
                name,
                organisation,
                event.client_id.clone(),
                purpose,
                ground(self.words, &event.basis),
                event.consent.0.to_string(),
                event.consent_version.to_string(),
                item,
                detail,
                first,
                last,
                count,
                event.request_id.clone(),
                event.reader.clone(),
            ]
        };
        let mut rows: Vec<[String; 16]> = event
            .items
            .iter()
            .map(|item| {
                row(
                    self.words.category(item.category),
                    self.words.detail_of(item.category, item.detail),
                    item.first_day.to_string(),
                    item.last_day.to_string(),
                    item.count.to_string(),
                )
            })
            .collect();
        if let Some(lines) = self.words.identity(event.identity) {
            rows.push(row(lines, String::new(), String::new(), String::new(), String::new()));
        }
        rows
    }

    /// An instant as RFC 3339 in the table's zone, and its day there.
    fn moment(&self, at: UtcMillis) -> (String, LocalDay) {
        let timestamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::MAX);
        let zoned = timestamp.to_zoned_datetime(self.zone.clone());
        (
            zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
            local_day(zoned.date()),
        )
    }
}

/// The resident's consent, and the ground beside it with its document.
fn ground(words: Words, (kind, document): &(BasisKind, String)) -> String {
    let consent = words.say("basis-consent");
    match kind {
        BasisKind::Consent => consent,
        kind => format!(
            "{consent}、{}（{document}）",
            words.say(&format!("basis-{}", kind.code()))
        ),
    }
}

/// A cell that a spreadsheet does not take for a formula (OWASP, CSV injection).
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use consent::{ConsentId, ConsentsVersion, Detail, IdentityGrant, Purpose};
    use model::{ConsentCategory, RecipientId};
    use store::{AccessItem, PurposeText};

    fn table(from: Option<&str>, until: Option<&str>) -> Table {
        let recipient = Recipient {
            id: RecipientId(4),
            organisation: OrganisationId(2),
            name_ja: "みどり健康ポイント".into(),
            name_en: "Midori points".into(),
            purposes: vec![PurposeText {
                purpose: Purpose::new("health-points").unwrap(),
                ja: "健康ポイント".into(),
                en: "Points".into(),
            }],
            created: UtcMillis(0),
            responsible: store::Responsible::default(),
            state: store::RegistrationState::Approved,
            basis: store::LegalBasis::default(),
        };
        Table {
            organisation: OrganisationId(1),
            from: from.and_then(LocalDay::parse),
            until: until.and_then(LocalDay::parse),
            zone: TimeZone::get("Asia/Tokyo").unwrap(),
            words: Words(Language::Ja),
            recipients: HashMap::from([(4, recipient)]),
            organisations: HashMap::from([(2, "みどり社".to_owned())]),
        }
    }

    /// Given at 2026-05-10T23:30 in Japan.
    fn event(items: usize, identity: bool) -> AccessEvent {
        let item = AccessItem {
            category: ConsentCategory::Activity,
            detail: Detail::Daily,
            first_day: LocalDay::parse("2026-04-01").unwrap(),
            last_day: LocalDay::parse("2026-04-30").unwrap(),
            count: 30,
        };
        AccessEvent {
            number: 1,
            at: UtcMillis(1_778_423_400_000),
            recipient: RecipientId(4),
            client_id: "point-app".into(),
            consent: ConsentId(7),
            consent_version: 2,
            consents_version: ConsentsVersion(3),
            purpose: "health-points".into(),
            what: AccessKind::Search,
            items: vec![item; items],
            identity: IdentityGrant {
                name: identity,
                ..IdentityGrant::NOTHING
            },
            basis: (BasisKind::Entrusted, "健康ポイント業務委託契約".to_owned()),
            reader: "栄養士 一号".into(),
            request_id: "r-1".into(),
        }
    }

    #[test]
    fn a_row_says_when_of_whom_to_whom_for_what_what_and_how_much() {
        let rows = table(None, None).rows(PersonId(9), &event(1, true));
        assert_eq!(
            rows[0].join("|"),
            "2026-05-10T23:30:00+09:00|9|みどり健康ポイント|みどり社|point-app|健康ポイント|本人の同意、委託（健康ポイント業務委託契約）|7|2|歩数・運動|\
             1日ごとのまとめだけ|2026-04-01|2026-04-30|30|r-1|栄養士 一号"
        );
        assert_eq!((rows.len(), rows[1][9].as_str(), rows[1][13].as_str()), (2, "氏名", ""));
        assert!(table(None, None).rows(PersonId(9), &event(0, false)).is_empty());
    }

    #[test]
    fn an_audit_event_says_the_same_in_fhir() {
        let mut out = Vec::new();
        table(None, None).audit(&mut out, PersonId(9), &event(1, true));
        let told: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(told["resourceType"], "AuditEvent");
        assert_eq!(told["recorded"], "2026-05-10T14:30:00.000Z");
        assert_eq!(
            (&told["action"], &told["subtype"][0]["code"]),
            (&"E".into(), &"search-type".into())
        );
        assert_eq!(told["agent"][0]["who"]["display"], "みどり健康ポイント");
        assert_eq!(told["agent"][0]["name"], "栄養士 一号");
        assert_eq!(told["agent"][1]["name"], "point-app");
        assert_eq!(told["entity"][0]["what"]["identifier"]["value"], "9");
        assert_eq!(told["entity"][0]["detail"][0]["valueString"], "name");
        assert_eq!(told["entity"][1]["what"]["identifier"]["value"], "7");
        assert_eq!(told["entity"][2]["what"]["identifier"]["value"], "r-1");
        assert_eq!(told["entity"][3]["name"], "activity");
        let details: Vec<_> = told["entity"][3]["detail"]
            .as_array()
            .unwrap()
            .iter()
            .map(|detail| detail["valueString"].as_str().unwrap())
            .collect();
        assert_eq!(details, ["daily", "2026-04-01", "2026-04-30", "30"]);
    }

    #[test]
    fn the_days_asked_for_are_those_of_the_zone() {
        let given = |from, until| !table(from, until).rows(PersonId(9), &event(1, false)).is_empty();
        assert!(given(Some("2026-05-10"), Some("2026-05-10")));
        assert!(!given(Some("2026-05-11"), None) && !given(None, Some("2026-05-09")));
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(harmless("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(harmless("みどり"), "みどり");
    }
}
