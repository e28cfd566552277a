//! Ledgers of the insured: who is insured by whom, since when and until when. They hold no results; what they say keeps the matching
//! of results right.

use std::ops::ControlFlow;

use model::LocalDay;
use model::checkup::{Subject, Ticket};
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;

use super::bound::{Source, birth_date};
use super::file::{Column, ColumnsError, Person, check_header_lines, named, one, wrong};
use super::{decoded, first_look, walk};
use crate::checkup::document::is_plausible;
use crate::checkup::table::{self, Head, plain};
use crate::{AdapterError, Input};

/// Files of columns of ledgers that come with the program, by name.
const SHIPPED: &[(&str, &str)] = &[
    ("kdb-ledger", include_str!("kdb-ledger.toml")),
    ("checkup-tickets", include_str!("checkup-tickets.toml")),
];

/// The most insurances of one line.
const MOST_INSURANCES: usize = 8;

/// Which column of a ledger is what.
#[derive(Clone, Debug)]
pub struct LedgerColumns(Written);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "one")]
    header_lines: usize,
    person: Person,
    area: Option<Column>,
    #[serde(default)]
    insurance: Vec<Insurance>,
    ticket: Option<TicketColumns>,
}

/// One insurance that a line may tell of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Insurance {
    insurer: Column,
    symbol: Option<Column>,
    number: Column,
    branch: Option<Column>,
    gained: Column,
    lost: Option<Column>,
}

/// A ticket for a checkup, in place of insurances.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketColumns {
    insurer: Column,
    symbol: Option<Column>,
    number: Column,
    branch: Option<Column>,
    year: Column,
    ticket: Column,
    issued: Option<Column>,
    until: Column,
    void: Option<Column>,
}

impl LedgerColumns {
    /// Reads a file of columns of a ledger.
    ///
    /// # Errors
    /// [`ColumnsError`], which says what is wrong where.
    pub fn parse(text: &str) -> Result<Self, ColumnsError> {
        let written: Written = toml::from_str(text)?;
        check_header_lines(written.header_lines)?;
        let (tells_of, has_ticket) = (written.insurance.len(), written.ticket.is_some());
        if !(usize::from(!has_ticket)..=MOST_INSURANCES).contains(&tells_of) || (has_ticket && tells_of > 0) {
            let allowed = "a line tells of 1 to 8 insurances, or of one ticket";
            return Err(wrong("insurance", &tells_of.to_string(), allowed));
        }
        Ok(Self(written))
    }

    /// A file of columns that comes with the program.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static str> {
        named(SHIPPED, name)
    }
}

/// That somebody is or was insured, or has a ticket of their insurer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Who, and by what the insurer knows them.
    pub subject: Subject,
    /// The first day; `None` where a ticket is all that is told of.
    pub gained: Option<LocalDay>,
    /// The last day; `None` while it lasts.
    pub lost: Option<LocalDay>,
    /// The area of the municipality that they live in.
    pub area: String,
    /// The ticket.
    pub ticket: Option<Ticket>,
}

/// A line of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// Which line of the file it ends in.
    pub line: u64,
    /// What it says, or why it says nothing that can be used.
    pub told: Result<Vec<Membership>, &'static str>,
}

