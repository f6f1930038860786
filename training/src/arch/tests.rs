//! Sizes of the networks in the catalogue.

mod stochastic_depth;

use super::{
    catalog::build,
    summary::{Summary, summary},
};

/// Total, trainable, statistics, multiply-adds, taken from Keras builds.
const KERAS: [(&str, usize, usize, usize, u64); 5] = [
    ("densenet-100-12-c03", 582_025, 565_317, 16_708, 390_701_076),
    ("densenet-100-12-c05", 723_891, 703_187, 20_704, 432_833_943),
    ("densenet-100-12-c07", 918_121, 892_415, 25_706, 482_626_092),
    ("resnet-104-v1", 1_647_975, 1_640_327, 7_648, 537_075_648),
    ("resnet-155-v2", 4_711_047, 4_681_639, 29_408, 1_218_924_288),
];

#[test]
fn notebook_networks_match_keras_builds() {
    for (name, parameters, trainable, statistics, multiply_adds) in KERAS {
        let expected = Summary {
            name: name.to_owned(),
            parameters,
            trainable,
            statistics,
            multiply_adds,
        };
        assert_eq!(summary(&build(name).unwrap()).unwrap(), expected);
    }
}

#[test]
fn densenet_block_count_defaults_to_four() {
    let parameters = |name| summary(&build(name).unwrap()).unwrap().parameters;
    assert_eq!(
        parameters("densenet-100-12-c05"),
        parameters("densenet-100-12-c05-b4")
    );
    // Three blocks of 16, taken from a Keras build.
    assert_eq!(parameters("densenet-100-12-c05-b3"), 813_583);
}

#[test]
fn wide_networks_have_published_sizes() {
    // Millions of parameters and multiply-adds of the networks that were considered as flagship.
    for (name, parameters, multiply_adds) in [
        ("vgg-64x2-128x2-256x3-384x3", 5.28, 553),
        ("vgg-48x1-96x3-192x3-384x3", 4.36, 360),
        ("vgg-64x2-128x2-256x2-512x2", 4.69, 469),
        ("resnet-d-32-64-128x2-256x3-384x3", 11.45, 1_091),
        ("resnet-d-16-32x1-64x2-128x2", 0.675, 46),
    ] {
        let figures = summary(&build(name).unwrap()).unwrap();
        let found = figures.parameters as f64 / 1e6;
        assert!(
            (found - parameters).abs() < 0.02,
            "{name}: {found} M parameters"
        );
        let found = figures.multiply_adds / 1_000_000;
        assert!(
            found.abs_diff(multiply_adds) <= 2,
            "{name}: {found} M multiply-adds"
        );
    }
}
