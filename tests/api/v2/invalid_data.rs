//! Invalid data of tensors: binary data, numbers and images.

use serde_json::{Value, json};

use super::{JSON_LENGTH, binary, errors::error_of};
use crate::helpers::{TestApp, fixture};

#[actix_web::test]
async fn mismatched_binary_data_is_rejected() {
    let app = TestApp::spawn();
    let request = |size: usize| {
        json!({ "inputs": [{ "name": "image", "datatype": "UINT8", "shape": [1, 1, 48, 48],
            "parameters": { "binary_data_size": size } }] })
    };
    for (size, sent) in [
        (2304, 2303),
        (2304, 2305),
        (2303, 2303),
        (4608, 4608),
        (usize::MAX, 2304),
        (0, 0),
    ] {
        error_of(binary(&app, "small", &request(size), &vec![0; sent]), 400).await;
    }
    for length in ["1000000", "-1", "x", "99999999999999999999999"] {
        error_of(
            app.infer("small").header(JSON_LENGTH, length).body("{}"),
            400,
        )
        .await;
    }
    for sent in [0, 1, 2303, 2305] {
        error_of(
            app.infer("small")
                .header(JSON_LENGTH, 0)
                .body(vec![0; sent]),
            400,
        )
        .await;
    }
    // Elements of BYTES that are longer than the remaining data.
    for data in [
        &[9, 0, 0, 0, 1][..],
        &[1, 0, 0],
        &[0xff, 0xff, 0xff, 0xff, 1],
    ] {
        let parameters = json!({ "binary_data_size": data.len() });
        let input =
            json!({ "name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters });
        error_of(
            binary(&app, "small", &json!({ "inputs": [input] }), data),
            400,
        )
        .await;
    }
}

#[actix_web::test]
async fn invalid_float_values_are_rejected() {
    let app = TestApp::spawn();
    let input = |shape: Value| json!({ "name": "input_1", "datatype": "FP32", "shape": shape });
    let mut request = json!({ "inputs": [input(json!([1, 48, 48, 1]))] });
    request["inputs"][0]["data"] = json!(vec![1e39; 2304]);
    assert!(
        error_of(app.infer("keras").json(&request), 400)
            .await
            .contains("not finite")
    );
    request["inputs"][0].as_object_mut().unwrap().remove("data");
    request["inputs"][0]["parameters"] = json!({ "binary_data_size": 9216 });
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let data = vec![value.to_le_bytes(); 2304].concat();
        let error = error_of(binary(&app, "keras", &request, &data), 400).await;
        assert!(error.contains("not finite"), "{error}");
    }
    // These values are finite, but their sums overflow in the network.
    let data = [3e38_f32.to_le_bytes(), (-3e38_f32).to_le_bytes()]
        .concat()
        .repeat(1152);
    let error = error_of(binary(&app, "keras", &request, &data), 400).await;
    assert!(error.contains("contains NaN or infinity"), "{error}");
    request["inputs"][0]["datatype"] = json!("UINT8");
    let error = error_of(binary(&app, "keras", &request, &vec![0; 9216]), 400).await;
    assert!(error.contains("has datatype FP32"), "{error}");
}

#[actix_web::test]
async fn invalid_images_fail_request() {
    let app = TestApp::spawn();
    let input = |data: Value| {
        json!({ "inputs": [{ "name": "image", "datatype": "BYTES",
        "shape": [data.as_array().unwrap().len()], "data": data }] })
    };
    let good = "iVBORw0KGgo=";
    let error = error_of(app.infer("small").json(&input(json!([good, "***"]))), 400).await;
    assert!(error.contains("image 0"), "{error}");
    let error = error_of(app.infer("small").json(&input(json!(["***"]))), 400).await;
    assert!(error.contains("invalid base64"), "{error}");
    assert_eq!(
        app.metric(
            "mien_images_total{model=\"small\",outcome=\"invalid\",priority=\"live\",version=\"1\"}"
        )
        .await,
        3.0
    );
    // The header declares too many pixels.
    let huge = std::fs::read(fixture("huge.png")).unwrap();
    let mut data = u32::try_from(huge.len()).unwrap().to_le_bytes().to_vec();
    data.extend(huge);
    let parameters = json!({ "binary_data_size": data.len() });
    let input =
        json!({ "name": "image", "datatype": "BYTES", "shape": [1], "parameters": parameters });
    error_of(
        binary(&app, "small", &json!({ "inputs": [input] }), &data),
        413,
    )
    .await;
}
