//! Stored records rendered to bytes: ids for the whole page in one call, then each resource straight into one buffer.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fhir_profiles::{
    AggregateView, BatteryView, CheckupView, EventView, Issue, ObservationView, SearchBundle, Severity, TotalView,
};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::time::DAY_MS;
use model::{Flags, LocalDay, PersonId, RecordKey, UtcMillis};
use store::{DayStatus, OfCheckup, Record, StoredAggregate, StoredSample, StoredTotal};

use super::included::Included;
use super::{json, urls};
use crate::pairwise::{ID_LENGTH, RecipientIds, device_key, patient_key};

/// Bytes of most entries, so that the buffer grows once.
const USUAL_ENTRY: usize = 1_280;

/// The outward ids of one page.
pub struct PageIds {
    text: String,
    records: usize,
    sources: Vec<u16>,
    /// Records that come of others, by their place on the page: where the ids of those begin, and how many there are.
    derived: Vec<(usize, usize, usize)>,
}

impl PageIds {
    /// Ids of the patient, of these records and of their devices, in one call of the cipher.
    pub fn of(ids: &RecipientIds, person: PersonId, records: &[Record]) -> Self {
        let mut sources: Vec<u16> = Vec::new();
        let mut keys: Vec<RecordKey> = Vec::with_capacity(records.len() + 9);
        keys.push(patient_key(person));
        keys.extend(records.iter().map(Record::key));
        for record in records {
            if let Record::Sample(sample) = record
                && sample.sample.source != 0
                && sample.of_checkup.is_none()
                && !sources.contains(&sample.sample.source)
            {
                sources.push(sample.sample.source);
            }
        }
        keys.extend(sources.iter().map(|source| device_key(person, *source)));
        let mut derived = Vec::new();
        for (place, record) in records.iter().enumerate() {
            let Record::Sample(sample) = record else { continue };
            let first = keys.len();
            match &sample.of_checkup {
                Some(OfCheckup::Pressure(parts)) => keys.extend(parts),
                Some(OfCheckup::Battery(of)) => keys.extend(of.members.iter().map(|(key, _)| key)),
                _ => {}
            }
            keys.extend(sample.copy_of);
            if keys.len() > first {
                derived.push((place, first, keys.len() - first));
            }
        }
        let mut text = Vec::with_capacity(keys.len() * ID_LENGTH);
        ids.ids(&keys, &mut text);
        // Base32 is ASCII; an empty text would only make empty ids.
        Self {
            text: String::from_utf8(text).unwrap_or_default(),
            records: records.len(),
            sources,
            derived,
        }
    }

    fn at(&self, index: usize) -> &str {
        self.text
            .get(index * ID_LENGTH..(index + 1) * ID_LENGTH)
            .unwrap_or_default()
    }

    /// The id of the patient.
    pub fn patient(&self) -> &str {
        self.at(0)
    }

    /// The id of the record at this place of the page.
    pub fn record(&self, index: usize) -> &str {
        self.at(1 + index)
    }

    /// The ids of the records of which the one at this place comes: what it was made of, what is one examination with it, or what it is
    /// a copy of.
    fn origins(&self, index: usize) -> Vec<&str> {
        let found = self.derived.binary_search_by_key(&index, |(place, ..)| *place);
        let Ok((_, first, many)) = found.map(|found| self.derived[found]) else {
            return Vec::new();
        };
        (first..first + many).map(|place| self.at(place)).collect()
    }

    /// The id of a device that measured one of the page's records.
    pub fn device(&self, source: u16) -> Option<&str> {
        let place = self.sources.iter().position(|known| *known == source)?;
        Some(self.at(1 + self.records + place))
    }
}

/// A page of Observations to be rendered.
pub struct ObservationPage<'a> {
    /// The FHIR base.
    pub base: &'a str,
    /// The address of this page.
    pub self_url: &'a str,
    /// The address of the next one.
    pub next_url: Option<&'a str>,
    /// The person's last commit that the page can know of.
    pub as_of: Option<UtcMillis>,
    /// How many there are on all pages, where that was asked for.
    pub total: Option<u64>,
    /// The records.
    pub records: &'a [Record],
    /// What comes before them: type, id, and the resource.
    pub first: &'a [(&'static str, String, Vec<u8>)],
    /// What comes beside them.
    pub included: &'a Included,
    /// What the caller should know of the search.
    pub notices: &'a [Issue<'a>],
}

