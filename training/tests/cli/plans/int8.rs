//! INT8 files of a plan.

use std::fs;

use super::{Fixture, PLAN, progress};
use crate::common::{count, succeeds};

#[test]
fn int8_file_is_written_unless_current() {
    let int8 = "[[int8]]\nmodel = \"models/teacher/1/model.onnx\"\npath = \"models/int8/1/model.onnx\"\n\
                max_loss = 1.0\n";
    let fixture = Fixture::new(&format!("{PLAN}\n{int8}"));
    let root = fixture.path("root");
    let teacher = [fixture.args(&root), vec!["--only", "teacher"]].concat();
    let dry_run = [&teacher[..], &["--dry-run"]].concat();
    let step = "quantise models/teacher/1/model.onnx to models/int8/1/model.onnx";
    assert!(succeeds(&dry_run).contains(step));
    assert!(progress(&teacher).contains("models/int8/1/model.onnx; the log-loss"));

    let file = root.join("models/int8/1/model.onnx");
    let first = fs::read(&file).unwrap();
    assert!(count(&first, b"QuantizeLinear") > 0);
    assert!(!succeeds(&dry_run).contains(step));
    assert!(!progress(&teacher).contains("wrote"));

    // A file that was quantised from another export is replaced.
    let other = root.join("models/teacher/2/model.onnx");
    fs::copy(&other, root.join("models/teacher/1/model.onnx")).unwrap();
    assert!(succeeds(&dry_run).contains(step));
}
