//! Tables whose rows are the fields of one record type. The macro [`table`] lists fields and columns once; all statements are
//! derived from the list.

use rusqlite::{Row, types::Value};

/// A record type with its table.
pub(super) trait Table: Sized {
    /// Name of the table.
    const NAME: &'static str;
    /// Names of the columns. The first one identifies the row.
    const COLUMNS: &'static [&'static str];

    /// Returns the values in the order of the columns.
    fn values(&self) -> Vec<Value>;

    /// Reads a row that has all columns.
    ///
    /// # Errors
    /// Returns an error if a column is missing or has an invalid value.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self>;

    /// Returns the columns as a list for `SELECT`.
    fn column_list() -> String {
        Self::COLUMNS.join(", ")
    }

    /// Returns the columns as a list for `SELECT` that reads one of them as `NULL`.
    fn column_list_without(omitted: &str) -> String {
        let columns = Self::COLUMNS.iter().map(|&column| {
            if column == omitted {
                format!("NULL AS {column}")
            } else {
                column.to_owned()
            }
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    /// Returns the statement that adds a row; its parameters are [`Self::values`].
    fn insert_sql() -> String {
        let parameters: Vec<String> = (1..=Self::COLUMNS.len()).map(|n| format!("?{n}")).collect();
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            Self::NAME,
            Self::column_list(),
            parameters.join(", ")
        )
    }

    /// Returns the statement that changes all columns of a row; its parameters are [`Self::values`].
    fn update_sql() -> String {
        let assignments: Vec<String> = (1..)
            .zip(Self::COLUMNS)
            .map(|(n, column)| format!("{column} = ?{n}"))
            .collect();
        format!(
            "UPDATE {} SET {} WHERE {} = ?1",
            Self::NAME,
            assignments.join(", "),
            Self::COLUMNS[0]
        )
    }
}

/// Implements [`Table`] for a record type, given the column of each field.
macro_rules! table {
    ($record:ident in $name:literal { $($field:ident: $column:literal),+ $(,)? }) => {
        impl $crate::store::table::Table for $record {
            const NAME: &'static str = $name;
            const COLUMNS: &'static [&'static str] = &[$($column),+];

            fn values(&self) -> Vec<rusqlite::types::Value> {
                vec![$($crate::store::row::ColumnValue::to_value(&self.$field)),+]
            }

            fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($field: $crate::store::row::get(row, $column)?),+ })
            }
        }
    };
}

pub(super) use table;
