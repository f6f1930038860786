mod groups;

use std::collections::HashSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use mien_faces::{
    dataset::{LeftOut, Split},
    grouping::Grouping,
    report::{
        Prediction, Predictions, Tally, compare_with_groups, csv, format, group_scores, mistakes,
        without_duplicates,
    },
};
use sha2::{Digest, Sha256};

use super::*;
use crate::evaluation::{Evaluation, Unreadable, UnreadableImage};

/// Synthetic predictions. The tests of `faces` compare their scores with those of scikit-learn.
const A: &[u8] = include_bytes!("../../../faces/tests/fixtures/report/a.csv");
const B: &[u8] = include_bytes!("../../../faces/tests/fixtures/report/b.csv");

fn subject() -> Subject {
    Subject {
        model: "my|model".to_owned(),
        version: "3".to_owned(),
        sha256: "ab".repeat(32),
        engine: "openvino".to_owned(),
        precision: "bf16".to_owned(),
        dataset: "faces<b>".to_owned(),
        split: Split::Test,
        limit: Some(1000),
        dataset_sha256: Some("cd".repeat(32)),
        finished: Some("2026-01-31T14:05:59.123Z".parse().unwrap()),
        id: Some("the-id".to_owned()),
        request_id: None,
        notice: Some("Questions: privacy@example.org".parse().unwrap()),
    }
}

/// Returns the fixture with two groups, whose names have characters of HTML and Markdown.
fn read(file: &[u8]) -> Predictions {
    let mut predictions = csv::read(file).unwrap();
    let group = |index: usize| {
        Some(if index.is_multiple_of(3) {
            "<b>|"
        } else {
            "other"
        })
    };
    let grouping = Grouping::of_names("kind_x", (0..predictions.images.len()).map(group));
    predictions.groupings = vec![grouping.unwrap()];
    predictions
}

fn evaluation(predictions: &[Prediction]) -> Evaluation {
    let seen: HashSet<&str> = predictions[..40].iter().map(|p| p.image.as_str()).collect();
    let bad = |index| UnreadableImage {
        name: format!("sad/{index}.png"),
        detail: "cut off".to_owned(),
    };
    Evaluation {
        report: predictions.iter().collect::<Tally>().report(),
        mistakes: mistakes(predictions),
        without_duplicates: Some(without_duplicates(predictions, |p| {
            seen.contains(p.image.as_str())
        })),
        groups: group_scores(&read(A).groupings, predictions),
        unreadable: Unreadable {
            count: 21,
            images: (0..20).map(bad).collect(),
        },
        left_out: LeftOut {
            files: [("txt".to_owned(), 3)].into(),
            directories: vec!["validation".to_owned()],
            group_rows: 2,
        },
        seconds: 1.25,
        images_per_second: 189.6,
    }
}

fn page_of_a() -> String {
    let mut predictions = csv::read(A).unwrap().images;
    for prediction in &mut predictions {
        prediction.name = format!("<script>alert(1)</script>&\"{}", prediction.name);
    }
    html(
        &subject(),
        &evaluation(&predictions),
        &FaceImages::default(),
    )
}

/// Returns the text of a page, with a space for each tag.
fn text_of(page: &str) -> String {
    let (_, body) = page.split_once("<body>").unwrap();
    body.split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| format!("{text} "))
        .collect()
}

#[test]
fn evaluation_as_markdown() {
    let predictions = csv::read(A).unwrap().images;
    insta::assert_snapshot!(markdown(&subject(), &evaluation(&predictions)));
}

#[test]
fn comparison_of_files_as_markdown() {
    let (a, b) = (read(A), read(B));
    let [side_a, side_b] = [
        Side {
            name: "a.csv".to_owned(),
            subject: None,
        },
        Side {
            name: "my|model@3".to_owned(),
            subject: Some(subject()),
        },
    ];
    insta::assert_snapshot!(comparison_markdown(
        &side_a,
        &side_b,
        &compare_with_groups(&a, &b).unwrap()
    ));
}

#[test]
fn page_contains_sentences_and_numbers() {
    let page = text_of(&page_of_a());
    let predictions = csv::read(A).unwrap().images;
    let evaluation = evaluation(&predictions);
    let report = &evaluation.report;
    for sentence in summary::evaluation(&evaluation) {
        let sentence = sentence
            .replace(" %", "\u{a0}%")
            .replace("<b>", "&lt;b&gt;");
        assert!(page.contains(&sentence), "{sentence}");
    }
    let mut numbers = vec![
        format::decimal(report.macro_f1),
        format::decimal(report.log_loss),
        format::decimal(report.brier),
        format::percent(report.balanced_accuracy, 2),
        format::percent(report.expected_calibration_error, 2),
        "1.2 s in total".to_owned(),
        "190".to_owned(),
        "2026-01-31 14:05 UTC".to_owned(),
        "faces&lt;b&gt; test, at most 1,000 images".to_owned(),
        "ab".repeat(32),
        "cd".repeat(32),
        "the-id".to_owned(),
        "and 1 more".to_owned(),
    ];
    for score in report.splits.values() {
        numbers.extend([
            format::percent(score.accuracy, 2),
            format::interval(score.interval),
        ]);
    }
    for group in &evaluation.groups[0].groups {
        numbers.extend([
            format::count(group.score.correct),
            format::percent(group.score.accuracy, 2),
            format::interval(group.score.interval),
        ]);
    }
    for class in &report.classes {
        numbers.extend([
            format::percent(class.precision, 1),
            format::decimal(class.f1),
        ]);
    }
    for number in numbers {
        assert!(page.contains(&number), "{number} in {page}");
    }
}

#[test]
fn page_loads_nothing_and_runs_nothing() {
    let (a, b) = (read(A), read(B));
    let side = Side {
        name: "<img src=x>".to_owned(),
        subject: Some(subject()),
    };
    let comparison = compare_with_groups(&a, &b).unwrap();
    for page in [
        page_of_a(),
        comparison_html(&side, &side, &comparison, &FaceImages::default()),
    ] {
        for forbidden in [
            "<script",
            "<link",
            "<img",
            "<b>",
            " style=",
            "url(",
            "@import",
            "http:",
            "https:",
            " onclick=",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(
            page.split(" href=\"")
                .skip(1)
                .all(|link| link.starts_with('#'))
        );
        let (_, style) = page.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(style));
        assert!(
            POLICY.contains(&format!("style-src 'sha256-{hash}';")),
            "{}",
            *POLICY
        );
        assert!(page.contains(&format!("content=\"{}\"", *POLICY)));
        assert!(!POLICY.contains("unsafe") && POLICY.starts_with("default-src 'none';"));
    }
    assert!(page_of_a().contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;"));
}

#[test]
fn evaluation_without_images_has_page() {
    let empty = Evaluation {
        report: Tally::default().report(),
        mistakes: Vec::new(),
        without_duplicates: None,
        groups: Vec::new(),
        unreadable: Unreadable::default(),
        left_out: LeftOut::default(),
        seconds: 0.0,
        images_per_second: f64::NAN,
    };
    let page = html(&subject(), &empty, &FaceImages::default());
    assert!(
        page.contains("There are no confusions.") && !page.contains("NaN %"),
        "{page}"
    );
    assert!(markdown(&subject(), &empty).contains("| Accuracy | – |"));
}
