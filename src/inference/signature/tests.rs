use super::*;

fn tensor(name: &str, element: ElementType, shape: &[i64]) -> TensorInfo {
    TensorInfo {
        name: name.to_owned(),
        element: Some(element),
        shape: shape.to_vec(),
    }
}

fn check(input: TensorInfo, output: TensorInfo) -> Result<Signature, InferenceError> {
    Signature::new(&[input], &[output], 7, None, None)
}

#[test]
fn layouts_with_one_channel_are_accepted() {
    for shape in [&[-1, 1, 48, 48][..], &[-1, 48, 48, 1], &[-1, 48, 48]] {
        let input = tensor("image", ElementType::Uint8, shape);
        let signature = check(
            input,
            tensor("probabilities", ElementType::Float32, &[-1, 7]),
        )
        .unwrap();
        assert_eq!((signature.side, signature.fixed_batch), (48, None));
        assert_eq!(signature.kind, Some(OutputKind::Probabilities));
        assert_eq!(signature.scaling, None);
        assert_eq!(signature.shape.iter().product::<usize>(), 48 * 48);
    }
}

#[test]
fn float_inputs_are_scaled_and_unnamed_outputs_have_no_kind() {
    let input = tensor("x", ElementType::Float32, &[1, 64, 64, 1]);
    let signature = check(input, tensor("dense", ElementType::Float32, &[1, 7])).unwrap();
    assert_eq!(signature.scaling, Some(InputScaling::default()));
    assert_eq!((signature.fixed_batch, signature.kind), (Some(1), None));
    assert_eq!(signature.layout(), ["1", "64", "64", "1"]);
}

#[test]
fn float16_inputs_are_scaled() {
    let input = tensor("x", ElementType::Float16, &[-1, 48, 48, 1]);
    let signature = check(input, tensor("dense", ElementType::Float16, &[-1, 7])).unwrap();
    assert!(signature.is_fp16 && signature.outputs[0].is_fp16);
    assert_eq!(signature.scaling, Some(InputScaling::default()));
}

#[test]
fn unsupported_inputs_and_outputs_are_rejected_with_reason() {
    let valid = || tensor("probabilities", ElementType::Float32, &[-1, 7]);
    let reason = |input, output| check(input, output).unwrap_err().to_string();
    let u8 = |shape: &[i64]| tensor("image", ElementType::Uint8, shape);
    assert!(reason(u8(&[-1, 3, 48, 48]), valid()).contains("one gray channel"));
    assert!(reason(u8(&[-1, 1, 48, 64]), valid()).contains("must be a square"));
    assert!(reason(u8(&[-1, 1, -1, -1]), valid()).contains("fixed numbers"));
    assert!(reason(u8(&[-1, 2304]), valid()).contains("[N,1,S,S]"));
    let double = tensor(
        "image",
        ElementType::Other("float64".to_owned()),
        &[-1, 48, 48],
    );
    assert!(reason(double, valid()).contains("float64"));
    let eight = tensor("probabilities", ElementType::Float32, &[-1, 8]);
    assert!(reason(u8(&[-1, 48, 48]), eight).contains("8 classes, but 7 labels"));
    let flat = tensor("probabilities", ElementType::Float32, &[-1]);
    assert!(
        reason(u8(&[-1, 48, 48]), flat).contains("must be float32 or float16 of shape [N, labels]")
    );
    assert!(Signature::new(&[], &[valid()], 7, None, None).is_err());
}
