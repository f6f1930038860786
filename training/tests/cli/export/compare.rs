//! `mien-train compare`.

use super::Fixture;
use crate::common::{is_png, succeeds, text};

#[test]
fn compare_prints_runs_side_by_side_and_plots_them() {
    let fixture = Fixture::new();
    let (held, last) = (fixture.holdout_run(), fixture.run("last", &[]));
    let plot = fixture.folder.path().join("both.png");
    let output = succeeds(&["compare", text(&held), text(&last), "--out", text(&plot)]);
    assert!(is_png(&plot));
    for words in [
        "resnet-8-v1",
        "2/2",
        "recipe keys that differ: 1",
        "holdout",
        "test accuracy",
    ] {
        assert!(output.contains(words), "`{words}` is not in {output}");
    }
}
