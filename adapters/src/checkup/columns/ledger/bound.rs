//! A file of columns held against one ledger: which of its cells is what, and what a line tells.

use model::checkup::Subject;
use model::{LocalDay, Municipality, NotAMunicipality, Residence};
use unicode_normalization::UnicodeNormalization as _;

use super::super::bound::birth_date;
use super::super::source::Source;
use super::super::sum::ColumnSum;
use super::ticket::BoundTicket;
use super::{Column, Insurance, LedgerSum, Membership, Written};
use crate::AdapterError;
use crate::checkup::table::{self, Head, plain};

/// Why a line tells nothing, and in which column that stands.
pub(super) struct Wrong {
    why: &'static str,
    at: Option<usize>,
}

impl Wrong {
    fn line(why: &'static str) -> Self {
        Self { why, at: None }
    }

    pub(super) fn cell(why: &'static str, source: &Source) -> Self {
        Self { why, at: source.at() }
    }
}

/// A ledger's columns, held against one table's names.
pub(super) struct Bound {
    person: Vec<(&'static str, Source)>,
    birth_era: Option<Source>,
    birth: Option<Source>,
    postal_code: Option<Source>,
    area: Option<Source>,
    municipality: Option<Source>,
    municipality_since: Option<Source>,
    municipality_until: Option<Source>,
    held: Vec<(&'static str, Source)>,
    insurances: Vec<BoundInsurance>,
    ticket: Option<BoundTicket>,
    pub(super) sum: LedgerSum,
    /// True for the places that a column names.
    is_known: Vec<bool>,
}

struct BoundInsurance {
    own: Vec<(&'static str, Source)>,
    gained: Source,
    lost: Option<Source>,
}

impl Bound {
    pub(super) fn new(written: &Written, names: &[String]) -> Result<Self, AdapterError> {
        let known: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let maybe = |column: &Option<Column>| column.as_ref().map(|column| Source::find(column, &known)).transpose();
        let all = |columns: &[(&'static str, Option<&Column>)]| Source::all(columns, &known);
        let person = &written.person;
        let insurances = written.insurance.iter();
        let insurances = insurances.map(|insurance| BoundInsurance::new(insurance, &known));
        let ticket = written.ticket.as_ref();
        let columns = names.iter().map(|name| ColumnSum {
            name: name.clone(),
            ..ColumnSum::default()
        });
        let mut bound = Self {
            person: all(&[
                ("氏名", person.name.as_ref()),
                ("性別", person.sex.as_ref()),
                ("介護保険被保険者番号", person.care_number.as_ref()),
            ])?,
            birth_era: maybe(&person.birth_era)?,
            birth: maybe(&person.birth)?,
            postal_code: maybe(&person.postal_code)?,
            area: maybe(&written.area)?,
            municipality: maybe(&written.municipality)?,
            municipality_since: maybe(&written.municipality_since)?,
            municipality_until: maybe(&written.municipality_until)?,
            held: match &written.held {
                Some(held) => insured_by([None, held.symbol.as_ref(), Some(&held.number), None], &known)?,
                None => Vec::new(),
            },
            insurances: insurances.collect::<Result<_, AdapterError>>()?,
            ticket: ticket.map(|ticket| BoundTicket::new(ticket, &known)).transpose()?,
            sum: LedgerSum {
                columns: columns.collect(),
                ..LedgerSum::default()
            },
            is_known: vec![false; names.len()],
        };
        for (key, column) in written.named() {
            if let Some(place) = Source::find(column, &known)?.at() {
                bound.is_known[place] = true;
                let is = &mut bound.sum.columns[place].is;
                if !is.is_empty() {
                    is.push_str(", ");
                }
                is.push_str(&key);
            }
        }
        Ok(bound)
    }

    /// One line: what it tells of, or why it tells nothing.
    pub(super) fn line(&mut self, cells: &[String]) -> Result<Vec<Membership>, &'static str> {
        let told = self.told(cells);
        let sum = &mut self.sum;
        sum.lines += 1;
        let columns = sum.columns.iter_mut().zip(&self.is_known).zip(cells);
        for ((column, is_known), _) in columns.filter(|(_, cell)| !cell.is_empty()) {
            column.filled += 1;
            column.taken += u64::from(*is_known && told.is_ok());
        }
        match told {
            Ok(memberships) => {
                sum.told += memberships.len() as u64;
                Ok(memberships)
            }
            Err(Wrong { why, at }) => {
                *sum.refused.entry(why).or_default() += 1;
                if let Some(place) = at {
                    sum.columns[place].refuse(why);
                }
                Err(why)
            }
        }
    }

    fn told(&self, cells: &[String]) -> Result<Vec<Membership>, Wrong> {
        if cells.iter().skip(self.is_known.len()).any(|cell| !cell.is_empty()) {
            return Err(Wrong::line("too-many-columns"));
        }
        let of = |source: &Option<Source>| source.as_ref().map_or("", |source| source.of(cells)).to_owned();
        let birth = birth_date(&of(&self.birth_era), &of(&self.birth)).filter(|birth| YEARS.contains(&birth.ymd().0));
        let birth = birth.ok_or(Wrong {
            why: "no-birth-date",
            at: self.birth.as_ref().and_then(Source::at),
        })?;
        let head_of = |own: &[(&'static str, Source)]| {
            let mut head = Head::default();
            for (name, source) in self.person.iter().chain(own) {
                let told = source.of(cells);
                if !told.is_empty() {
                    head.takes(name, told);
                }
            }
            Subject {
                birth: Some(birth),
                ..head.subject
            }
        };
        if let Some(ticket) = &self.ticket {
            let subject = head_of(&ticket.own);
            if subject.insurer.is_empty() || subject.number.is_empty() {
                return Err(Wrong::line("not-insured"));
            }
            return Ok(vec![Membership {
                subject,
                gained: None,
                lost: None,
                area: String::new(),
                residence: None,
                ticket: Some(ticket.of(cells)?),
            }]);
        }
        let mut memberships = Vec::new();
        for insurance in &self.insurances {
            let subject = head_of(&insurance.own);
            // Who never was insured by this one has no day there.
            if insurance.gained.of(cells).is_empty() || subject.insurer.is_empty() {
                continue;
            }
            memberships.push(Membership {
                subject: Subject {
                    postal_code: of(&self.postal_code).chars().take(16).collect(),
                    ..subject
                },
                gained: day(Some(&insurance.gained), cells)?,
                lost: day(insurance.lost.as_ref(), cells)?,
                area: of(&self.area).chars().take(64).collect(),
                residence: self.residence(cells)?,
                ticket: None,
            });
        }
        hold(&mut memberships, head_of(&self.held));
        // Without a number it can be told no more than that one has ended.
        memberships.retain(|membership| !membership.subject.number.is_empty() || membership.lost.is_some());
        match memberships.is_empty() {
            true => Err(Wrong::line("not-insured")),
            false => Ok(memberships),
        }
    }

    /// Where somebody lives; `None` for an empty cell.
    fn residence(&self, cells: &[String]) -> Result<Option<Residence>, Wrong> {
        let Some(source) = self.municipality.as_ref().filter(|source| !source.of(cells).is_empty()) else {
            return Ok(None);
        };
        Ok(Some(Residence {
            municipality: municipality(source.of(cells)).map_err(|why| Wrong::cell(word(why), source))?,
            since: day(self.municipality_since.as_ref(), cells)?,
            until: day(self.municipality_until.as_ref(), cells)?,
        }))
    }
}

/// Gives the symbol and the number of whichever insurance holds to the one that they are of: the one whose own number this is, else the
/// one that was gained last. What the others have of their own stays theirs.
fn hold(memberships: &mut [Membership], held: Subject) {
    let is_one = |one: &str, other: &str| one.trim_start_matches('0') == other.trim_start_matches('0');
    if held.number.is_empty() {
        return;
    }
    let own = memberships
        .iter()
        .position(|membership| is_one(&membership.subject.number, &held.number));
    let last = || (0..memberships.len()).max_by_key(|place| memberships[*place].gained);
    if let Some(place) = own.or_else(last) {
        let subject = &mut memberships[place].subject;
        for (own, held) in [(&mut subject.symbol, held.symbol), (&mut subject.number, held.number)] {
            if own.is_empty() {
                *own = held;
            }
        }
    }
}

/// The columns of insurer, symbol, number and branch, by what a resident's own table calls them.
pub(super) fn insured_by(
    columns: [Option<&Column>; 4],
    known: &[String],
) -> Result<Vec<(&'static str, Source)>, AdapterError> {
    let [insurer, symbol, number, branch] = columns;
    Source::all(
        &[
            ("保険者番号", insurer),
            ("記号", symbol),
            ("番号", number),
            ("枝番", branch),
        ],
        known,
    )
}

impl BoundInsurance {
    fn new(insurance: &Insurance, known: &[String]) -> Result<Self, AdapterError> {
        Ok(Self {
            own: insured_by(
                [
                    Some(&insurance.insurer),
                    insurance.symbol.as_ref(),
                    insurance.number.as_ref(),
                    insurance.branch.as_ref(),
                ],
                known,
            )?,
            gained: Source::find(&insurance.gained, known)?,
            lost: insurance
                .lost
                .as_ref()
                .map(|lost| Source::find(lost, known))
                .transpose()?,
        })
    }
}

/// Years that a ledger can tell of: somebody's first, and as far as tickets and ends are written ahead.
const YEARS: std::ops::Range<i32> = 1868..2100;

/// A day that a line may have; `None` for an empty cell.
pub(super) fn day(source: Option<&Source>, cells: &[String]) -> Result<Option<LocalDay>, Wrong> {
    let Some(source) = source.filter(|source| !source.of(cells).is_empty()) else {
        return Ok(None);
    };
    let day = table::day(source.of(cells)).filter(|day| YEARS.contains(&day.ymd().0));
    day.map(Some).ok_or_else(|| Wrong::cell("not-a-day", source))
}

/// The fixed word for a cell that is no municipality's code.
fn word(why: NotAMunicipality) -> &'static str {
    match why {
        NotAMunicipality::CheckDigit => "wrong-check-digit",
        NotAMunicipality::Form | NotAMunicipality::Other => "not-a-municipality",
    }
}

/// What a file of columns may say in the place of one.
pub(super) fn allowed(why: NotAMunicipality) -> &'static str {
    match why {
        NotAMunicipality::CheckDigit => "the check digit of a municipality's code does not fit the others",
        NotAMunicipality::Form | NotAMunicipality::Other => {
            "a municipality's code (全国地方公共団体コード) has five digits, or six with its check digit"
        }
    }
}

/// A municipality by its code, whatever the width of its digits.
pub(super) fn municipality(written: &str) -> Result<Municipality, NotAMunicipality> {
    let code: String = written.nfkc().filter(|c| !c.is_whitespace()).take(16).collect();
    Municipality::parse(&code)
}

impl Written {
    /// Every column that it names, each with what the file of columns calls it.
    fn named(&self) -> Vec<(String, &Column)> {
        let person = &self.person;
        let about = [
            ("person.name", &person.name),
            ("person.birth_era", &person.birth_era),
            ("person.birth", &person.birth),
            ("person.sex", &person.sex),
            ("person.postal_code", &person.postal_code),
            ("person.care_number", &person.care_number),
            ("area", &self.area),
            ("municipality", &self.municipality),
            ("municipality_since", &self.municipality_since),
            ("municipality_until", &self.municipality_until),
        ];
        let about = about
            .into_iter()
            .filter_map(|(key, column)| Some((key.to_owned(), column.as_ref()?)));
        let held = self.held.iter().flat_map(|held| {
            let columns = [
                ("held.symbol", held.symbol.as_ref()),
                ("held.number", Some(&held.number)),
            ];
            columns
                .into_iter()
                .filter_map(|(key, column)| Some((key.to_owned(), column?)))
        });
        let insurances = self.insurance.iter().zip(1..).flat_map(|(insurance, number)| {
            let columns = [
                ("insurer", Some(&insurance.insurer)),
                ("symbol", insurance.symbol.as_ref()),
                ("number", insurance.number.as_ref()),
                ("branch", insurance.branch.as_ref()),
                ("gained", Some(&insurance.gained)),
                ("lost", insurance.lost.as_ref()),
            ];
            let key = move |name: &str| format!("insurance {number}: {name}");
            columns
                .into_iter()
                .filter_map(move |(name, column)| Some((key(name), column?)))
        });
        let ticket = self.ticket.iter().flat_map(|ticket| {
            let columns = [
                ("ticket.insurer", Some(&ticket.insurer)),
                ("ticket.symbol", ticket.symbol.as_ref()),
                ("ticket.number", Some(&ticket.number)),
                ("ticket.branch", ticket.branch.as_ref()),
                ("ticket.year", Some(&ticket.year)),
                ("ticket.ticket", Some(&ticket.ticket)),
                ("ticket.issued", ticket.issued.as_ref()),
                ("ticket.until", Some(&ticket.until)),
                ("ticket.void", ticket.void.as_ref()),
            ];
            columns
                .into_iter()
                .filter_map(|(key, column)| Some((key.to_owned(), column?)))
        });
        about.chain(held).chain(insurances).chain(ticket).collect()
    }
}
