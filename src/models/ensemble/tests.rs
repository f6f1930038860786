use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Ensemble, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
}

fn weights(ensemble: &Ensemble) -> Vec<f64> {
    ensemble.members.iter().map(|share| share.weight).collect()
}

#[test]
fn weights_are_normalised_and_equal_by_default() {
    let equal = parse("members = ['a@1', 'b@12']").unwrap();
    assert_eq!(weights(&equal), [0.5, 0.5]);
    assert_eq!(equal.members[1].member.to_string(), "b@12");
    assert_eq!(
        equal,
        parse("members = ['a@1', 'b@12']\nweights = [3, 3.0]").unwrap()
    );
    let text = "members = ['a@1', 'a@2']\nweights = [3, 1]\naccuracy = { test = 0.74 }";
    let other = parse(text).unwrap();
    assert_eq!(
        (weights(&other), other.accuracy["test"]),
        (vec![0.75, 0.25], 0.74)
    );
}

#[test]
fn invalid_tables_are_rejected_with_reason() {
    let ab = "members = ['a@1', 'b@1']";
    for (text, reason) in [
        ("", "missing field `members`"),
        ("members = []", "`members` is empty"),
        (
            &format!("members = [{}]", "'a@1', ".repeat(33)),
            "`members` has 33 models; the maximum is 32",
        ),
        ("members = 'a@1'", "invalid type"),
        ("members = ['a']", "member `a`: expected NAME@VERSION"),
        ("members = ['@1']", "the model name is empty"),
        ("members = ['a@0']", "VERSION a positive integer"),
        ("members = ['a@latest']", "VERSION a positive integer"),
        ("members = ['a@1/../2']", "VERSION a positive integer"),
        ("members = ['..@1']", "or start with `.`"),
        ("members = ['.git@1']", "or start with `.`"),
        ("members = ['../a@1']", "must not contain `/`"),
        ("members = ['/etc@1']", "must not contain `/`"),
        ("members = ['a\\b@1']", "must not contain `/`, `\\`"),
        (
            "members = ['a@1', 'b@1', 'a@1']",
            "member `a@1` is listed twice",
        ),
        (&format!("{ab}\nweights = [1.0]"), "1 values for 2 members"),
        (&format!("{ab}\nweights = []"), "0 values for 2 members"),
        (
            &format!("{ab}\nweights = [1, 0]"),
            "the weight 0 of member `b@1`",
        ),
        (
            &format!("{ab}\nweights = [-1, 2]"),
            "the weight -1 of member `a@1`",
        ),
        (
            &format!("{ab}\nweights = [1, nan]"),
            "the weight NaN of member `b@1`",
        ),
        (
            &format!("{ab}\nweights = [inf, 1]"),
            "the weight inf of member `a@1`",
        ),
        (
            &format!("{ab}\nweights = [1e308, 1e308]"),
            "cannot be normalised",
        ),
        (
            &format!("{ab}\nweights = [1e-300, 1e300]"),
            "cannot be normalised",
        ),
        (&format!("{ab}\nweights = ['1', '2']"), "invalid type"),
        (
            &format!("{ab}\naccuracy = {{ test = 74.0 }}"),
            "between 0 and 1",
        ),
        (
            &format!("{ab}\naccuracy = {{ test = nan }}"),
            "between 0 and 1",
        ),
        (&format!("{ab}\nmember = 1"), "unknown field `member`"),
    ] {
        let given = parse(text).unwrap_err();
        assert!(given.contains(reason), "{text}: {given}");
    }
}

proptest! {
    #[test]
    fn accepted_weights_sum_to_one(
        given in proptest::collection::vec(prop_oneof![any::<f64>(), 0.001..100.0], 1..6)
    ) {
        let names = (0..given.len()).map(|index| format!("m@{}", index + 1)).collect();
        let table = Table {
            members: names,
            weights: Some(given.clone()),
            accuracy: BTreeMap::new(),
            created: None,
        };
        if let Ok(ensemble) = Ensemble::try_from(table) {
            let weights = weights(&ensemble);
            prop_assert!(given.iter().all(|weight| *weight > 0.0));
            prop_assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("members = ['{text}']"));
        let _ = parse(&format!("members = ['a@1']\nweights = [{text}]"));
    }
}
