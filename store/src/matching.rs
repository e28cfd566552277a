//! To whom an insurer's record belongs: what the record says of its subject, held against what insurers know a person by.
//!
//! Three layers: as received, normalised for comparison, and keyed hashes of that for finding. A match needs insurer, symbol, number
//! and birth date, and a name or a sex that agrees; whatever else looks alike is *possible*, and a person decides. A household has one
//! number: without a name, the branch number or the ticket's nothing tells twins apart. A document may leave the symbol out: then the
//! number may be another household's too, and only the name, or what is somebody's alone, makes a match.

use model::checkup::{Subject, Ticket};
use model::{LocalDay, Municipality, Residence};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// By what an insurer knows a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insured {
    /// As documents name them.
    pub subject: Subject,
    /// The first day of the insurance; `None` where nobody said.
    pub gained: Option<LocalDay>,
    /// The last day; `None` while it lasts.
    pub lost: Option<LocalDay>,
    /// The area of the municipality they live in, where the ledger says it.
    pub area: String,
    /// The municipality they live in, where the ledger says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residence: Option<Residence>,
    /// Tickets for checkups. Of a list that has these nothing else is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<Ticket>,
}

impl Insured {
    /// The municipality they live in on a day: nothing is said of it before the insurance or once that has ended.
    pub fn municipality_on(&self, day: LocalDay) -> Option<Municipality> {
        let residence = self
            .residence
            .filter(|residence| self.holds_on(day) && residence.holds_on(day))?;
        Some(residence.municipality)
    }

    /// True for a day of the insurance.
    pub fn holds_on(&self, day: LocalDay) -> bool {
        self.gained.is_none_or(|gained| gained <= day) && self.lost.is_none_or(|lost| day <= lost)
    }
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// The same person: what an operator should know of it; empty where all agrees.
    Same(&'static str),
    /// The number, the birth date and the sex agree, and nothing tells twins of one household apart.
    OneOfTwins,
    /// Perhaps: why not for sure.
    Perhaps(&'static str),
    /// Somebody else: why.
    Other(&'static str),
}

/// What is said of [`Likeness::OneOfTwins`] to who decides.
const ONE_OF_TWINS: &str = "the number agrees, and no name, branch number or ticket tells twins apart";

impl Likeness {
    /// Why it is perhaps the same person, and not for sure.
    pub(crate) fn doubt(self) -> Option<&'static str> {
        match self {
            Self::Perhaps(why) => Some(why),
            Self::OneOfTwins => Some(ONE_OF_TWINS),
            Self::Same(_) | Self::Other(_) => None,
        }
    }
}

/// Kanji that are one in names, whatever Unicode says.
const VARIANTS: &[(char, char)] = &[
    ('𠮷', '吉'),
    ('冨', '富'),
    ('眞', '真'),
    ('龍', '竜'),
    ('渕', '淵'),
    ('槙', '槇'),
    ('曽', '曾'),
    ('髙', '高'),
    ('﨑', '崎'),
    ('嵜', '崎'),
    ('瀨', '瀬'),
    ('邊', '辺'),
    ('邉', '辺'),
    ('齋', '斎'),
    ('齊', '斎'),
    ('斉', '斎'),
    ('濵', '浜'),
    ('濱', '浜'),
    ('澤', '沢'),
    ('廣', '広'),
    ('櫻', '桜'),
    ('惠', '恵'),
    ('德', '徳'),
    ('國', '国'),
    ('嶋', '島'),
];

/// A name for comparison: full-width katakana without spaces, small kana large, dashes alike, variants of kanji one.
pub(crate) fn name(written: &str) -> String {
    written
        .nfkc()
        .filter(|c| !c.is_whitespace() && !matches!(c, '・' | '.') && !selects_a_shape(*c))
        .flat_map(char::to_uppercase)
        .map(|c| match c {
            // Hiragana lies 0x60 before katakana.
            'ぁ'..='ゖ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
            other => other,
        })
        .map(|c| match c {
            'ァ' => 'ア',
            'ィ' => 'イ',
            'ゥ' => 'ウ',
            'ェ' => 'エ',
            'ォ' => 'オ',
            'ッ' => 'ツ',
            'ャ' => 'ヤ',
            'ュ' => 'ユ',
            'ョ' => 'ヨ',
            'ヮ' => 'ワ',
            'ー' | '－' | '‐' | '―' | '−' | '-' => 'ー',
            other => VARIANTS
                .iter()
                .find(|(from, _)| *from == other)
                .map_or(other, |(_, to)| *to),
        })
        // What was left out may have stood between a letter and its mark.
        .nfkc()
        .collect()
}

/// True where two writings of a name are one, but for widths, spaces, kana of one sound's size, and variants of kanji.
pub fn is_one_name(one: &str, other: &str) -> bool {
    one == other || name(one) == name(other)
}

/// True where two writings of a symbol or number are one.
fn is_one_number(one: &str, other: &str) -> bool {
    one == other || number(one) == number(other)
}

/// True where something is left of a symbol or number once it is written for comparison.
fn is_said(written: &str) -> bool {
    // Nearly all have a digit that shows at once.
    written.bytes().any(|byte| matches!(byte, b'1'..=b'9')) || !number(written).is_empty()
}

/// True for a variation selector: it chooses among shapes of one kanji, which systems keep or lose as they please.
fn selects_a_shape(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// A symbol or number for comparison: widths, spaces, dashes and leading zeros are none.
pub(crate) fn number(written: &str) -> String {
    if written.bytes().all(|byte| byte.is_ascii_digit()) {
        return written.trim_start_matches('0').to_owned();
    }
    let plain: String = written
        .nfkc()
        .flat_map(char::to_uppercase)
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '―' | '−' | 'ー' | '・'))
        .nfkc()
        .collect();
    let cut = plain.trim_start_matches('0');
    cut.to_owned()
}

/// What a keyed hash of insurer, number and birth date is made of; `None` where one that tells people apart is missing. The symbol is no
/// part of it, since documents may leave it out: where both say it, [`compare`] holds one against the other.
pub(crate) fn by_number(subject: &Subject) -> Option<[String; 3]> {
    let birth = subject.birth?.to_string();
    let [insurer, own] = [&subject.insurer, &subject.number].map(|part| number(part));
    (!insurer.is_empty() && !own.is_empty()).then_some([insurer, own, birth])
}

/// How two symbols stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbols {
    /// One, or none on either side.
    Agree,
    /// One side leaves it out.
    LeftOut,
    Differ,
}

