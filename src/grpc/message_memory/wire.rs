//! The fields of a message in the wire format.

use bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tonic::Status;

/// The value of a field.
pub(super) enum Field<'a> {
    /// A length-delimited value: a string, bytes, a message, or a packed list.
    Bytes(&'a [u8]),
    /// A number or a group.
    Scalar,
}

/// Calls `each` with the number and value of each field. An invalid message ends the computation, because prost then reports it.
pub(super) fn fields(
    mut message: &[u8],
    mut each: impl FnMut(u32, Field<'_>) -> Result<(), Status>,
) -> Result<(), Status> {
    while message.has_remaining() {
        let Ok((number, wire)) = decode_key(&mut message) else {
            return Ok(());
        };
        if wire != WireType::LengthDelimited {
            let context = DecodeContext::default();
            if skip_field(wire, number, &mut message, context).is_err() {
                return Ok(());
            }
            each(number, Field::Scalar)?;
            continue;
        }
        let length = decode_varint(&mut message)
            .ok()
            .and_then(|n| usize::try_from(n).ok());
        let Some((field, rest)) = length.and_then(|length| message.split_at_checked(length)) else {
            return Ok(());
        };
        each(number, Field::Bytes(field))?;
        message = rest;
    }
    Ok(())
}
