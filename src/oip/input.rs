//! Converts the tensor of a request to model inputs. Everything is checked before memory is allocated.

use bytes::{Buf, Bytes};
use mien_faces::image::Face;

use super::{
    Error, Kind,
    request::{InputTensor, TensorData},
};
use crate::{
    inference::{Input, signature::Signature},
    intake::decoder::EncodedImage,
};

/// The images of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Images {
    /// Model inputs.
    Ready(Vec<Input>),
    /// Image files to decode.
    Encoded(Vec<EncodedImage>),
}

impl Images {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ready(inputs) => inputs.len(),
            Self::Encoded(images) => images.len(),
        }
    }
}

/// Converts the only tensor of a request to at least one and at most `max_images` images.
///
/// # Errors
/// Returns an error for another number of tensors, another name, datatype or shape, data that does not match the shape, too many
/// images, and values outside of the datatype.
pub(super) fn images(
    inputs: Vec<InputTensor>,
    signature: &Signature,
    max_images: usize,
) -> Result<Images, Error> {
    let name = &signature.input;
    let Ok([tensor]) = <[InputTensor; 1]>::try_from(inputs) else {
        return invalid(format!("expected exactly one input, `{name}`"));
    };
    if tensor.name != *name {
        return invalid(format!(
            "the model has no input `{}`; its input is `{name}`",
            tensor.name
        ));
    }
    let own_datatype = datatype(signature);
    let InputTensor {
        datatype,
        shape,
        data,
        ..
    } = tensor;
    if datatype == "BYTES" {
        let count = encoded_images(&shape)?;
        check_count(count, max_images)?;
        return elements(data, count).map(Images::Encoded);
    }
    if datatype != own_datatype {
        return invalid(format!(
            "input `{name}` has datatype {own_datatype} (or BYTES for image files), not {datatype}"
        ));
    }
    let count = tensor_images(&shape, signature)?;
    check_count(count, max_images)?;
    let area = signature.side * signature.side;
    let inputs = match (signature.scaling, data) {
        (None, TensorData::Raw(bytes)) => {
            check_length(bytes.len(), count * area, "bytes")?;
            bytes
                .chunks_exact(area)
                .map(|gray| face(signature.side, gray.to_vec()))
                .collect()
        }
        (None, TensorData::Numbers(numbers)) => {
            check_length(numbers.len(), count * area, "values")?;
            let gray: Result<Vec<u8>, Error> = numbers.into_iter().map(byte).collect();
            gray?
                .chunks_exact(area)
                .map(|gray| face(signature.side, gray.to_vec()))
                .collect()
        }
        (Some(_), TensorData::Raw(bytes)) => {
            let image = area * size_of::<f32>();
            check_length(bytes.len(), count * image, "bytes")?;
            let value = |&bytes: &[u8; 4]| f32::from_le_bytes(bytes);
            let images = bytes.chunks_exact(image).map(|image| image.as_chunks().0);
            images
                .map(|image| floats(image.iter().map(value)))
                .collect::<Result<_, _>>()?
        }
        (Some(_), TensorData::Numbers(numbers)) => {
            check_length(numbers.len(), count * area, "values")?;
            #[expect(clippy::cast_possible_truncation, reason = "an overflow is an error")]
            let value = |&number: &f64| number as f32;
            let images = numbers.chunks_exact(area);
            images
                .map(|image| floats(image.iter().map(value)))
                .collect::<Result<_, _>>()?
        }
        (_, TensorData::EncodedImages(_)) => {
            return invalid(format!(
                "input `{name}` is {own_datatype}, but its data are strings"
            ));
        }
    };
    Ok(Images::Ready(inputs))
}

