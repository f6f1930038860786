use std::{path::PathBuf, time::Duration};

use mien_faces::image::Face;

use super::{OnnxClassifier, Session, fp16_input};
use crate::inference::{
    Classifier, Input,
    runtime::{CudaOptions, DeviceChoice, Runtime},
    signature::{ElementType, Signature},
};

/// Returns the outputs of a fixture for three faces, and whether its input was converted to float16.
fn outputs(model: &str, fp16_input: bool) -> (Vec<Vec<f32>>, bool) {
    let limit = Duration::from_secs(60);
    let runtime = Runtime::load(DeviceChoice::Cpu, CudaOptions::default(), limit).unwrap();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let path = root.join(model).join("1/model.onnx");
    let session = Session::open_with(&runtime, &path, 1, fp16_input).unwrap();
    let metadata = session.metadata().unwrap();
    let converted = session.fp16_input;
    let signature = Signature::new(&metadata.inputs, &metadata.outputs, 7, None, None).unwrap();
    assert_ne!(signature.input, fp16_input::INPUT);
    assert!(!converted || metadata.inputs[0].element == Some(ElementType::Float32));
    let side = signature.side;
    let face = |seed: usize| {
        let gray = (0..side * side).map(|pixel| u8::try_from(pixel * seed % 251).unwrap());
        Input::Face(Face::new(side, gray.collect()).unwrap())
    };
    let mut classifier = OnnxClassifier::new(session, signature, 7, 2, 2).unwrap();
    let predictions = classifier.classify(&[face(1), face(7), face(23)]).unwrap();
    let outputs = predictions
        .into_iter()
        .map(|prediction| prediction.unwrap().outputs.into_vec());
    (outputs.collect(), converted)
}

#[test]
fn fp16_input_changes_float_outputs_only_slightly() {
    for model in [
        "models/keras",
        "foreign/models/exported",
        "foreign/models/dense",
    ] {
        let (floats, plain) = outputs(model, false);
        let (halves, converted) = outputs(model, true);
        assert!(converted && !plain, "{model}");
        assert_ne!(floats, halves, "{model}: gray/255 is not a float16 value");
        for (floats, halves) in floats.iter().flatten().zip(halves.iter().flatten()) {
            assert!((floats - halves).abs() < 2e-3, "{model}: {floats} {halves}");
        }
    }
}

#[test]
fn uint8_and_float16_inputs_are_not_converted() {
    for model in ["models/small", "foreign/models/half"] {
        let (plain, _) = outputs(model, false);
        let (given, converted) = outputs(model, true);
        assert!(!converted, "{model}");
        assert_eq!(plain, given, "{model}");
    }
}
