//! The memory that a `ModelInferRequest` takes after it is decoded, computed before it is decoded. Two bytes of a message can take
//! three hundred bytes of memory, so the limit of bytes is not sufficient.
//!
//! The computation follows the wire format ("Protocol Buffers Documentation", Encoding) and does not allocate.

mod wire;

use tonic::Status;

use self::wire::{Field, fields};

/// Maximum number of fields of a message and its tensors, without the elements of the tensors.
const MAX_FIELDS: usize = 1024;
/// Maximum number of strings (image files) of all tensors of a message.
const MAX_STRINGS: usize = 1 << 16;

/// Memory of a field in bytes: a tensor of 312 bytes in a list that doubles its capacity.
const FIELD: usize = 640;
/// Memory of an image file in bytes without its bytes, which are a slice of the message.
const STRING: usize = 128;

/// Field numbers of `inputs` and `outputs` in `ModelInferRequest`.
const TENSORS: [u32; 2] = [5, 6];
/// Field number of `raw_input_contents`, which are slices of the message.
const RAW_CONTENTS: u32 = 7;
/// Field number of `shape` in `InferInputTensor`.
const SHAPE: u32 = 3;
/// Field number of `contents` in `InferInputTensor`.
const CONTENTS: u32 = 5;
/// Field number of `bytes_contents` in `InferTensorContents`.
const STRINGS: u32 = 8;

/// Returns the memory of a decoded message in bytes, in addition to the bytes of the message.
///
/// # Errors
/// Rejects a message with too many elements.
pub(crate) fn decoded(message: &[u8]) -> Result<usize, Status> {
    let mut total = Total::default();
    fields(message, |number, field| {
        total.field()?;
        match field {
            Field::Bytes(tensor) if TENSORS.contains(&number) => tensor_memory(tensor, &mut total),
            Field::Bytes(_) if number == RAW_CONTENTS => Ok(()),
            Field::Bytes(text) => {
                total.bytes += text.len();
                Ok(())
            }
            Field::Scalar => Ok(()),
        }
    })?;
    Ok(total.bytes)
}

fn tensor_memory(tensor: &[u8], total: &mut Total) -> Result<(), Status> {
    fields(tensor, |number, field| {
        total.field()?;
        match (number, field) {
            (CONTENTS, Field::Bytes(contents)) => fields(contents, |number, field| {
                element_memory(number, &field, total)
            }),
            (SHAPE, field) => {
                total.numbers(&field, NumberKind::VARINT_64);
                Ok(())
            }
            (_, Field::Bytes(text)) => {
                total.bytes += text.len();
                Ok(())
            }
            (_, Field::Scalar) => Ok(()),
        }
    })
}

fn element_memory(number: u32, field: &Field<'_>, total: &mut Total) -> Result<(), Status> {
    if number == STRINGS {
        return total.string();
    }
    if let Some(kind) = NumberKind::of(number) {
        total.numbers(field, kind);
    }
    Ok(())
}

/// The kind of the numbers of a list.
#[derive(Clone, Copy)]
struct NumberKind {
    /// Size of a number in memory.
    size: usize,
    /// Size of a number in the message, or `None` for varints.
    encoded: Option<usize>,
}

impl NumberKind {
    const VARINT_64: Self = Self::varint(8);

    const fn varint(size: usize) -> Self {
        Self {
            size,
            encoded: None,
        }
    }

    const fn fixed(size: usize) -> Self {
        Self {
            size,
            encoded: Some(size),
        }
    }

    /// Returns the kind of a list in `InferTensorContents`.
    fn of(field: u32) -> Option<Self> {
        match field {
            1 => Some(Self::varint(1)),
            2 | 4 => Some(Self::varint(4)),
            3 | 5 => Some(Self::VARINT_64),
            6 => Some(Self::fixed(4)),
            7 => Some(Self::fixed(8)),
            _ => None,
        }
    }

    /// Returns how many numbers a packed list has at most. Every varint ends with a byte below 128.
    fn count(self, packed: &[u8]) -> usize {
        match self.encoded {
            Some(size) => packed.len() / size,
            None => packed.iter().filter(|&&byte| byte < 0x80).count(),
        }
    }
}

/// Sums of a message.
#[derive(Default)]
struct Total {
    fields: usize,
    strings: usize,
    bytes: usize,
}

impl Total {
    fn field(&mut self) -> Result<(), Status> {
        self.fields += 1;
        self.bytes += FIELD;
        at_most(self.fields, MAX_FIELDS, "fields")
    }

    fn string(&mut self) -> Result<(), Status> {
        self.strings += 1;
        self.bytes += STRING;
        at_most(self.strings, MAX_STRINGS, "strings")
    }

    /// Adds the numbers of a field. A list doubles its capacity, and is then converted to a list of `f64`.
    fn numbers(&mut self, field: &Field<'_>, kind: NumberKind) {
        let count = match field {
            Field::Scalar => 1,
            Field::Bytes(packed) => kind.count(packed),
        };
        self.bytes += count * (2 * kind.size + size_of::<f64>());
    }
}

fn at_most(count: usize, max: usize, what: &str) -> Result<(), Status> {
    if count <= max {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "the message has more than {max} {what}"
    )))
}

#[cfg(test)]
mod tests;