fn symbols(one: &Subject, other: &Subject) -> Symbols {
    match [is_said(&one.symbol), is_said(&other.symbol)] {
        [true, true] if !is_one_number(&one.symbol, &other.symbol) => Symbols::Differ,
        [true, false] | [false, true] => Symbols::LeftOut,
        _ => Symbols::Agree,
    }
}

/// Which of a person's insurances is the one of a subject: the very one, or the only one that may be where a symbol is left out.
pub(crate) fn of_number(known: &[Insured], subject: &Subject) -> Option<usize> {
    let number = by_number(subject);
    let with = |how: Symbols| {
        let all = known.iter().enumerate();
        all.filter(move |(_, insured)| symbols(&insured.subject, subject) == how)
            .filter(|(_, insured)| by_number(&insured.subject) == number)
            .map(|(place, _)| place)
    };
    let mut without_symbol = with(Symbols::LeftOut);
    let only = without_symbol.next().filter(|_| without_symbol.next().is_none());
    with(Symbols::Agree).next().or(only)
}

/// True where two name one insurer.
pub(crate) fn is_of_one_insurer(one: &Subject, other: &Subject) -> bool {
    is_said(&one.insurer) && is_one_number(&one.insurer, &other.insurer)
}

/// The symbol of an insurance that is told anew: where it is left out, what was said before stays.
pub(crate) fn symbol(told: &Subject, before: Option<&Insured>) -> String {
    let before = before.filter(|_| !is_said(&told.symbol));
    before.map_or(&told.symbol, |before| &before.subject.symbol).clone()
}

/// What a keyed hash of the number of long-term care insurance is made of: one municipality gives each once, so who is asked for it is
/// always one organisation's.
pub(crate) fn by_care(subject: &Subject) -> Option<[String; 2]> {
    let birth = subject.birth?.to_string();
    let own = number(&subject.care_number);
    (!own.is_empty()).then_some([own, birth])
}

