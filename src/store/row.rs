//! Conversions between Rust values and SQLite columns.

use std::str::FromStr;

use rusqlite::{Row, RowIndex, types::Type};

/// Converts a number for SQLite and saturates at its maximum.
pub(super) fn to_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Parses a text column as a value of an enum.
pub(super) fn enum_column<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| {
        let index = column.idx(row.as_ref()).unwrap_or_default();
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

/// The text is not a value of the enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid value `{0}`")]
pub struct InvalidEnumValue(pub(super) String);
