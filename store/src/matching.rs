//! To whom an insurer's record belongs: what the record says of its subject, held against what insurers know a person by.
//!
//! Three layers: as received, normalised for comparison, and keyed hashes of that for finding. A match needs insurer, symbol, number
//! and birth date, and a name or a sex that agrees; whatever else looks alike is *possible*, and a person decides. A household has one
//! number: without a name, the branch number or the ticket's nothing tells twins apart.

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
        let is_insured = self.gained.is_none_or(|gained| gained <= day) && self.lost.is_none_or(|lost| day <= lost);
        let residence = self
            .residence
            .filter(|residence| is_insured && residence.holds_on(day))?;
        Some(residence.municipality)
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

/// What a keyed hash of insurer, symbol, number and birth date is made of; `None` where one that tells people apart is missing.
pub(crate) fn by_number(subject: &Subject) -> Option<[String; 4]> {
    let birth = subject.birth?.to_string();
    let [insurer, symbol, own] = [&subject.insurer, &subject.symbol, &subject.number].map(|part| number(part));
    (!insurer.is_empty() && !own.is_empty()).then_some([insurer, symbol, own, birth])
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
    let same_number = same_birth
        && is_said(&record.insurer)
        && is_said(&record.number)
        && is_one_number(&record.insurer, &person.insurer)
        && is_one_number(&record.symbol, &person.symbol)
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
    // There is no household behind these.
    let is_ones_own = same_care || branches || same_ticket || numbers_each(&record.insurer);
    if known.gained.is_some_and(|gained| on < gained) || known.lost.is_some_and(|lost| on > lost) {
        return Likeness::Perhaps("the number was not theirs on that day: it may have been given to somebody else");
    }
    let is_without_name = record.name.is_empty() || person.name.is_empty();
    match (same_name, same_sex) {
        (true, true) => Likeness::Same(""),
        (true, false) if record.sex.is_none() || person.sex.is_none() => Likeness::Same(""),
        (false, true) if is_ones_own && is_without_name => Likeness::Same(""),
        // Who marries changes the name, and keeps number, birth date and sex.
        (false, true) if is_ones_own => Likeness::Same("the name is another than the insurer's ledger has"),
        (false, true) if is_without_name => Likeness::OneOfTwins,
        (false, true) => {
            Likeness::Perhaps("the number agrees, the name does not, and no branch number tells twins apart")
        }
        (true, false) => Likeness::Perhaps("the number and the name agree, the sex does not"),
        (false, false) => Likeness::Perhaps("the number agrees, neither the name nor the sex does"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> LocalDay {
        LocalDay::parse(text).expect("a day")
    }

    fn subject() -> Subject {
        Subject {
            insurer: "00139999".into(),
            symbol: "ＡＢ－０１".into(),
            number: "００１２３".into(),
            branch: "01".into(),
            name: "ミホン　キョウコ".into(),
            birth: Some(day("1960-02-29")),
            sex: Some(2),
            postal_code: "999-9999".into(),
            ..Subject::default()
        }
    }

    fn insured() -> Insured {
        Insured {
            subject: Subject {
                insurer: "139999".into(),
                symbol: "AB01".into(),
                number: "123".into(),
                branch: "1".into(),
                name: "ﾐﾎﾝｷｮｳｺ".into(),
                postal_code: "9999999".into(),
                ..subject()
            },
            gained: Some(day("2020-04-01")),
            lost: None,
            area: String::new(),
            residence: None,
            tickets: Vec::new(),
        }
    }

    /// What is said of who is known by another name than the record's.
    const RENAMED: &str = "the name is another than the insurer's ledger has";

    /// A list of results names nobody: of a household's number a twin who is not known could be meant.
    #[test]
    fn who_is_not_named_is_known_by_what_is_theirs_alone() {
        let with = |change: &dyn Fn(&mut Subject), known: &Insured| {
            let mut record = Subject {
                name: String::new(),
                branch: String::new(),
                ..subject()
            };
            change(&mut record);
            compare(&record, known, day("2025-06-10"))
        };
        let nothing = |_: &mut Subject| {};
        assert_eq!(with(&nothing, &insured()), Likeness::OneOfTwins);
        let branch = |record: &mut Subject| record.branch = "１".into();
        assert_eq!(with(&branch, &insured()), Likeness::Same(""));
        let named = |record: &mut Subject| record.name = "みほん きょうこ".into();
        assert_eq!(with(&named, &insured()), Likeness::Same(""));
        let with_tickets = |numbers: &[&str]| Insured {
            tickets: numbers
                .iter()
                .map(|number| Ticket {
                    number: (*number).to_owned(),
                    year: 2025,
                    issued: None,
                    until: day("2026-03-31"),
                    is_void: false,
                })
                .collect(),
            ..insured()
        };
        let with_ticket = with_tickets(&["25123456789"]);
        let with_a_twins = with_tickets(&["25123456789", "25123456790"]);
        let ticket = |record: &mut Subject| record.ticket = "２５１２３４５６７８９".into();
        assert_eq!(with(&ticket, &with_ticket), Likeness::Same(""));
        let anothers = |record: &mut Subject| record.ticket = "25123456780".into();
        for (record, known) in [
            (&anothers as &dyn Fn(&mut Subject), &with_ticket),
            (&ticket, &insured()),
            (&ticket, &with_a_twins),
        ] {
            assert_eq!(with(record, known), Likeness::OneOfTwins);
        }
        let elderly = Insured {
            subject: Subject {
                insurer: "39131234".into(),
                ..insured().subject
            },
            ..insured()
        };
        let of_elderly = |record: &mut Subject| record.insurer = "39131234".into();
        assert_eq!(with(&of_elderly, &elderly), Likeness::Same(""));
    }

    #[test]
    fn widths_zeros_spaces_and_small_kana_tell_nobody_apart() {
        assert_eq!(compare(&subject(), &insured(), day("2025-06-10")), Likeness::Same(""));
        assert_eq!(name("みほん きょうこ"), name("ミホンキヨウコ"));
        assert_eq!(name("髙﨑 邉"), name("高崎辺"));
        assert_eq!(name("葛\u{e0100}飾"), name("葛飾"));
        assert_eq!(name(&name("H\u{a8}")), name("H\u{a8}"));
        assert_eq!(name("ローラ"), name("ロ－ラ"));
        assert_eq!(number("００−１２３"), "123");
    }

    #[test]
    fn who_differs_is_told_why() {
        let with = |change: &dyn Fn(&mut Subject)| {
            let mut subject = subject();
            change(&mut subject);
            compare(&subject, &insured(), day("2025-06-10"))
        };
        assert!(matches!(with(&|subject| subject.branch = "02".into()), Likeness::Other(why) if why.contains("twin")));
        let married = with(&|subject| subject.name = "タナカキョウコ".into());
        assert_eq!(married, Likeness::Same(RENAMED));
        assert!(matches!(
            with(&|subject| {
                subject.name = "タナカジロウ".into();
                subject.branch.clear();
            }),
            Likeness::Perhaps(_)
        ));
        assert!(matches!(with(&|subject| subject.sex = Some(1)), Likeness::Perhaps(_)));
        assert!(matches!(
            with(&|subject| {
                subject.sex = Some(1);
                subject.name = "タナカジロウ".into();
            }),
            Likeness::Perhaps(_)
        ));
        assert!(matches!(
            with(&|subject| subject.birth = Some(day("1961-02-28"))),
            Likeness::Other(_)
        ));
        assert!(
            matches!(with(&|subject| subject.number = "999".into()), Likeness::Perhaps(why) if why.contains("postal code"))
        );
        let before = compare(&subject(), &insured(), day("2019-06-10"));
        assert!(
            matches!(before, Likeness::Perhaps(why) if why.contains("given to somebody else")),
            "{before:?}"
        );
    }

    #[test]
    fn a_number_of_care_insurance_finds_its_person_whatever_the_other_number_is() {
        let with = |change: &dyn Fn(&mut Subject)| {
            let mut record = Subject {
                insurer: "39999999".into(),
                number: "55555555".into(),
                care_number: "０００１２３４５６７".into(),
                ..subject()
            };
            change(&mut record);
            let known = Insured {
                subject: Subject {
                    care_number: "1234567".into(),
                    ..insured().subject
                },
                ..insured()
            };
            compare(&record, &known, day("2025-06-10"))
        };
        assert_eq!(with(&|_| {}), Likeness::Same(""));
        assert_eq!(with(&|record| record.branch = "07".into()), Likeness::Same(""));
        let married = with(&|record| record.name = "タナカキョウコ".into());
        assert_eq!(married, Likeness::Same(RENAMED));
        assert!(matches!(with(&|record| record.sex = Some(1)), Likeness::Perhaps(_)));
        assert!(matches!(
            with(&|record| record.birth = Some(day("1961-02-28"))),
            Likeness::Other(_)
        ));
        assert!(
            matches!(with(&|record| record.care_number.clear()), Likeness::Perhaps(why) if why.contains("postal code"))
        );
    }

    #[test]
    fn a_municipality_is_said_while_its_own_days_and_the_insurance_last() {
        let midori = Municipality::parse("13101").expect("a municipality");
        let known = Insured {
            lost: Some(day("2025-05-05")),
            residence: Some(Residence {
                since: Some(day("2022-08-01")),
                ..Residence::of(midori)
            }),
            ..insured()
        };
        let on = |known: &Insured, written: &str| known.municipality_on(day(written));
        for (written, expected) in [
            ("2022-07-31", None),
            ("2022-08-01", Some(midori)),
            ("2025-05-05", Some(midori)),
            ("2025-05-06", None),
        ] {
            assert_eq!(on(&known, written), expected, "{written}");
        }
        let moved = Insured {
            residence: known.residence.map(|residence| Residence {
                since: None,
                until: Some(day("2024-03-31")),
                ..residence
            }),
            ..known.clone()
        };
        assert_eq!((on(&moved, "2020-03-31"), on(&moved, "2024-04-01")), (None, None));
        assert_eq!(on(&moved, "2020-04-01"), Some(midori));
        // What was kept before the municipality was.
        let before = serde_json::to_string(&insured()).expect("text");
        assert!(!before.contains("residence"));
        assert_eq!(serde_json::from_str::<Insured>(&before).expect("as it was"), insured());
        let kept = serde_json::to_string(&known).expect("text");
        assert!(kept.contains("\"131016\""), "{kept}");
        assert!(serde_json::from_str::<Insured>(&kept.replace("131016", "131017")).is_err());
        assert_eq!(serde_json::from_str::<Insured>(&kept).expect("as it was"), known);
    }

    #[test]
    fn what_says_too_little_is_found_by_nothing() {
        let bare = Subject::default();
        assert_eq!((by_number(&bare), by_name(&bare)), (None, None));
        assert!(matches!(
            compare(&bare, &Insured::default(), day("2025-06-10")),
            Likeness::Other(_)
        ));
    }

    proptest! {
        #[test]
        fn nobody_is_matched_by_chance(number in "[0-9]{1,8}", other in "[0-9]{1,8}", name in "[ァ-ヶ]{2,8}") {
            let one = Subject { number: number.clone(), name, ..subject() };
            let known = Insured { subject: Subject { number: other.clone(), ..subject() }, ..insured() };
            let likeness = compare(&one, &known, day("2025-06-10"));
            if super::number(&number) != super::number(&other) {
                prop_assert!(!matches!(likeness, Likeness::Same(_)));
            }
        }

        #[test]
        fn normalising_twice_changes_nothing(written in ".{0,20}") {
            prop_assert_eq!(super::name(&super::name(&written)), super::name(&written));
            prop_assert_eq!(super::number(&super::number(&written)), super::number(&written));
        }
    }
}