/// Returns the tensor of a raw body: the input of the model with as many images as the body has bytes for.
pub(super) fn raw(signature: &Signature, body: Bytes) -> InputTensor {
    let area = signature.side * signature.side;
    let image = area
        * if signature.scaling.is_some() {
            size_of::<f32>()
        } else {
            1
        };
    let count = body.len().div_ceil(image).max(1);
    InputTensor {
        name: signature.input.clone(),
        datatype: datatype(signature).to_owned(),
        shape: shape(signature, i64::try_from(count).unwrap_or(i64::MAX)),
        data: TensorData::Raw(body),
    }
}

/// Returns the datatype of the input of a model.
pub(super) fn datatype(signature: &Signature) -> &'static str {
    if signature.scaling.is_some() {
        "FP32"
    } else {
        "UINT8"
    }
}

/// Returns the shape of the input of a model with this first dimension.
pub(super) fn shape(signature: &Signature, batch: i64) -> Vec<i64> {
    let rest = signature.shape.iter().skip(1);
    let rest = rest.map(|&extent| i64::try_from(extent).unwrap_or(i64::MAX));
    std::iter::once(batch).chain(rest).collect()
}

/// Returns the number of images in a tensor of this shape.
fn tensor_images(given: &[i64], signature: &Signature) -> Result<usize, Error> {
    let count = given.first().and_then(|&count| usize::try_from(count).ok());
    match count.filter(|&count| count > 0) {
        Some(count) if given[1..] == shape(signature, 1)[1..] => Ok(count),
        _ => invalid(format!(
            "input `{}` has shape {:?} (-1 is any number of at least 1), not {given:?}",
            signature.input,
            shape(signature, -1)
        )),
    }
}

/// Returns the number of image files in a `BYTES` tensor of this shape.
fn encoded_images(shape: &[i64]) -> Result<usize, Error> {
    match *shape {
        [count] | [count, 1] if count > 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => invalid(format!(
            "image files (BYTES) have shape [N] or [N, 1] with N of at least 1, not {shape:?}"
        )),
    }
}

fn check_count(count: usize, max_images: usize) -> Result<(), Error> {
    if count <= max_images {
        return Ok(());
    }
    let message = format!(
        "{count} images; the maximum is {max_images} per request, split them over several requests"
    );
    Err(Error::new(Kind::TooLarge, message))
}

fn check_length(given: usize, expected: usize, what: &str) -> Result<(), Error> {
    if given == expected {
        return Ok(());
    }
    invalid(format!(
        "the shape needs {expected} {what}, but the data has {given}"
    ))
}

/// Returns the elements of a `BYTES` tensor.
fn elements(data: TensorData, count: usize) -> Result<Vec<EncodedImage>, Error> {
    let images = match data {
        TensorData::Raw(bytes) => split(bytes)?,
        TensorData::EncodedImages(images) => images,
        TensorData::Numbers(_) => return invalid("a BYTES tensor must not contain numbers"),
    };
    check_length(images.len(), count, "elements")?;
    Ok(images)
}

/// Parses length-prefixed elements.
fn split(mut bytes: Bytes) -> Result<Vec<EncodedImage>, Error> {
    let mut images = Vec::new();
    while !bytes.is_empty() {
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

fn face(side: usize, gray: Vec<u8>) -> Input {
    Input::Face(Face::new(side, gray).expect("the data were split into squares"))
}

/// Creates the input of a float model. Values must be finite, because others produce invalid outputs.
fn floats(values: impl Iterator<Item = f32>) -> Result<Input, Error> {
    values
        .map(finite)
        .collect::<Result<_, _>>()
        .map(Input::Tensor)
}

fn byte(number: f64) -> Result<u8, Error> {
    let fits = (0.0..=255.0).contains(&number) && number.fract() == 0.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is an integer from 0 to 255"
    )]
    if fits {
        Ok(number as u8)
    } else {
        invalid(format!("{number} is not a UINT8 (0 to 255)"))
    }
}

fn finite(value: f32) -> Result<f32, Error> {
    if value.is_finite() {
        Ok(value)
    } else {
        invalid("a value is not finite as FP32")
    }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::invalid(message))
}
