//! Messages of the gRPC transport.

use anyhow::{Context, Result};

use super::{Seeds, face};

/// `ModelInferRequest` messages of `proto/inference.proto`.
pub(super) fn requests() -> Result<Seeds> {
    let image = face()?;
    let tensor = |datatype: &str, contents: &[u8]| {
        let shape = field(3, &[1]);
        [
            field(1, b"image"),
            field(2, datatype.as_bytes()),
            shape,
            field(5, contents),
        ]
        .concat()
    };
    let request = |tensor: &[u8]| [field(1, b"small"), field(3, b"id"), field(5, tensor)].concat();
    let output = field(6, &field(1, b"probabilities"));
    let bytes = [request(&tensor("BYTES", &field(8, &image))), output].concat();
    let floats = request(&tensor("FP32", &field(6, &1.0_f32.to_le_bytes())));
    let raw = [request(&tensor("UINT8", &[])), field(7, &image)].concat();
    Ok([("bytes", bytes), ("floats", floats), ("raw", raw)]
        .map(|(name, message)| (name.to_owned(), message))
        .into())
}

/// A length-delimited field of a protocol buffer message. Field numbers up to 15 have tags of one byte.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    let mut encoded = vec![number << 3 | 2];
    let mut length = value.len();
    while length >= 0x80 {
        encoded.push(u8::try_from(length & 0x7f | 0x80).expect("eight bits"));
        length >>= 7;
    }
    encoded.push(u8::try_from(length).expect("seven bits"));
    [encoded.as_slice(), value].concat()
}

/// The messages of [`requests`] with their prefix. The first byte is the size of the chunks that they arrive in.
pub(super) fn messages() -> Result<Seeds> {
    let framed = |(name, message): (String, Vec<u8>)| {
        let length = u32::try_from(message.len()).context("the message is too long")?;
        let prefix = [&[0x40, 0], &length.to_be_bytes()[..]].concat();
        Ok((name, [prefix, message].concat()))
    };
    requests()?.into_iter().map(framed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_length_is_a_varint() {
        assert_eq!(field(1, b"ab"), b"\x0a\x02ab");
        assert_eq!(field(8, &[0; 300])[..3], [0x42, 0xac, 0x02]);
    }
}
