//! Apache Parquet.

use std::{
    io::{self, Write},
    sync::Arc,
};

use ::parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::{
    Schema,
    columns::{self, Kind, Value},
};
use crate::cli::classify::result::FileResult;

/// Number of rows that are in memory until they are written.
const ROW_GROUP: usize = 1 << 14;

/// A file that is complete when [`Self::finish`] returns.
pub(super) struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Starts a file.
    ///
    /// # Errors
    /// Returns the errors of `out`.
    pub(super) fn new(out: W, schema: &Schema) -> io::Result<Self> {
        let columns = columns::columns(schema);
        let fields = columns.iter().map(|(name, kind)| field(name, *kind));
        let root = Type::group_type_builder("row").with_fields(fields.collect::<Result<_, _>>()?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let root = Arc::new(root.build()?);
        Ok(Self {
            writer: SerializedFileWriter::new(out, root, Arc::new(properties))?,
            columns: columns.iter().map(|(_, kind)| Column::new(*kind)).collect(),
            rows: 0,
        })
    }

    /// Adds the rows of results.
    ///
    /// # Errors
    /// Returns the errors of the output.
    pub(super) fn write(&mut self, schema: &Schema, results: &[FileResult]) -> io::Result<()> {
        for row in results.iter().flat_map(FileResult::rows) {
            let values = columns::values(schema, &row);
            for (column, value) in self.columns.iter_mut().zip(values) {
                column.push(value);
            }
            self.rows += 1;
            if self.rows == ROW_GROUP {
                self.write_rows()?;
            }
        }
        Ok(())
    }

    /// Writes the last rows and the end of the file.
    ///
    /// # Errors
    /// Returns the errors of the output.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.write_rows()?;
        self.writer.close()?;
        Ok(())
    }

    fn write_rows(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let mut writer = group.next_column()?.expect("the group has all columns");
            column.write(&mut writer)?;
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

fn field(name: &str, kind: Kind) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Integer => (Physical::INT64, None),
        Kind::Float => (Physical::FLOAT, None),
        Kind::Double => (Physical::DOUBLE, None),
    };
    let field = Type::primitive_type_builder(name, physical)
        .with_logical_type(logical)
        .with_repetition(Repetition::OPTIONAL);
    Ok(Arc::new(field.build()?))
}

/// The values of a column that are not yet written, and for each row 1 if it has a value and otherwise 0.
struct Column {
    values: Values,
    definitions: Vec<i16>,
}

enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
}

impl Column {
    fn new(kind: Kind) -> Self {
        let values = match kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Integer => Values::Integer(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Double => Values::Double(Vec::new()),
        };
        Self {
            values,
            definitions: Vec::new(),
        }
    }

    fn push(&mut self, value: Value<'_>) {
        fn add<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
            let has_value = value.is_some();
            values.extend(value);
            has_value
        }
        let has_value = match (&mut self.values, value) {
            (Values::Text(values), Value::Text(value)) => add(values, value.map(ByteArray::from)),
            (Values::Integer(values), Value::Integer(value)) => {
                let signed = |value| i64::try_from(value).unwrap_or(i64::MAX);
                add(values, value.map(signed))
            }
            (Values::Float(values), Value::Float(value)) => add(values, value),
            (Values::Double(values), Value::Double(value)) => add(values, value),
            _ => unreachable!("values have the types of their columns"),
        };
        self.definitions.push(i16::from(has_value));
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let definitions = std::mem::take(&mut self.definitions);
        match &mut self.values {
            Values::Text(values) => write::<ByteArrayType>(writer, values, &definitions),
            Values::Integer(values) => write::<Int64Type>(writer, values, &definitions),
            Values::Float(values) => write::<FloatType>(writer, values, &definitions),
            Values::Double(values) => write::<DoubleType>(writer, values, &definitions),
        }
    }
}

/// Writes the values and removes them.
fn write<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    definitions: &[i16],
) -> Result<(), ParquetError> {
    let typed = writer.typed::<T>();
    typed.write_batch(values, Some(definitions), None)?;
    values.clear();
    Ok(())
}