/// What a keyed hash of name, birth date, sex and postal code is made of.
pub(crate) fn by_name(subject: &Subject) -> Option<[String; 4]> {
    let birth = subject.birth?.to_string();
    let name = name(&subject.name);
    let postal = number(&subject.postal_code);
    let sex = subject.sex?.to_string();
    (!name.is_empty() && !postal.is_empty()).then_some([name, birth, sex, postal])
}

/// True where an insurer gives each of its people a number: those of the elderly aged 75 and over, whose numbers have eight digits and
/// begin so (法別番号 39).
fn numbers_each(insurer: &str) -> bool {
    let insurer = number(insurer);
    insurer.len() == 8 && insurer.starts_with("39")
}

/// True where a ticket is this person's: the only one of its year. A list of tickets names nobody, so that of twins who are not both
/// known both tickets are held to be of the one who is.
fn has_ticket(known: &Insured, number: &str) -> bool {
    let valid = || known.tickets.iter().filter(|ticket| !ticket.is_void);
    let same = valid().find(|ticket| is_one_number(&ticket.number, number));
    same.is_some_and(|same| valid().filter(|ticket| ticket.year == same.year).count() == 1)
}

/// Holds what a record of a day says of its subject against one person.
pub(crate) fn compare(record: &Subject, known: &Insured, on: LocalDay) -> Likeness {
    let person = &known.subject;
    let same_birth = record.birth.is_some() && record.birth == person.birth;
    let symbols = symbols(record, person);
    let same_number = same_birth
        && is_said(&record.insurer)
        && is_said(&record.number)
        && is_one_number(&record.insurer, &person.insurer)
        && symbols != Symbols::Differ
        && is_one_number(&record.number, &person.number);
    let same_care =
        same_birth && is_said(&record.care_number) && is_one_number(&record.care_number, &person.care_number);
    let same_name = is_one_name(&record.name, &person.name) && !record.name.is_empty();
    let same_sex = record.sex.is_some() && record.sex == person.sex;
    if !same_number && !same_care {
        let alike = by_name(record).is_some() && by_name(record) == by_name(person);
        return match alike {
            true => {
                Likeness::Perhaps("the name, the birth date, the sex and the postal code agree, the number does not")
            }
            false => Likeness::Other("neither the number nor the name agrees"),
        };
    }
    let branches = !record.branch.is_empty() && !person.branch.is_empty();
    if !same_care && branches && !is_one_number(&record.branch, &person.branch) {
        return Likeness::Other("the branch number is another: a twin, or somebody of the same household");
    }
    let same_ticket = is_said(&record.ticket) && has_ticket(known, &record.ticket);
    // There is no household behind these. Without the symbol a branch number may be that of another household.
    let is_household_known = symbols == Symbols::Agree;
    let is_ones_own = same_care || (branches && is_household_known) || same_ticket || numbers_each(&record.insurer);
    if !known.holds_on(on) {
        return Likeness::Perhaps("the number was not theirs on that day: it may have been given to somebody else");
    }
    let is_without_name = record.name.is_empty() || person.name.is_empty();
    match (same_name, same_sex) {
        (true, true) => Likeness::Same(""),
        (true, false) if record.sex.is_none() || person.sex.is_none() => Likeness::Same(""),
        (false, true) if is_ones_own && is_without_name => Likeness::Same(""),
        // Who marries changes the name, and keeps number, birth date and sex.
        (false, true) if is_ones_own => Likeness::Same("the name is another than the insurer's ledger has"),
        (false, true) if !is_household_known => Likeness::Perhaps(
            "the number agrees, the symbol is left out, and no name says that it is their household's",
        ),
        (false, true) if is_without_name => Likeness::OneOfTwins,
        (false, true) => {
            Likeness::Perhaps("the number agrees, the name does not, and no branch number tells twins apart")
        }
        (true, false) => Likeness::Perhaps("the number and the name agree, the sex does not"),
        (false, false) => Likeness::Perhaps("the number agrees, neither the name nor the sex does"),
    }
}

#[cfg(test)]
mod tests;
