//! A request's tensor -> images as a model takes them. Everything is checked before memory is taken.

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
    /// In the form that the model takes.
    Ready(Vec<Input>),
    /// Pictures to be decoded.
    EncodedImage(Vec<EncodedImage>),
}

impl Images {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ready(inputs) => inputs.len(),
            Self::EncodedImage(pictures) => pictures.len(),
        }
    }
}

/// The images of a request's only tensor, at least one, at most `max_images`.
///
/// # Errors
/// For another count of tensors, another name, datatype or shape, data that does not fit the shape, too many images,
/// and values that the datatype cannot hold.
pub(super) fn images(
    inputs: Vec<InputTensor>,
    signature: &Signature,
    max_images: usize,
) -> Result<Images, Error> {
    let name = &signature.input;
    let Ok([tensor]) = <[InputTensor; 1]>::try_from(inputs) else {
        return invalid(format!("the model takes one input, `{name}`"));
    };
    if tensor.name != *name {
        return invalid(format!("the model has no input `{}`; its input is `{name}`", tensor.name));
    }
    let own = datatype(signature);
    let InputTensor { datatype, shape, data, .. } = tensor;
    if datatype == "BYTES" {
        let count = pictures(&shape)?;
        check_count(count, max_images)?;
        return elements(data, count).map(Images::EncodedImage);
    }
    if datatype != own {
        return invalid(format!(
            "input `{name}` is {own} (or BYTES, encoded pictures), not {datatype}"
        ));
    }
    let count = tensor_images(&shape, signature)?;
    check_count(count, max_images)?;
    let area = signature.side * signature.side;
    let inputs = match (signature.feeding, data) {
        (None, TensorData::Raw(bytes)) => {
            check_length(bytes.len(), count * area, "bytes")?;
            bytes.chunks_exact(area).map(|gray| face(signature.side, gray.to_vec())).collect()
        }
        (None, TensorData::Numbers(numbers)) => {
            check_length(numbers.len(), count * area, "values")?;
            let gray: Result<Vec<u8>, Error> = numbers.into_iter().map(byte).collect();
            gray?.chunks_exact(area).map(|gray| face(signature.side, gray.to_vec())).collect()
        }
        (Some(_), TensorData::Raw(bytes)) => {
            let image = area * size_of::<f32>();
            check_length(bytes.len(), count * image, "bytes")?;
            let value = |&bytes: &[u8; 4]| f32::from_le_bytes(bytes);
            let images = bytes.chunks_exact(image).map(|image| image.as_chunks().0);
            images.map(|image| floats(image.iter().map(value))).collect::<Result<_, _>>()?
        }
        (Some(_), TensorData::Numbers(numbers)) => {
            check_length(numbers.len(), count * area, "values")?;
            #[expect(clippy::cast_possible_truncation, reason = "what overflows is refused")]
            let value = |&number: &f64| number as f32;
            let images = numbers.chunks_exact(area);
            images.map(|image| floats(image.iter().map(value))).collect::<Result<_, _>>()?
        }
        (_, TensorData::Pictures(_)) => {
            return invalid(format!("input `{name}` is {own}, but its data are strings"));
        }
    };
    Ok(Images::Ready(inputs))
}

/// The tensor that a body without a header is: the model's own input, as many images as there are bytes for.
pub(super) fn raw(signature: &Signature, body: Bytes) -> InputTensor {
    let area = signature.side * signature.side;
    let image = area * if signature.feeding.is_some() { size_of::<f32>() } else { 1 };
    let count = body.len().div_ceil(image).max(1);
    InputTensor {
        name: signature.input.clone(),
        datatype: datatype(signature).to_owned(),
        shape: shape(signature, i64::try_from(count).unwrap_or(i64::MAX)),
        data: TensorData::Raw(body),
    }
}

/// The datatype of a model's own input.
pub(super) fn datatype(signature: &Signature) -> &'static str {
    if signature.feeding.is_some() { "FP32" } else { "UINT8" }
}

/// The shape of a model's own input with this first dimension.
pub(super) fn shape(signature: &Signature, batch: i64) -> Vec<i64> {
    let rest = signature.shape.iter().skip(1);
    let rest = rest.map(|&extent| i64::try_from(extent).unwrap_or(i64::MAX));
    std::iter::once(batch).chain(rest).collect()
}

/// The images of a tensor of the model's own datatype.
fn tensor_images(given: &[i64], signature: &Signature) -> Result<usize, Error> {
    let count = given.first().and_then(|&count| usize::try_from(count).ok());
    match count.filter(|&count| count > 0) {
        Some(count) if given[1..] == shape(signature, 1)[1..] => Ok(count),
        _ => invalid(format!(
            "input `{}` is of shape {:?} (-1 is any number from 1 on), not {given:?}",
            signature.input,
            shape(signature, -1)
        )),
    }
}

/// The pictures of a tensor of `BYTES`.
fn pictures(shape: &[i64]) -> Result<usize, Error> {
    match *shape {
        [count] | [count, 1] if count > 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => invalid(format!(
            "encoded pictures (BYTES) are of shape [N] or [N, 1], N from 1 on, not {shape:?}"
        )),
    }
}

fn check_count(count: usize, max_images: usize) -> Result<(), Error> {
    if count <= max_images {
        return Ok(());
    }
    let message = format!(
        "{count} images; at most {max_images} are taken in one request, spread them over several"
    );
    Err(Error::new(Kind::TooLarge, message))
}

fn check_length(given: usize, wanted: usize, what: &str) -> Result<(), Error> {
    if given == wanted {
        return Ok(());
    }
    invalid(format!("the shape asks for {wanted} {what}, but the data are {given}"))
}

/// The elements of a tensor of `BYTES`.
fn elements(data: TensorData, count: usize) -> Result<Vec<EncodedImage>, Error> {
    let pictures = match data {
        TensorData::Raw(bytes) => split(bytes)?,
        TensorData::Pictures(pictures) => pictures,
        TensorData::Numbers(_) => return invalid("a tensor of BYTES holds no numbers"),
    };
    check_length(pictures.len(), count, "elements")?;
    Ok(pictures)
}

/// Elements with their lengths before them.
fn split(mut bytes: Bytes) -> Result<Vec<EncodedImage>, Error> {
    let mut pictures = Vec::new();
    while !bytes.is_empty() {
        let length = bytes.try_get_u32_le().ok().and_then(|length| usize::try_from(length).ok());
        match length.filter(|&length| length <= bytes.len()) {
            Some(length) => pictures.push(EncodedImage::Raw(bytes.split_to(length))),
            None => return invalid("an element of BYTES is longer than the data that is left"),
        }
    }
    Ok(pictures)
}

fn face(side: usize, gray: Vec<u8>) -> Input {
    Input::Face(Face::new(side, gray).expect("the data were cut into squares"))
}

/// One image of a float model. A value that is not finite would make an answer that is none.
fn floats(values: impl Iterator<Item = f32>) -> Result<Input, Error> {
    values.map(finite).collect::<Result<_, _>>().map(Input::Tensor)
}

fn byte(number: f64) -> Result<u8, Error> {
    let fits = (0.0..=255.0).contains(&number) && number.fract() == 0.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is an integer of 0 to 255"
    )]
    if fits { Ok(number as u8) } else { invalid(format!("{number} is no UINT8 (0 to 255)")) }
}

fn finite(value: f32) -> Result<f32, Error> {
    if value.is_finite() { Ok(value) } else { invalid("a value is not finite as FP32") }
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::invalid(message))
}
