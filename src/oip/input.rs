//! Converts the tensor of a request to model inputs. Everything is checked before memory is allocated.

mod bytes_tensor;

use bytes::Bytes;
use mien_faces::image::Face;

use super::{
    Error, Kind,
    request::{InputTensor, TensorData},
};
use crate::{
    excerpt::{Excerpt, ShapeExcerpt},
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
            Excerpt(&tensor.name)
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
        let count = bytes_tensor::count(&shape)?;
        check_count(count, max_images)?;
        return bytes_tensor::images(data, count).map(Images::Encoded);
    }
    if datatype != own_datatype {
        return invalid(format!(
            "input `{name}` has datatype {own_datatype} (or BYTES for image files), not {}",
            Excerpt(&datatype)
        ));
    }
    let count = tensor_images(&shape, signature)?;
    check_count(count, max_images)?;
    let inputs = model_inputs(data, count, signature)?;
    Ok(Images::Ready(inputs))
}

/// Converts the values of `count` images to model inputs: faces for models that scale gray values themselves, tensors for
/// float models.
fn model_inputs(
    data: TensorData,
    count: usize,
    signature: &Signature,
) -> Result<Vec<Input>, Error> {
    let (side, area) = (signature.side, signature.side * signature.side);
    match (signature.scaling, data) {
        (None, TensorData::Raw(bytes)) => {
            check_length(bytes.len(), count * area, "bytes")?;
            Ok(faces(side, &bytes))
        }
        (None, TensorData::Numbers(numbers)) => {
            check_length(numbers.len(), count * area, "values")?;
            let gray: Vec<u8> = numbers.into_iter().map(byte).collect::<Result<_, _>>()?;
            Ok(faces(side, &gray))
        }
        (Some(_), TensorData::Raw(bytes)) => {
            let image = area * size_of::<f32>();
            check_length(bytes.len(), count * image, "bytes")?;
            let value = |&bytes: &[u8; 4]| f32::from_le_bytes(bytes);
            let images = bytes.chunks_exact(image).map(|image| image.as_chunks().0);
            images
                .map(|image| floats(image.iter().map(value)))
                .collect()
        }
        (Some(_), TensorData::Numbers(numbers)) => {
            check_length(numbers.len(), count * area, "values")?;
            #[expect(clippy::cast_possible_truncation, reason = "an overflow is an error")]
            let value = |&number: &f64| number as f32;
            let images = numbers.chunks_exact(area);
            images
                .map(|image| floats(image.iter().map(value)))
                .collect()
        }
        (_, TensorData::ExcessNumbers(given)) => Err(wrong_length(given, count * area, "values")),
        (_, TensorData::EncodedImages(_) | TensorData::ExcessImages(_)) => invalid(format!(
            "input `{}` is {}, but its data are strings",
            signature.input,
            datatype(signature)
        )),
    }
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
            "input `{}` has shape {:?} (-1 is any number of at least 1), not {}",
            signature.input,
            shape(signature, -1),
            ShapeExcerpt(given)
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
    Err(wrong_length(given, expected, what))
}

fn wrong_length(given: usize, expected: usize, what: &str) -> Error {
    Error::invalid(format!(
        "the shape needs {expected} {what}, but the data has {given}"
    ))
}

/// Creates one input per square of gray values.
fn faces(side: usize, gray: &[u8]) -> Vec<Input> {
    let squares = gray.chunks_exact(side * side);
    let faces = squares.map(|square| Face::new(side, square.to_vec()));
    faces
        .map(|face| Input::Face(face.expect("the data were split into squares")))
        .collect()
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
        invalid(format!(
            "{} is not a UINT8 (0 to 255)",
            Excerpt(&number.to_string())
        ))
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
