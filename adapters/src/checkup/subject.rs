//! Whom a document of the electronic form is about.
//!
//! One document is of one person. One that names two (documents run together, a part that came from another one) says of no result
//! whose it is, so it is nobody's: whatever is named first would be given what is the other's.

use model::checkup::Subject;
use model::checkup::items::ROOT;

use super::document::{as_plain, day, plain, shortened};
use super::tree::Element;

/// How what numbers an insurer's tickets for checkups begins, before the insurer's eight digits (japan.md 2.2).
const TICKETS: &str = "6.209.1";

/// A document names more than one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SeveralPeople;

/// Reads whom a document is about. Who is named twice is one person, and a name may be written in several ways.
pub(super) fn read(root: Element<'_>) -> Result<Subject, SeveralPeople> {
    let roles = || {
        root.named("recordTarget")
            .flat_map(|target| target.named("patientRole"))
    };
    let patients = || roles().flat_map(|role| role.named("patient"));
    let id = |of: &'static str| {
        let ids = roles().flat_map(|role| role.named("id"));
        let own = ids.filter(move |id| id.attribute("root").and_then(|root| root.strip_prefix(ROOT)) == Some(of));
        let written = own.filter_map(|id| id.attribute("extension"));
        // Widths, and zeros that a table cut off, make no other number.
        let said = one(written, |written| plain(written).trim_start_matches('0').to_owned())?;
        Ok(shortened(said.unwrap_or_default()))
    };
    let insurer = plain(&id("6.101")?);
    let names = patients().filter_map(|patient| patient.find(&["name"]));
    let births = patients().flat_map(|patient| patient.named("birthTime"));
    let sexes = patients().flat_map(|patient| patient.named("administrativeGenderCode"));
    Ok(Subject {
        // Tables cut zeros off: the number has eight digits.
        insurer: if insurer.is_empty() {
            insurer
        } else {
            format!("{insurer:0>8}")
        },
        symbol: id("6.204")?,
        number: id("6.205")?,
        branch: id("6.211")?,
        name: shortened(one(names.map(Element::text), |name| plain(name))?.unwrap_or_default()),
        birth: one(
            births.filter_map(|birth| birth.attribute("value").and_then(day)),
            |birth| *birth,
        )?,
        sex: one(
            sexes.filter_map(|sex| as_plain(sex.attribute("code")?).parse().ok()),
            |sex: &u8| *sex,
        )?,
        postal_code: plain(
            roles()
                .find_map(|role| role.find(&["addr", "postalCode"]))
                .map_or("", Element::text),
        ),
        address: shortened(roles().find_map(|role| role.find(&["addr"])).map_or("", Element::text)),
        ticket: ticket(root),
        ..Subject::default()
    })
}

/// The number of the ticket with which somebody came (受診券整理番号), of whatever insurer; nothing of a ticket for guidance.
fn ticket(root: Element<'_>) -> String {
    let holders = root
        .named("participant")
        .filter(|by| by.attribute("typeCode") == Some("HLD"));
    let mut ids = holders
        .flat_map(|by| by.named("associatedEntity"))
        .flat_map(|holder| holder.named("id"));
    let number = ids.find_map(|id| {
        let of = id.attribute("root")?.strip_prefix(ROOT)?;
        of.starts_with(TICKETS).then(|| id.attribute("extension")).flatten()
    });
    plain(&shortened(number.unwrap_or_default()))
}

/// What is told, once or several times; an error where something else is told too.
pub(super) fn one<T, M: PartialEq>(
    mut told: impl Iterator<Item = T>,
    meant: impl Fn(&T) -> M,
) -> Result<Option<T>, SeveralPeople> {
    let Some(first) = told.next() else { return Ok(None) };
    // Nearly every document tells each of it once.
    let Some(second) = told.next() else {
        return Ok(Some(first));
    };
    let known = meant(&first);
    match meant(&second) == known && told.all(|other| meant(&other) == known) {
        true => Ok(Some(first)),
        false => Err(SeveralPeople),
    }
}
