use mien_faces::image::FaceStatistics;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::drift::{Feature, Observation, Observations};

const CLASSES: usize = 7;
/// Faces per window.
const WINDOW: usize = 1_000;

/// Returns a face of a population whose sizes are all equal.
fn face(random: &mut StdRng) -> Observation {
    face_of_size(random, 48.0)
}

/// Returns a face with a share of about a third of class 3.
fn face_of_size(random: &mut StdRng, size: f32) -> Observation {
    let class = if random.random_bool(0.25) {
        3
    } else {
        random.random_range(0..CLASSES)
    };
    let statistics = FaceStatistics {
        brightness: random.random_range(60.0..190.0),
        contrast: random.random_range(20.0..80.0),
        sharpness: random.random_range(600.0..4300.0),
    };
    Observation::of_values(class, random.random_range(0.2..1.0), statistics, size)
}

fn profile(random: &mut StdRng) -> Profile {
    let mut observations = Observations::default();
    (0..3_000).for_each(|_| observations.push(face(random)));
    observations.profile(CLASSES).unwrap()
}

/// Compares windows of faces with the profile of the population, and returns the features whose drift began.
fn drifting(
    random: &mut StdRng,
    windows: u32,
    face: impl Fn(&mut StdRng) -> Observation,
) -> Vec<Feature> {
    let profile = profile(random);
    let mut results = Results::empty(&profile);
    let mut began = Vec::new();
    for _ in 0..windows {
        let mut window = Window::empty(&profile);
        (0..WINDOW).for_each(|_| window.add(&profile, &face(random)));
        results.add(&profile, window);
        for (feature, result) in profile.features.iter().zip(&results.features) {
            if result.change == Some(Change::Began) {
                began.push(feature.feature);
            }
        }
    }
    began
}

#[test]
fn same_population_does_not_drift() {
    for seed in 0..5 {
        let mut random = StdRng::seed_from_u64(seed);
        assert_eq!(drifting(&mut random, 20, face), [], "{seed}");
    }
}

#[test]
fn missing_half_of_a_class_is_drift_of_labels() {
    let mut random = StdRng::seed_from_u64(1);
    let half = |random: &mut StdRng| loop {
        let face = face(random);
        if face.value(Feature::Label) != Some(3.0) || random.random_bool(0.5) {
            return face;
        }
    };
    assert_eq!(drifting(&mut random, 4, half), [Feature::Label]);
}

#[test]
fn other_size_of_all_faces_is_drift_of_sizes() {
    for size in [47.0, 49.0, 1000.0] {
        let mut random = StdRng::seed_from_u64(1);
        let resized = |random: &mut StdRng| face_of_size(random, size);
        assert_eq!(drifting(&mut random, 3, resized), [Feature::Size], "{size}");
    }
}
