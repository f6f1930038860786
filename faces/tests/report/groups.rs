//! Accuracy per group, and its comparison.

use mien_faces::{
    grouping::Grouping,
    report::{
        GroupingComparison, Predictions, compare, compare_with_groups, csv, group_scores,
        independent_difference, large_groups, paired_difference, wilson,
    },
};
use serde_json::json;

use super::{assert_close, predictions};

/// A grouping of images by their index: `a` and `b` alternate, every tenth image does not have a group, and the first two are in `c`.
fn grouping(images: usize) -> Grouping {
    let group = |image: usize| match image {
        0 | 1 => Some("c"),
        _ if image.is_multiple_of(10) => None,
        _ if image.is_multiple_of(2) => Some("a"),
        _ => Some("b"),
    };
    Grouping::of_names("kind", (0..images).map(group)).unwrap()
}

fn grouped(name: &str) -> Predictions {
    let images = predictions(name);
    Predictions {
        groupings: vec![grouping(images.len())],
        images,
    }
}

#[test]
fn independent_interval_agrees_with_newcombe() {
    // R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
    for (a, b, low, high) in [
        ((48, 80), (56, 70), 0.0524, 0.3339),
        ((3, 10), (9, 10), 0.1705, 0.8090),
        ((2, 7), (6, 7), 0.0582, 0.8062),
        ((0, 29), (5, 56), -0.0381, 0.1926),
    ] {
        let [found_low, found_high] = independent_difference(a, b).unwrap();
        assert!((found_low - low).abs() < 5e-5, "{a:?} {b:?}: {found_low}");
        assert!(
            (found_high - high).abs() < 5e-5,
            "{a:?} {b:?}: {found_high}"
        );
    }
    assert_eq!(independent_difference((0, 0), (1, 2)), None);
    assert_eq!(independent_difference((1, 2), (0, 0)), None);
}