struct Bound {
    person: Vec<(&'static str, Source)>,
    birth_era: Option<Source>,
    birth: Option<Source>,
    postal_code: Option<Source>,
    area: Option<Source>,
    insurances: Vec<BoundInsurance>,
    ticket: Option<BoundTicket>,
}

struct BoundTicket {
    own: Vec<(&'static str, Source)>,
    year: Source,
    ticket: Source,
    issued: Option<Source>,
    until: Source,
    void: Option<Source>,
}

struct BoundInsurance {
    own: Vec<(&'static str, Source)>,
    gained: Source,
    lost: Option<Source>,
}

impl Bound {
    fn new(written: &Written, names: &[String]) -> Result<Self, AdapterError> {
        let known: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let find = |column: &Column| Source::find(column, &known);
        let all = |columns: &[(&'static str, Option<&Column>)]| Source::all(columns, &known);
        let insurance = |insurance: &Insurance| {
            Ok(BoundInsurance {
                own: all(&[
                    ("保険者番号", Some(&insurance.insurer)),
                    ("記号", insurance.symbol.as_ref()),
                    ("番号", Some(&insurance.number)),
                    ("枝番", insurance.branch.as_ref()),
                ])?,
                gained: find(&insurance.gained)?,
                lost: insurance.lost.as_ref().map(find).transpose()?,
            })
        };
        let ticket = |ticket: &TicketColumns| -> Result<BoundTicket, AdapterError> {
            Ok(BoundTicket {
                own: all(&[
                    ("保険者番号", Some(&ticket.insurer)),
                    ("記号", ticket.symbol.as_ref()),
                    ("番号", Some(&ticket.number)),
                    ("枝番", ticket.branch.as_ref()),
                ])?,
                year: find(&ticket.year)?,
                ticket: find(&ticket.ticket)?,
                issued: ticket.issued.as_ref().map(find).transpose()?,
                until: find(&ticket.until)?,
                void: ticket.void.as_ref().map(find).transpose()?,
            })
        };
        let person = &written.person;
        Ok(Self {
            ticket: written.ticket.as_ref().map(ticket).transpose()?,
            person: all(&[
                ("氏名", person.name.as_ref()),
                ("性別", person.sex.as_ref()),
                ("介護保険被保険者番号", person.care_number.as_ref()),
            ])?,
            birth_era: person.birth_era.as_ref().map(find).transpose()?,
            birth: person.birth.as_ref().map(find).transpose()?,
            postal_code: person.postal_code.as_ref().map(find).transpose()?,
            area: written.area.as_ref().map(find).transpose()?,
            insurances: written
                .insurance
                .iter()
                .map(insurance)
                .collect::<Result<_, AdapterError>>()?,
        })
    }

    fn line(&self, cells: &[String]) -> Result<Vec<Membership>, &'static str> {
        let of = |source: &Option<Source>| source.as_ref().map_or("", |source| source.of(cells)).to_owned();
        let birth = birth_date(&of(&self.birth_era), &of(&self.birth)).filter(|birth| birth.ymd().0 >= 1868);
        let birth = birth.ok_or("no-birth-date")?;
        let mut memberships = Vec::new();
        let head_of = |own: &[(&'static str, Source)]| {
            let mut head = Head::default();
            for (name, source) in self.person.iter().chain(own) {
                let told = source.of(cells);
                if !told.is_empty() {
                    head.takes(name, told);
                }
            }
            head
        };
        if let Some(ticket) = &self.ticket {
            let head = head_of(&ticket.own);
            if head.subject.insurer.is_empty() || head.subject.number.is_empty() {
                return Err("not-insured");
            }
            memberships.push(Membership {
                subject: Subject {
                    birth: Some(birth),
                    ..head.subject
                },
                gained: None,
                lost: None,
                area: String::new(),
                ticket: Some(ticket.of(cells)?),
            });
        }
        for insurance in &self.insurances {
            let head = head_of(&insurance.own);
            let gained = insurance.gained.of(cells);
            // Who never was insured by this one has no day there.
            if gained.is_empty() || head.subject.insurer.is_empty() || head.subject.number.is_empty() {
                continue;
            }
            let lost = of(&insurance.lost);
            memberships.push(Membership {
                subject: Subject {
                    birth: Some(birth),
                    postal_code: of(&self.postal_code).chars().take(16).collect(),
                    ..head.subject
                },
                gained: Some(table::day(gained).ok_or("not-a-day")?),
                ticket: None,
                lost: match lost.as_str() {
                    "" => None,
                    lost => Some(table::day(lost).filter(|day| is_plausible(*day)).ok_or("not-a-day")?),
                },
                area: of(&self.area).chars().take(64).collect(),
            });
        }
        match memberships.is_empty() {
            true => Err("not-insured"),
            false => Ok(memberships),
        }
    }
}

impl BoundTicket {
    fn of(&self, cells: &[String]) -> Result<Ticket, &'static str> {
        let of = |source: &Option<Source>| source.as_ref().map_or("", |source| source.of(cells)).to_owned();
        let issued = of(&self.issued);
        let number: String = self.ticket.of(cells).chars().take(32).collect();
        if number.is_empty() {
            return Err("no-ticket");
        }
        let year: String = self.year.of(cells).nfkc().collect();
        Ok(Ticket {
            number,
            year: year
                .trim()
                .parse()
                .ok()
                .filter(|year| (2008..2200).contains(year))
                .ok_or("not-a-year")?,
            issued: match issued.as_str() {
                "" => None,
                issued => Some(table::day(issued).ok_or("not-a-day")?),
            },
            until: table::day(self.until.of(cells)).ok_or("not-a-day")?,
            is_void: !matches!(of(&self.void).as_str(), "" | "0"),
        })
    }
}

/// Hands every line of a ledger on, in its order, until it is told to stop.
///
/// # Errors
/// [`AdapterError`] where a column is not there, where it bears Individual Numbers or is of claims, and what the disk reports.
pub fn ledger(
    columns: &LedgerColumns,
    input: &Input<'_>,
    each: &mut dyn FnMut(LedgerLine) -> ControlFlow<()>,
) -> Result<(), AdapterError> {
    let header_lines = columns.0.header_lines;
    let (is_utf8, names) = first_look(header_lines, input)?;
    let bound = Bound::new(&columns.0, &names)?;
    walk(input, |place, line, record| {
        let cells = decoded(record, is_utf8);
        if place < header_lines || cells.iter().all(String::is_empty) {
            return Ok(true);
        }
        let told = bound.line(&cells);
        Ok(each(LedgerLine { line, told }).is_continue())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger of 100 columns with these cells, by place, a line each.
    fn written(lines: &[&[(usize, &str)]]) -> String {
        let mut text = (1..=100)
            .map(|place| format!("列{place}"))
            .collect::<Vec<_>>()
            .join(",");
        for line in lines {
            let cell = |place: usize| {
                line.iter()
                    .find(|(known, _)| *known == place)
                    .map_or("", |(_, cell)| cell)
            };
            text.push('\n');
            text.push_str(&(1..=100).map(cell).collect::<Vec<_>>().join(","));
        }
        text
    }

    fn read(text: &[u8]) -> Result<Vec<LedgerLine>, AdapterError> {
        read_by("kdb-ledger", text)
    }

    fn read_by(shipped: &str, text: &[u8]) -> Result<Vec<LedgerLine>, AdapterError> {
        let columns = LedgerColumns::parse(LedgerColumns::shipped(shipped).unwrap()).unwrap();
        let mut lines = Vec::new();
        let input = Input {
            bytes: &text,
            size: text.len() as u64,
        };
        ledger(&columns, &input, &mut |line| {
            lines.push(line);
            ControlFlow::Continue(())
        })?;
        Ok(lines)
    }

    const HANAKO: &[(usize, &str)] = &[
        (3, "見本"),
        (4, "００１２３"),
        (5, "0001234567"),
        (7, "ミホン　ハナコ"),
        (8, "2"),
        (10, "昭和25年5月6日"),
        (27, "H20.4.1"),
        (28, "R7.5.5"),
        (29, "20250506"),
        (41, "999-9999"),
        (43, "第一小学校区"),
        (44, "139999"),
        (62, "39139999"),
        (79, "01"),
    ];

    #[test]
    fn the_shipped_ledger_tells_of_both_insurances_in_both_encodings() {
        let text = written(&[HANAKO, &[], &[(10, "19500506")], &[(7, "ミホン"), (10, "五月")]]);
        let lines = read(text.as_bytes()).unwrap();
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(&text);
        assert_eq!(read(&shift_jis).unwrap(), lines);
        let told = lines[0].told.as_ref().unwrap();
        let days = |membership: &Membership| {
            let lost = membership.lost.map(|lost| lost.to_string());
            let gained = membership.gained.unwrap().to_string();
            (membership.subject.insurer.clone(), gained, lost)
        };
        assert_eq!(
            told.iter().map(days).collect::<Vec<_>>(),
            [
                (
                    "00139999".to_owned(),
                    "2008-04-01".to_owned(),
                    Some("2025-05-05".to_owned())
                ),
                ("39139999".to_owned(), "2025-05-06".to_owned(), None),
            ]
        );
        let first = &told[0];
        assert_eq!(
            (first.subject.number.as_str(), first.subject.branch.as_str()),
            ("00123", "01")
        );
        assert_eq!(
            (first.subject.care_number.as_str(), first.area.as_str()),
            ("0001234567", "第一小学校区")
        );
        assert_eq!(
            (first.subject.sex, first.subject.birth.unwrap().to_string().as_str()),
            (Some(2), "1950-05-06")
        );
        assert_eq!(told[1].subject.symbol, "", "the elderly's insurance has no symbol");
        let rest: Vec<_> = lines[1..].iter().map(|line| (line.line, line.told.clone())).collect();
        assert_eq!(rest, [(4, Err("not-insured")), (5, Err("no-birth-date"))]);
    }

    #[test]
    fn the_shipped_list_of_tickets_is_read_by_place_and_says_which_were_taken_back() {
        const TICKET: &[(usize, &str)] = &[
            (1, "139999"),
            (3, "見本"),
            (4, "００１２３"),
            (5, "昭和"),
            (6, "25.5.6"),
            (7, "2"),
            (10, "２０２６"),
            (11, "26100000001"),
            (18, "20260501"),
            (19, "20270331"),
            (25, "1000"),
        ];
        let with = |more: &[(usize, &'static str)]| -> Vec<(usize, &'static str)> {
            let kept = TICKET
                .iter()
                .filter(|(place, _)| !more.iter().any(|(other, _)| other == place));
            kept.copied().chain(more.iter().copied()).collect()
        };
        let lines = [
            with(&[]),
            with(&[(86, "1")]),
            with(&[(19, "")]),
            with(&[(10, "今年")]),
            with(&[(11, "")]),
        ];
        let lines: Vec<&[(usize, &str)]> = lines.iter().map(Vec::as_slice).collect();
        let text = written(&lines);
        let lines = read_by("checkup-tickets", text.as_bytes()).unwrap();
        let (shift_jis, ..) = encoding_rs::SHIFT_JIS.encode(&text);
        assert_eq!(read_by("checkup-tickets", &shift_jis).unwrap(), lines);
        let told = lines[0].told.as_ref().unwrap();
        assert_eq!((told.len(), told[0].gained, told[0].subject.sex), (1, None, Some(2)));
        assert_eq!(told[0].subject.birth.unwrap().to_string(), "1950-05-06");
        let ticket = told[0].ticket.as_ref().unwrap();
        assert_eq!(
            (ticket.number.as_str(), ticket.year, ticket.is_void),
            ("26100000001", 2026, false)
        );
        assert_eq!(ticket.until.to_string(), "2027-03-31");
        let void = lines[1].told.as_ref().unwrap()[0].ticket.as_ref().unwrap();
        assert!(void.is_void);
        let rest: Vec<_> = lines[2..].iter().map(|line| line.told.clone().unwrap_err()).collect();
        assert_eq!(rest, ["not-a-day", "not-a-year", "no-ticket"]);
    }

    #[test]
    fn a_ledger_with_individual_numbers_is_refused_and_its_own_person_numbers_are_none() {
        let own = written(&[&[HANAKO, &[(38, "123456789018"), (39, "123456789018")]].concat()]);
        assert_eq!(read(own.as_bytes()).unwrap().len(), 1);
        let refused = own.replacen("列50", "個人番号", 1);
        assert!(matches!(read(refused.as_bytes()), Err(AdapterError::IndividualNumber)));
        let narrow = read("氏名,生年月日\nミホン,19500506".as_bytes());
        assert!(matches!(narrow, Err(AdapterError::Refused { .. })), "{narrow:?}");
    }

    #[test]
    fn forty_thousand_lines_go_by_one_at_a_time() {
        let line: &[(usize, &str)] = HANAKO;
        let text = written(&vec![line; 40_000]);
        assert_eq!(read(text.as_bytes()).unwrap().len(), 40_000);
    }

    #[test]
    fn what_is_wrong_in_a_file_of_columns_is_said() {
        let none = "insurance = []\n[person]\nbirth = 1";
        assert!(
            LedgerColumns::parse(none)
                .unwrap_err()
                .to_string()
                .contains("1 to 8 insurances")
        );
        assert!(LedgerColumns::parse("[person]\nbirthday = 1").is_err());
        let ticket = "\n[ticket]\ninsurer = 1\nnumber = 2\nyear = 3\nticket = 4\nuntil = 5";
        assert!(LedgerColumns::parse(&format!("[person]\nbirth = 6{ticket}")).is_ok());
        let both = format!("[person]\nbirth = 6{ticket}\n[[insurance]]\ninsurer = 1\nnumber = 2\ngained = 7");
        assert!(LedgerColumns::parse(&both).is_err());
        assert!(LedgerColumns::shipped("no-such").is_none());
    }
}
