use mien_faces::image::Face;

use super::*;

fn faces(side: usize) -> Arc<FaceSet> {
    let faces = (0..10u8)
        .map(|i| Face::new(side, vec![i; side * side]).unwrap())
        .collect();
    Arc::new(FaceSet {
        side,
        faces,
        labels: vec![Expression::Sad; 10],
        unreadable: Vec::new(),
    })
}

fn plan(epoch: usize, skip: usize) -> EpochPlan {
    let augment = Augment::NONE;
    EpochPlan {
        batch: 3,
        seed: 5,
        epoch,
        skip,
        side: 1,
        augment,
        mixup: 0.0,
    }
}

fn pixels(epoch_index: usize, skip: usize) -> Vec<Vec<f32>> {
    epoch(faces(1), None, plan(epoch_index, skip))
        .into_iter()
        .map(|b| b.pixels)
        .collect()
}

#[test]
fn epoch_has_full_batches_without_repeated_faces() {
    let mut seen: Vec<f32> = pixels(0, 0).into_iter().flatten().collect();
    assert_eq!(seen.len(), 9);
    seen.sort_by(f32::total_cmp);
    seen.dedup();
    assert_eq!(seen.len(), 9);
}

#[test]
fn interrupted_epoch_continues_with_same_batches() {
    assert_eq!(pixels(2, 1), pixels(2, 0)[1..]);
    assert_ne!(pixels(2, 0), pixels(3, 0));
}

#[test]
fn downscaled_batch_has_images_at_both_sizes() {
    let plan = EpochPlan {
        side: 24,
        ..plan(0, 0)
    };
    for batch in epoch(faces(48), None, plan) {
        let large = batch.large.unwrap();
        assert_eq!(
            (batch.side, batch.pixels.len(), large.len()),
            (24, 3 * 24 * 24, 3 * 48 * 48)
        );
        for (small, large) in batch.pixels.chunks(24 * 24).zip(large.chunks(48 * 48)) {
            assert!(small.iter().all(|value| (value - large[0]).abs() < 1e-4));
        }
    }
}

#[test]
fn cached_outputs_follow_their_faces() {
    let outputs: Vec<f32> = (0..70).map(|i| (i / 7) as f32).collect();
    for batch in epoch(faces(1), Some(outputs.into()), plan(0, 0)) {
        let soft_targets = batch.soft_targets.unwrap();
        for (row, pixel) in soft_targets.chunks(7).zip(&batch.pixels) {
            assert_eq!(row, [*pixel; 7]);
        }
    }
}

#[test]
fn mixup_mixes_cached_outputs_with_the_images() {
    // Every face is a constant image of its index, and so are its cached outputs.
    let outputs: Vec<f32> = (0..70).map(|i| (i / 7) as f32).collect();
    let plan = EpochPlan {
        mixup: 0.4,
        ..plan(0, 0)
    };
    let batches: Vec<Batch> = epoch(faces(1), Some(outputs.into()), plan)
        .into_iter()
        .collect();
    assert!(
        batches
            .iter()
            .any(|batch| batch.mixed.as_ref().unwrap().share > 0.0)
    );
    for batch in batches {
        let soft_targets = batch.soft_targets.unwrap();
        for (row, pixel) in soft_targets.chunks(7).zip(&batch.pixels) {
            assert_eq!(row, [*pixel; 7]);
        }
    }
    let images = |outputs| -> Vec<f32> {
        epoch(faces(1), outputs, plan)
            .into_iter()
            .flat_map(|batch| batch.pixels)
            .collect()
    };
    assert_eq!(
        images(Some([0.0; 70].into())),
        images(None),
        "the images stay the same"
    );
}

#[test]
fn seeds_epochs_and_steps_derive_distinct_seeds() {
    let mut seeds: Vec<u64> = (0..1000)
        .map(|i| derive_seed(i / 100, (i / 10 % 10) as usize, (i % 10) as usize))
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 1000);
}

#[test]
fn fewer_faces_than_batch_size_give_one_batch() {
    assert_eq!(steps(10, 64), 1);
}
