use super::{options::Targets, *};

/// A recipe as the first version of the program saved it.
const FIRST: &str = "epochs = 24\nbatch = 128\nseed = 1\nholdout = 0.0\nlearning_rate = 0.1\n\
    warmup = 0.1\nmomentum = 0.9\nweight_decay = 0.0005\nlabel_smoothing = 0.05\nema = 0.998\n\
    precision = \"fp32\"\n\n[[sizes]]\nuntil = 1.0\nside = 48\n\n[augment]\nflip = 0.5\n\
    rotation = 6.0\nscale = 0.08\nshift = 0.05\nbrightness = 0.08\ncontrast = 0.1\n\
    cutout = 0.0\ncutout_side = 0.25\n";

#[test]
fn invalid_keys_and_values_are_rejected_by_name() {
    assert!(toml::from_str::<Recipe>("epoch = 3").is_err());
    for (text, key) in [
        ("ema = 1.0", "`ema`"),
        ("micro_batch = 1", "`micro_batch`"),
        ("head_dropout = 1.0", "`head_dropout`"),
        ("stochastic_depth = 1.0", "`stochastic_depth`"),
        ("init = \"runs/a\"\nzero_init_residual = true", "`init`"),
        ("l2 = nan", "`l2`"),
        ("mixup = -0.1", "`mixup`"),
        (
            "steps = [{ after = 3, factor = 0.1 }, { after = 3, factor = 0.1 }]",
            "`steps`",
        ),
        ("class_weights = [1, 1, 1, 0, 1, 1, 1]", "`class_weights`"),
        ("[rmsprop]\nepsilon = 0.0", "`rmsprop.epsilon`"),
        ("[sam]\nrho = 0.0", "`sam.rho`"),
        ("[sam]\nshare = 0.0", "`sam.share`"),
        ("[sam]\nshare = 1.1", "`sam.share`"),
        ("[augment]\nshift = inf", "`augment.shift`"),
        ("[augment]\nwarp = 1.1", "`augment.warp`"),
        ("[augment]\nwarp_until = 1.1", "`augment.warp_until`"),
        ("[augment]\nerasing = 1.1", "`augment.erasing`"),
        ("[distill]\nteachers = []", "`distill.teachers`"),
        (
            "[distill]\nteachers = [\"a\", \"b\"]\nteacher_weights = [1.0]",
            "`distill.teacher_weights`",
        ),
        (
            "[distill]\nteachers = [\"a\", \"b\"]\nteacher_weights = [1.0, 0.0]",
            "`distill.teacher_weights`",
        ),
    ] {
        let error = toml::from_str::<Recipe>(text)
            .unwrap()
            .checked()
            .unwrap_err();
        assert!(error.to_string().contains(key), "{text}: {error}");
    }
}

#[test]
fn recipe_round_trips_and_first_version_still_parses() {
    let everything = Recipe {
        init: Some("runs/a".into()),
        class_weights: ClassWeights::Values([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
        steps: vec![RateStep {
            after: 80,
            factor: 0.1,
        }],
        sam: Some(Sam::default()),
        distill: Some(Distill {
            teachers: vec!["models/a/1/model.onnx".into()],
            teacher_weights: vec![2.0],
            weight: 0.5,
            temperature: 4.0,
            targets: Targets::Cached,
        }),
        ..Recipe::default()
    };
    for recipe in [Recipe::default(), everything] {
        let text = toml::to_string(&recipe).unwrap();
        assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe, "{text}");
    }
    let first: Recipe = toml::from_str(FIRST).unwrap();
    assert_eq!(first.optimizer, OptimizerKind::Sgd);
    assert_eq!(first.distill, None);
}

#[test]
fn every_committed_recipe_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    assert!(files.len() >= 4);
    for file in files {
        Recipe::read(&file).unwrap_or_else(|error| panic!("{error}"));
    }
}
