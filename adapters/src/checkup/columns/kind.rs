//! What kind of checkup a table's lines tell of: of a programme, or one of municipalities' screenings.

use model::checkup::{Checkup, SCREENINGS, Screening};
use model::{LocalDay, Metric};

use super::file::{About, ColumnsError, wrong};
use crate::checkup::table::{Head, plain};

/// What kind of checkup lines tell of, as a document would say it.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    /// The screening.
    screening: Option<&'static Screening>,
    /// The programme, or the part of the screening.
    programme: String,
}

impl Kind {
    /// What a file of columns says.
    pub(super) fn of(about: &About) -> Result<Self, ColumnsError> {
        let screening = about.screening.as_deref().map(screening).transpose()?;
        let programme = match (&about.programme, screening, about.part) {
            (None, Some(screening), None) => screening.programme.to_owned(),
            (None, Some(_), Some(part @ 1..=3)) => part.to_string(),
            (Some(programme), None, None) if is_programme(programme) => programme.clone(),
            (Some(programme), Some(_), _) => {
                let allowed = "a screening is of its own programme: leave this line out";
                return Err(wrong("checkup.programme", programme, allowed));
            }
            (_, _, Some(part)) => {
                let allowed = "1 the first test, 2 the closer one, 3 both, of a screening that is named";
                return Err(wrong("checkup.part", &part.to_string(), allowed));
            }
            (programme, None, None) => {
                let allowed = "a programme is three digits: 010 specific checkup, 020 of the elderly, 990 another; \
                    a municipality's screening is named with screening in its place";
                return Err(wrong("checkup.programme", programme.as_deref().unwrap_or(""), allowed));
            }
        };
        Ok(Self { screening, programme })
    }

    /// A checkup of a day of this kind without results, of what stands around them.
    pub(super) fn checkup(&self, mut head: Head, day: LocalDay) -> Checkup {
        self.programme.clone_into(&mut head.programme);
        head.screening = self.screening;
        head.checkup(day)
    }

    /// Whether answers are of the lists of screenings.
    pub(super) fn is_screening(&self) -> bool {
        self.screening.is_some()
    }

    /// The metric that says that it took place.
    pub(super) fn event(&self) -> Metric {
        self.checkup(Head::default(), LocalDay(0)).event()
    }
}

/// A screening by the code of its report or by its Japanese name, as the vocabulary has both.
fn screening(written: &str) -> Result<&'static Screening, ColumnsError> {
    let name = |screening: &Screening| screening.event.row().name_ja;
    let is_meant = |screening: &&Screening| screening.report == written || plain(name(screening)) == plain(written);
    SCREENINGS.iter().find(is_meant).ok_or_else(|| {
        let all = SCREENINGS
            .iter()
            .map(|screening| format!("{} {}", screening.report, name(screening)));
        let all: Vec<String> = all.collect();
        wrong(
            "checkup.screening",
            written,
            format!("a screening is one of {}, by code or name", all.join(", ")),
        )
    })
}

fn is_programme(written: &str) -> bool {
    written.len() == 3 && written.bytes().all(|byte| byte.is_ascii_digit())
}
