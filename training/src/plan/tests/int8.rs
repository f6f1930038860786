//! INT8 files of plans.

use super::*;

/// Appends an INT8 file to [`PLAN`] and reads the plan.
fn with_int8(model: &str, path: &str) -> Result<Plan, PlanError> {
    let text = format!("{PLAN}\n[[int8]]\nmodel = \"{model}\"\npath = \"{path}\"\n");
    read(&text).1
}

#[test]
fn int8_file_belongs_to_plan_of_its_export() {
    let plan = with_int8("models/last/1/model.onnx", "models/int8/1/model.onnx").unwrap();
    assert_eq!(plan.int8()[0].path, Path::new("models/int8/1/model.onnx"));
    assert_eq!(plan.only("last").unwrap().int8(), plan.int8());
    assert_eq!(plan.only("teacher").unwrap().int8(), []);
}

#[test]
fn int8_files_without_export_or_own_folder_are_rejected() {
    let last = "models/last/1/model.onnx";
    for (model, path, words) in [
        (
            "models/other/1/model.onnx",
            "models/a/1/model.onnx",
            "models/other/1/model.onnx",
        ),
        (last, "../a/1/model.onnx", "../a/1/model.onnx"),
        (
            last,
            "models/a/1/model.bin",
            "models/NAME-int8/1/model.onnx",
        ),
        (last, "models/teacher/1/int8.onnx", "own folder"),
    ] {
        let error = with_int8(model, path).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
