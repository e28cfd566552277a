//! Where something stands in a table: what a file of columns names, held against the table's own names.

use super::file::Column;
use crate::AdapterError;
use crate::checkup::table::plain;

/// What a cell gives.
pub(super) enum Source {
    At(usize),
    Always(String),
}

impl Source {
    /// Finds a column among a table's names, as [`plain`] has them.
    pub(super) fn find(column: &Column, known: &[String]) -> Result<Self, AdapterError> {
        match column {
            Column::Always { always } => Ok(Self::Always(always.clone())),
            Column::Place(place) if (1..=known.len()).contains(place) => Ok(Self::At(place - 1)),
            Column::Place(place) => Err(AdapterError::Refused {
                problem: format!("it has no column {place}, only {}", known.len()),
            }),
            // What stands there in its place is not said: above a table of another layout it may be somebody's.
            Column::Placed { place, name } => match known.get(place.saturating_sub(1)) {
                Some(known) if *known == plain(name) => Ok(Self::At(place - 1)),
                _ => Err(AdapterError::Refused {
                    problem: format!(
                        "its column {place} is not called {name}: it is another list, or has another layout"
                    ),
                }),
            },
            Column::Name(name) => Self::called(std::slice::from_ref(name), known),
            Column::Names(names) => Self::called(names, known),
        }
    }

    /// Finds the column that bears the first of these names that the table has.
    fn called(names: &[String], known: &[String]) -> Result<Self, AdapterError> {
        let problem = match names.iter().find(|name| known.contains(&plain(name))) {
            None => format!("no column of it is called {}", names.join(" or ")),
            Some(name) => {
                let name_of_it = plain(name);
                let mut found = known.iter().enumerate().filter(|(_, known)| **known == name_of_it);
                if let (Some((place, _)), None) = (found.next(), found.next()) {
                    return Ok(Self::At(place));
                }
                format!("several columns are called {name}: name its place, from 1 on")
            }
        };
        Err(AdapterError::Refused { problem })
    }

    /// Finds those that are named, and keeps what each is called where a resident's own table tells the same.
    pub(super) fn all(
        columns: &[(&'static str, Option<&Column>)],
        known: &[String],
    ) -> Result<Vec<(&'static str, Self)>, AdapterError> {
        let there = columns.iter().filter_map(|(name, column)| Some((*name, (*column)?)));
        there
            .map(|(name, column)| Ok((name, Self::find(column, known)?)))
            .collect()
    }

    /// Its place, where it is a column.
    pub(super) fn at(&self) -> Option<usize> {
        match self {
            Self::At(place) => Some(*place),
            Self::Always(_) => None,
        }
    }

    pub(super) fn of<'c>(&'c self, cells: &'c [String]) -> &'c str {
        match self {
            Self::At(place) => cells.get(*place).map_or("", String::as_str),
            Self::Always(text) => text,
        }
    }
}
