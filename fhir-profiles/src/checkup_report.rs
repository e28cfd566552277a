//! A checkup as a whole for those who are given it: a DiagnosticReport that names its results, and the resident's answers as a
//! QuestionnaireResponse.
//!
//! Neither claims a profile of the checkup report guide, which asks for who was examined by whom and under which insurance: that
//! stays with the person.

use model::checkup::items;
use model::checkup::{Finding, Found};
use model::vocabulary::systems;
use model::{Measured, Metric};

use crate::checkup::list_system;
use crate::json::{decimal, escaped, presentable, raw, string};
use crate::meta::{head, security};
use crate::prepared::coding;
use crate::time::{date, effective_days, instant};
use crate::view::ReportView;

/// System and code of what a DiagnosticReport of a checkup is: its kind by our own code, the document's type where it is a checkup's
/// report and not of guidance after one, the programme.
#[must_use]
pub fn report_codes<'a>(view: &ReportView<'a>) -> Vec<(&'static str, &'a str)> {
    let mut codes = vec![(systems::METRIC, view.event.row().key)];
    if view.event != Metric::GUIDANCE_SPECIFIC {
        codes.push((systems::DOCUMENT_TYPE, systems::CHECKUP_DOCUMENT));
    }
    if !view.programme.is_empty() {
        codes.push((systems::CHECKUP_PROGRAMME, view.programme));
    }
    codes
}

/// System and code of its category: what the resident ticks.
#[must_use]
pub fn report_category() -> (&'static str, &'static str) {
    (systems::CONSENT_CATEGORY, model::ConsentCategory::Checkup.key())
}

/// Appends the DiagnosticReport; `results` are ids of Observations for this recipient.
pub fn diagnostic_report(out: &mut Vec<u8>, view: &ReportView<'_>, results: &[String]) {
    begin(out, "DiagnosticReport", view, &[]);
    raw(out, if view.dead { &b"entered-in-error"[..] } else { b"final" });
    raw(out, b"\",\"category\":[{\"coding\":[");
    let (system, code) = report_category();
    coding(out, system, code, None);
    raw(out, b"]}],\"code\":{\"coding\":[");
    for (place, (system, code)) in report_codes(view).into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        coding(out, system, code, None);
    }
    raw(out, b"],\"text\":");
    string(out, view.event.row().name_ja);
    raw(out, b"},");
    subject(out, view);
    if view.dead {
        out.push(b'}');
        return;
    }
    effective_days(out, view.days);
    raw(out, b",\"issued\":\"");
    instant(out, view.updated);
    out.push(b'"');
    for (place, id) in results.iter().enumerate() {
        raw(out, if place == 0 { &b",\"result\":["[..] } else { b"," });
        raw(out, b"{\"reference\":\"Observation/");
        escaped(out, id);
        raw(out, b"\"}");
    }
    raw(out, if results.is_empty() { &b"}"[..] } else { b"]}" });
}

/// Appends the QuestionnaireResponse: a question by its official item code and its Japanese words, an answer by the list of its own
/// year. What was asked and not answered has no answer.
pub fn questionnaire_response(out: &mut Vec<u8>, view: &ReportView<'_>, answers: &[&Finding]) {
    begin(out, "QuestionnaireResponse", view, answers);
    raw(
        out,
        if view.dead {
            &b"entered-in-error"[..]
        } else {
            b"completed"
        },
    );
    raw(out, b"\",");
    subject(out, view);
    if view.dead {
        out.push(b'}');
        return;
    }
    raw(out, b",\"authored\":\"");
    date(out, view.days.0);
    raw(out, b"\",\"source\":{\"reference\":\"Patient/");
    escaped(out, view.patient);
    raw(out, b"\"}");
    for (place, finding) in answers.iter().enumerate() {
        raw(out, if place == 0 { &b",\"item\":[{"[..] } else { b",{" });
        raw(out, b"\"linkId\":");
        string(out, &link_id(finding));
        raw(out, b",\"text\":");
        string(out, finding.item.row().name_ja);
        answer(out, finding);
        out.push(b'}');
    }
    raw(out, if answers.is_empty() { &b"}"[..] } else { b"]}" });
}

/// The item's code; of a further reading with its number, since a link id stands there once.
fn link_id(finding: &Finding) -> String {
    let code = finding.item.row().code;
    match finding.reading {
        0 => code.to_owned(),
        reading => format!("{code}.{}", u16::from(reading) + 1),
    }
}

fn answer(out: &mut Vec<u8>, finding: &Finding) {
    match &finding.result {
        Found::Answer(of, code) => {
            let name = items::answer_of(of, code);
            raw(out, b",\"answer\":[{\"valueCoding\":");
            coding(out, &list_system(of), code, name);
            raw(out, b"}]");
        }
        Found::Text(text) => {
            if let Some(text) = presentable(text) {
                raw(out, b",\"answer\":[{\"valueString\":");
                string(out, &text);
                raw(out, b"}]");
            }
        }
        Found::Quantity(number, unit) | Found::AtLeast(number, unit) | Found::AtMost(number, unit) => {
            raw(out, b",\"answer\":[{\"valueQuantity\":{\"value\":");
            decimal(out, Measured::as_given(*number));
            match &finding.result {
                Found::AtLeast(..) => raw(out, b",\"comparator\":\">=\""),
                Found::AtMost(..) => raw(out, b",\"comparator\":\"<=\""),
                _ => {}
            }
            if let Some(unit) = presentable(unit) {
                raw(out, b",\"unit\":");
                string(out, &unit);
            }
            raw(out, b"}}]");
        }
        Found::NotPerformed | Found::NotMeasurable => {}
    }
}

/// Up to the status; labelled as the checkup is, and as what is in it.
fn begin(out: &mut Vec<u8>, kind: &str, view: &ReportView<'_>, within: &[&Finding]) {
    head(out, kind, view.id, view.version, view.updated);
    raw(out, b"\",");
    let mut rows = vec![view.event.row()];
    rows.extend(within.iter().map(|finding| finding.item.metric().row()));
    security(out, &rows);
    raw(out, b"},\"status\":\"");
}

fn subject(out: &mut Vec<u8>, view: &ReportView<'_>) {
    raw(out, b"\"subject\":{\"reference\":\"Patient/");
    escaped(out, view.patient);
    raw(out, b"\"}");
}