#[test]
fn groups_are_scored_and_gap_ignores_small_groups() {
    let Predictions { images, groupings } = grouped("a.csv");
    let [scores] = &group_scores(&groupings, &images)[..] else {
        panic!("one grouping has one entry");
    };
    assert_eq!(scores.grouping, "kind");
    let names: Vec<&str> = scores.groups.iter().map(|g| g.group.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let expected = |name: &str| {
        let members = images.iter().enumerate();
        let members = members.filter(|&(image, _)| groupings[0].name_of(image) == Some(name));
        let is_correct = |p: &mien_faces::report::Prediction| p.outcome().prediction() == p.truth;
        let correct: Vec<bool> = members.map(|(_, p)| is_correct(p)).collect();
        let hits = correct.iter().filter(|&&c| c).count();
        (hits as u64, correct.len() as u64)
    };
    for group in &scores.groups {
        let (correct, total) = expected(&group.group);
        assert_eq!((group.score.correct, group.score.total), (correct, total));
        assert_eq!(group.score.interval, wilson(correct, total));
        assert_eq!(group.range, None);
    }
    let of_c = scores.groups[2].score.accuracy;
    assert!(
        scores
            .groups
            .iter()
            .all(|group| group.score.accuracy >= of_c)
    );
    let grouped: u64 = scores.groups.iter().map(|g| g.score.total).sum();
    assert_eq!(scores.ungrouped + grouped, images.len() as u64);
    assert!(scores.ungrouped > 0);

    // The accuracy of `c` is the lowest one, but the group is too small for a gap.
    let gap = scores.largest_gap.as_ref().unwrap();
    let ((a, of_a), (b, of_b)) = (expected("a"), expected("b"));
    let (a_rate, b_rate) = (a as f64 / of_a as f64, b as f64 / of_b as f64);
    assert_ne!(a_rate, b_rate);
    let (best, worst) = if a_rate > b_rate {
        ("a", "b")
    } else {
        ("b", "a")
    };
    assert_eq!((gap.best.as_str(), gap.worst.as_str()), (best, worst));
    assert!((gap.difference - (a_rate - b_rate).abs()).abs() < 1e-12);
    let expected_interval = independent_difference(expected(worst), expected(best)).unwrap();
    assert_eq!(gap.interval, expected_interval);
    let few = &images[..20];
    assert_eq!(group_scores(&groupings, few)[0].largest_gap, None);
}

#[test]
fn gap_between_equal_groups_names_two_groups() {
    let mut images = predictions("a.csv")[..60].to_vec();
    for image in &mut images {
        image.truth = image.outcome().prediction();
    }
    let halves = (0..60).map(|image| Some(if image < 30 { "first" } else { "second" }));
    let grouping = Grouping::of_names("half", halves).unwrap();
    let scores = group_scores(&[grouping], &images);
    let gap = scores[0].largest_gap.as_ref().unwrap();
    assert_eq!(gap.difference, 0.0);
    assert_eq!((gap.best.as_str(), gap.worst.as_str()), ("first", "second"));
}

#[test]
fn paired_differences_are_per_group_and_negated_when_swapped() {
    let (a, b) = (grouped("a.csv"), grouped("b.csv"));
    let found = compare_with_groups(&a, &b).unwrap();
    assert_eq!(found.images, compare(&a.images, &b.images).unwrap().images);
    let [GroupingComparison { grouping, groups }] = &found.groups[..] else {
        panic!("one grouping has one entry");
    };
    assert_eq!(grouping, "kind");
    for group in groups {
        let mut table = [0; 4];
        for (image, in_b) in b.images.iter().enumerate() {
            let in_a = a.images.iter().find(|in_a| in_a.image == in_b.image);
            let name = b.groupings[0].name_of(image);
            if let (Some(in_a), true) = (in_a, name == Some(group.group.as_str())) {
                let [a, b] = [in_a, in_b].map(|p| p.outcome().prediction() == p.truth);
                table[2 * usize::from(!a) + usize::from(!b)] += 1;
            }
        }
        let [both, only_a, only_b, neither] = table;
        let images = both + only_a + only_b + neither;
        assert_eq!(group.images, images);
        let interval = paired_difference(both, only_a, only_b, neither).unwrap();
        assert_eq!(group.difference_interval, interval);
        let difference = (only_b as f64 - only_a as f64) / images as f64;
        assert!((group.difference - difference).abs() < 1e-12);
        assert!((group.accuracy_b - group.accuracy_a - difference).abs() < 1e-12);
    }
    let lowest = large_groups(&found.groups)
        .map(|(_, group)| group)
        .min_by(|x, y| x.difference.total_cmp(&y.difference))
        .unwrap();
    let loss = found.largest_group_loss.as_ref();
    assert_eq!(
        loss.map(|loss| &loss.group),
        Some(lowest).filter(|g| g.difference < 0.0)
    );

    // The groups of the first evaluation are used if the second one does not have groups.
    let without = Predictions {
        images: a.images.clone(),
        groupings: Vec::new(),
    };
    let swapped = compare_with_groups(&b, &without).unwrap();
    for (there, back) in groups.iter().zip(&swapped.groups[0].groups) {
        assert_close(
            &json!(back.difference),
            &json!(-there.difference),
            "difference",
        );
        assert_eq!(back.accuracy_a, there.accuracy_b);
    }
    let losses = [&found, &swapped].map(|found| found.largest_group_loss.is_some());
    assert!(
        losses.contains(&true),
        "one of the two models loses in a group"
    );
}

#[test]
fn csv_with_groups_reads_back_in_parts() {
    let all = grouped("a.csv");
    let mut file = Vec::new();
    csv::write(&mut file, &all.images[..100], 0, &all.groupings).unwrap();
    csv::write(&mut file, &all.images[100..], 100, &all.groupings).unwrap();
    assert_eq!(csv::read(file.as_slice()).unwrap(), all);
    let text = String::from_utf8(file).unwrap();
    assert!(
        text.lines()
            .next()
            .unwrap()
            .ends_with(",surprise,group_kind")
    );
}

/// Returns a file with the column `group_x`.
fn csv_with_groups<'a>(groups: impl Iterator<Item = &'a str>) -> String {
    let images = predictions("a.csv");
    let mut file = Vec::new();
    csv::write(&mut file, &images, 0, &[]).unwrap();
    let text = String::from_utf8(file).unwrap();
    let lines = text.lines().zip(["group_x"].into_iter().chain(groups));
    lines
        .map(|(line, group)| format!("{line},{group}\n"))
        .collect()
}

#[test]
fn csv_with_too_many_groups_is_rejected() {
    let names: Vec<String> = (0..predictions("a.csv").len())
        .map(|n| n.to_string())
        .collect();
    let text = csv_with_groups(names.iter().map(String::as_str));
    let error = csv::read(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("`x` has more than 64 groups"), "{error}");
}

#[test]
fn csv_with_control_character_in_group_is_rejected() {
    let text = csv_with_groups(std::iter::repeat("a\u{1b}[31m"));
    let error = csv::read(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(r"has the character '\u{1b}'"), "{error}");
}