impl ObservationPage<'_> {
    /// The Bundle.
    pub fn render(&self, ids: &PageIds) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_024 + self.records.len() * USUAL_ENTRY);
        let mut bundle = SearchBundle::begin_as_of(&mut out, self.as_of, self.self_url, self.next_url);
        if let Some(total) = self.total {
            bundle.total(&mut out, total);
        }
        for (kind, id, bytes) in self.first {
            bundle.matched(&mut out, self.base, kind, id, |out| out.extend_from_slice(bytes));
        }
        for (index, record) in self.records.iter().enumerate() {
            bundle.matched(&mut out, self.base, "Observation", ids.record(index), |out| {
                observation(out, record, index, ids);
            });
        }
        for (kind, id, bytes) in &self.included.resources {
            bundle.included(&mut out, self.base, kind, id, |out| out.extend_from_slice(bytes));
        }
        if !self.notices.is_empty() {
            bundle.outcome(&mut out, self.notices);
        }
        bundle.end(&mut out);
        out
    }
}

/// Appends the Observation of a record at its place of the page.
pub fn observation(out: &mut Vec<u8>, record: &Record, index: usize, ids: &PageIds) {
    let (id, patient) = (ids.record(index), ids.patient());
    match record {
        Record::Sample(StoredSample {
            of_checkup: Some(OfCheckup::Result(finding)),
            sample,
            version,
            committed,
            dead,
            ..
        }) => fhir_profiles::checkup_result(
            out,
            &CheckupView {
                id,
                patient,
                finding,
                day: sample.local_day(),
                by_hand: sample.flags.has(Flags::USER_ENTERED),
                is_suspicious: sample.flags.has(Flags::OUT_OF_RANGE),
                version: *version,
                updated: *committed,
                dead: *dead,
            },
        ),
        Record::Sample(StoredSample {
            of_checkup: Some(OfCheckup::Battery(of)),
            sample,
            version,
            committed,
            dead,
            ..
        }) => {
            let members = ids.origins(index).into_iter().zip(&of.members);
            let members: Vec<(&str, bool)> = members.map(|(id, (_, is_reason))| (id, *is_reason)).collect();
            fhir_profiles::checkup_battery(
                out,
                &BatteryView {
                    id,
                    patient,
                    battery: of.battery,
                    groups: &of.groups,
                    members: &members,
                    day: sample.local_day(),
                    version: *version,
                    updated: *committed,
                    dead: *dead,
                },
            );
        }
        Record::Sample(stored) => fhir_profiles::observation(
            out,
            &ObservationView {
                id,
                patient,
                device: ids.device(stored.sample.source),
                sample: &stored.sample,
                zone: None,
                version: stored.version,
                updated: stored.committed,
                dead: stored.dead,
                derived_from: &ids.origins(index),
            },
        ),
        Record::Total(stored) => total(out, stored, id, patient),
        Record::Aggregate(stored) => aggregate(out, stored, id, patient),
        Record::Event(stored) => fhir_profiles::event(
            out,
            &EventView {
                id,
                patient,
                metric: stored.metric,
                day: stored.day,
                last: stored.last,
                code: stored.code,
                version: stored.version,
                dead: stored.dead,
                updated: stored.updated,
            },
        ),
    }
}

fn total(out: &mut Vec<u8>, stored: &StoredTotal, id: &str, patient: &str) {
    let amount = |mantissa| {
        let digits = [stored.eligible, stored.total, stored.manual]
            .into_iter()
            .map(|amount| needed_digits(amount, stored.scale))
            .max()
            .unwrap_or_default();
        fhir_profiles::amount(mantissa, stored.scale, digits)
    };
    let flags: Vec<&str> = store::day_flag_codes(stored.flags).collect();
    fhir_profiles::daily_total(
        out,
        &TotalView {
            id,
            patient,
            metric: stored.metric,
            summary: stored.summary,
            day: stored.day,
            eligible: amount(stored.eligible),
            total: amount(stored.total),
            manual: amount(stored.manual),
            flags: &flags,
            version: stored.version,
            status: status(stored.status),
            updated: stored.updated,
        },
    );
}

/// How many decimals of a sum say something: the scale that sums are kept in is no source's precision.
fn needed_digits(mut mantissa: i64, scale: u8) -> u8 {
    let mut digits = scale;
    while digits > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        digits -= 1;
    }
    digits
}

fn aggregate(out: &mut Vec<u8>, stored: &StoredAggregate, id: &str, patient: &str) {
    fhir_profiles::aggregate(
        out,
        &AggregateView {
            id,
            patient,
            metric: stored.metric,
            summary: stored.summary,
            day: stored.day,
            mean: &stored.mean,
            min: &stored.min,
            max: &stored.max,
            last: &stored.last,
            count: stored.count,
            version: stored.version,
            status: status(stored.status),
            updated: stored.updated,
        },
    );
}

fn status(status: DayStatus) -> fhir_profiles::DayStatus {
    match status {
        DayStatus::Preliminary => fhir_profiles::DayStatus::Preliminary,
        DayStatus::Final => fhir_profiles::DayStatus::Final,
        DayStatus::Amended => fhir_profiles::DayStatus::Amended,
    }
}

