//! Tensors of the datatype `BYTES`, whose elements are image files.

use bytes::{Buf, Bytes};

use super::{check_length, invalid, wrong_length};
use crate::{
    excerpt::ShapeExcerpt,
    intake::decoder::EncodedImage,
    oip::{Error, TensorData},
};

/// Returns the number of image files in a `BYTES` tensor of this shape.
pub(super) fn count(shape: &[i64]) -> Result<usize, Error> {
    match *shape {
        [count] | [count, 1] if count > 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => invalid(format!(
            "image files (BYTES) have shape [N] or [N, 1] with N of at least 1, not {}",
            ShapeExcerpt(shape)
        )),
    }
}

/// Returns the elements of a `BYTES` tensor.
pub(super) fn images(data: TensorData, count: usize) -> Result<Vec<EncodedImage>, Error> {
    let images = match data {
        TensorData::Raw(bytes) => split(bytes, count)?,
        TensorData::EncodedImages(images) => images,
        TensorData::ExcessImages(given) => return Err(wrong_length(given, count, "elements")),
        TensorData::Numbers(_) | TensorData::ExcessNumbers(_) => {
            return invalid("a BYTES tensor must not contain numbers");
        }
    };
    check_length(images.len(), count, "elements")?;
    Ok(images)
}

/// Parses up to `count` length-prefixed elements.
fn split(mut bytes: Bytes, count: usize) -> Result<Vec<EncodedImage>, Error> {
    let mut images = Vec::new();
    while !bytes.is_empty() {
        if images.len() == count {
            return invalid(format!(
                "the shape needs {count} elements, but the data has more"
            ));
        }
        let length = bytes
            .try_get_u32_le()
            .ok()
            .and_then(|length| usize::try_from(length).ok());
        match length.filter(|&length| length <= bytes.len()) {
            Some(length) => images.push(EncodedImage::Raw(bytes.split_to(length))),
            None => return invalid("an element of BYTES is longer than the remaining data"),
        }
    }
    Ok(images)
}
