//! Conversions between Rust values and SQLite columns.

use std::{fmt::Display, str::FromStr};

use mien_faces::{
    dataset::{Split, Usage},
    expression::Expression,
};
use rusqlite::{
    Row,
    types::{FromSql, FromSqlError, FromSqlResult, Value, ValueRef},
};

use super::job_id::JobId;
use crate::{model_version::ModelVersion, timestamp::Timestamp};

/// A value that a column can have.
pub(super) trait ColumnValue: Sized {
    fn to_value(&self) -> Value;

    /// # Errors
    /// Returns an error if the column has another type, or a text that is not valid.
    fn from_value(value: ValueRef<'_>) -> FromSqlResult<Self>;
}

/// Reads a column.
pub(super) fn get<T: ColumnValue>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    Ok(row.get::<_, Column<T>>(column)?.0)
}

struct Column<T>(T);

impl<T: ColumnValue> FromSql for Column<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        T::from_value(value).map(Self)
    }
}

/// Converts a number for SQLite and saturates at its maximum.
pub(super) fn to_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl ColumnValue for usize {
    fn to_value(&self) -> Value {
        to_i64(*self).into()
    }

    fn from_value(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::column_result(value)
    }
}

impl<T: ColumnValue> ColumnValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn from_value(value: ValueRef<'_>) -> FromSqlResult<Self> {
        if value == ValueRef::Null {
            Ok(None)
        } else {
            T::from_value(value).map(Some)
        }
    }
}

impl ColumnValue for String {
    fn to_value(&self) -> Value {
        self.clone().into()
    }

    fn from_value(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::column_result(value)
    }
}

/// Types that SQLite stores as they are.
macro_rules! native_columns {
    ($($type:ty),*) => {$(
        impl ColumnValue for $type {
            fn to_value(&self) -> Value {
                (*self).into()
            }

            fn from_value(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::column_result(value)
            }
        }
    )*};
}

/// Implements [`ColumnValue`] for types that are stored as their text.
macro_rules! text_columns {
    ($($type:ty),*) => {$(
        impl $crate::store::row::ColumnValue for $type {
            fn to_value(&self) -> rusqlite::types::Value {
                self.to_string().into()
            }

            fn from_value(
                value: rusqlite::types::ValueRef<'_>,
            ) -> rusqlite::types::FromSqlResult<Self> {
                $crate::store::row::parse(value)
            }
        }
    )*};
}

pub(super) use text_columns;

native_columns!(bool, f64);
text_columns!(Expression, JobId, ModelVersion, Split, Timestamp, Usage);

/// Parses the text of a column.
pub(super) fn parse<T>(value: ValueRef<'_>) -> FromSqlResult<T>
where
    T: Display + FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = value.as_str()?;
    text.parse()
        .map_err(|error| FromSqlError::Other(Box::new(error)))
}

/// The text is not a value of the enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid value `{0}`")]
pub struct InvalidEnumValue(pub(super) String);