/// The instant at which a civil day begins in a zone.
pub fn start_of(day: LocalDay, home: &TimeZone) -> UtcMillis {
    let (year, month, date) = day.ymd();
    let civil = i16::try_from(year)
        .ok()
        .and_then(|year| Date::new(year, month as i8, date as i8).ok());
    civil
        .and_then(|civil| home.to_ambiguous_timestamp(civil.at(0, 0, 0, 0)).compatible().ok())
        .map_or(UtcMillis(i64::from(day.0) * DAY_MS), |instant| {
            UtcMillis(instant.as_millisecond())
        })
}

/// What a lenient search left out, and what its scopes cut off.
pub fn notices<'a>(ignored: &[String], expressions: &'a [String], cut_by_scope: bool) -> Vec<Issue<'a>> {
    let mut notices: Vec<Issue<'a>> = ignored
        .iter()
        .zip(expressions)
        .map(|(name, expression)| Issue {
            severity: Severity::Warning,
            code: "not-supported",
            text: format!("parameter `{name}`, or what it asks for, is not supported and was left out: see the CapabilityStatement"),
            expression: Some(expression),
        })
        .collect();
    if cut_by_scope {
        notices.push(Issue {
            severity: Severity::Warning,
            code: "forbidden",
            text: "some of the codes or categories asked for are outside the token's scopes and were left out"
                .to_owned(),
            expression: None,
        });
    }
    notices
}

/// `http.<parameter>` of each name.
pub fn expressions(ignored: &[String]) -> Vec<String> {
    ignored.iter().map(|name| format!("http.{name}")).collect()
}

/// One resource as an answer, with its version; 304 when the caller has that version already.
pub fn resource(
    headers: &HeaderMap,
    bytes: Vec<u8>,
    version: Option<impl std::fmt::Display>,
    updated: Option<UtcMillis>,
) -> Response {
    let tag = version.map(|version| format!("W/\"{version}\""));
    let known = match tag.as_deref() {
        Some(tag) if headers.contains_key(header::IF_NONE_MATCH) => {
            let given = headers
                .get_all(header::IF_NONE_MATCH)
                .iter()
                .filter_map(|value| value.to_str().ok());
            given
                .flat_map(|value| value.split(','))
                .any(|given| given.trim() == tag)
        }
        // RFC 9110 13.1.3: looked at only without the other.
        _ => is_unchanged_since(headers, updated),
    };
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json(bytes)
    };
    let answer = response.headers_mut();
    if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(tag).ok()) {
        answer.insert(header::ETAG, tag);
    }
    if let Some(date) = updated
        .and_then(urls::http_date)
        .and_then(|date| HeaderValue::try_from(date).ok())
    {
        answer.insert(header::LAST_MODIFIED, date);
    }
    response
}

/// True when the caller has what was true at the second of its last change.
fn is_unchanged_since(headers: &HeaderMap, updated: Option<UtcMillis>) -> bool {
    let since = headers
        .get(header::IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    match (since, updated) {
        (Some(since), Some(updated)) => updated.floor_second().0 <= since.as_millisecond(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_shown_with_the_decimals_that_say_something() {
        assert_eq!(needed_digits(12_300, 3), 1);
        assert_eq!(needed_digits(12_000, 3), 0);
        assert_eq!(needed_digits(12_001, 3), 3);
        assert_eq!(needed_digits(0, 3), 0);
        assert_eq!(needed_digits(10, 0), 0);
    }

    #[test]
    fn a_day_begins_at_midnight_at_home() {
        let day = LocalDay::parse("2026-05-11").unwrap();
        let start = |zone: &str| start_of(day, &super::super::bounds::zone(zone)).0;
        assert_eq!(start("Asia/Tokyo"), 1_778_425_200_000, "2026-05-10T15:00:00Z");
        assert_eq!(start("Nowhere/Land"), start("Asia/Tokyo"));
        assert_eq!(start("UTC"), 1_778_457_600_000);
    }

    #[test]
    fn a_version_that_the_caller_has_is_not_sent_again() {
        let mut headers = HeaderMap::new();
        let answer = |headers: &HeaderMap| resource(headers, b"{}".to_vec(), Some(3), Some(UtcMillis(0)));
        let first = answer(&headers);
        assert_eq!(first.headers()[header::ETAG], "W/\"3\"");
        assert_eq!(first.headers()[header::LAST_MODIFIED], "Thu, 01 Jan 1970 00:00:00 GMT");
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"2\", W/\"3\""));
        assert_eq!(answer(&headers).status(), StatusCode::NOT_MODIFIED);
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"2\""));
        assert_eq!(answer(&headers).status(), StatusCode::OK);
        let at = |date: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MODIFIED_SINCE, HeaderValue::from_static(date));
            answer(&headers).status()
        };
        assert_eq!(at("Thu, 01 Jan 1970 00:00:00 GMT"), StatusCode::NOT_MODIFIED);
        assert_eq!(at("Wed, 31 Dec 1969 23:59:59 GMT"), StatusCode::OK);
        assert_eq!(at("yesterday"), StatusCode::OK);
    }
}
