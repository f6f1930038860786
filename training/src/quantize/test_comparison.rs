//! Compares the finished INT8 file with the float file on the test faces.

use mien_faces::dataset::{Dataset, Duplicates, Split};

use super::{QuantizeError, predict};
use crate::{
    data::FaceSet,
    export::test_evaluation,
    onnx::session::Runtime,
    report::{
        DuplicateReport,
        quantization::{Paired, QuantizedTest},
    },
};

/// Evaluates a float file and its INT8 file on the test faces. Returns `None` if the data set has none.
pub(super) fn evaluate(
    runtime: &Runtime,
    [float, int8]: [&[u8]; 2],
    train: &FaceSet,
    dataset: &Dataset,
) -> Result<Option<QuantizedTest>, QuantizeError> {
    let samples = dataset.samples(Split::Test);
    if samples.is_empty() {
        return Ok(None);
    }
    let faces = test_evaluation::load(samples)?;
    let [float, int8] = [float, int8].map(|bytes| predict(runtime, bytes, &faces));
    let (float, int8) = (float?, int8?);
    let Duplicates {
        counts,
        test_in_train,
        ..
    } = test_evaluation::duplicates(train, &faces);
    let without = test_evaluation::report_where(&int8, |index| !test_in_train[index]);
    Ok(Some(QuantizedTest {
        paired: Paired::of(&float, &int8)?,
        report: test_evaluation::report_where(&int8, |_| true),
        duplicates: DuplicateReport { counts, without },
    }))
}
