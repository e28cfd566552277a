//! Turns what the database library says into the store's own errors, with what was being done.

use rusqlite::ErrorCode;

use crate::StoreError;

/// Gives an error of the database the words for what was being done.
pub(crate) trait Doing<T> {
    /// The same result with the store's own error.
    fn doing(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, what: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| fault(what, &error))
    }
}

fn fault(what: &'static str, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::damaged(format!("{what}: the database file is not what was written"))
        }
        Some(ErrorCode::ConstraintViolation) => StoreError::Database {
            what,
            // The message of a constraint names table and column, never a value.
            detail: error.to_string(),
        },
        Some(code) => StoreError::Database {
            what,
            detail: format!("{code:?}"),
        },
        None => StoreError::Database {
            what,
            detail: match error {
                rusqlite::Error::QueryReturnedNoRows => "no row where there must be one".to_owned(),
                rusqlite::Error::InvalidColumnType(column, name, kind) => {
                    format!("column {column} ({name}) holds a {kind}")
                }
                rusqlite::Error::IntegralValueOutOfRange(column, _) => format!("column {column} is out of range"),
                _ => "the database library refused the statement".to_owned(),
            },
        },
    }
}
