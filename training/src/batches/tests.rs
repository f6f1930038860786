use mien_faces::image::Face;

use super::*;

fn faces(side: usize) -> Arc<FaceSet> {
    let faces = (0..10u8).map(|i| Face::new(side, vec![i; side * side]).unwrap()).collect();
    Arc::new(FaceSet { side, faces, labels: vec![Expression::Sad; 10], unreadable: Vec::new() })
}

fn plan(epoch: usize, skip: usize) -> Plan {
    let augment = Augment::NONE;
    Plan { batch: 3, seed: 5, epoch, skip, side: 1, augment, mixup: 0.0 }
}

fn pixels(epoch_index: usize, skip: usize) -> Vec<Vec<f32>> {
    epoch(faces(1), None, plan(epoch_index, skip)).into_iter().map(|b| b.pixels).collect()
}

#[test]
fn an_epoch_shows_each_face_at_most_once_in_full_batches() {
    let mut seen: Vec<f32> = pixels(0, 0).into_iter().flatten().collect();
    assert_eq!(seen.len(), 9);
    seen.sort_by(f32::total_cmp);
    seen.dedup();
    assert_eq!(seen.len(), 9);
}

#[test]
fn an_interrupted_epoch_goes_on_with_the_same_batches() {
    assert_eq!(pixels(2, 1), pixels(2, 0)[1..]);
    assert_ne!(pixels(2, 0), pixels(3, 0));
}

#[test]
fn larger_faces_are_shown_at_both_sides() {
    let plan = Plan { side: 24, ..plan(0, 0) };
    for batch in epoch(faces(48), None, plan) {
        let large = batch.large.unwrap();
        assert_eq!((batch.side, batch.pixels.len(), large.len()), (24, 3 * 24 * 24, 3 * 48 * 48));
        for (small, large) in batch.pixels.chunks(24 * 24).zip(large.chunks(48 * 48)) {
            assert!(small.iter().all(|value| (value - large[0]).abs() < 1e-4));
        }
    }
}

#[test]
fn answers_go_with_their_faces() {
    let answers: Vec<f32> = (0..70).map(|i| (i / 7) as f32).collect();
    for batch in epoch(faces(1), Some(answers.into()), plan(0, 0)) {
        let taught = batch.taught.unwrap();
        for (row, pixel) in taught.chunks(7).zip(&batch.pixels) {
            assert_eq!(row, [*pixel; 7]);
        }
    }
}

#[test]
fn mixup_mixes_cached_outputs_with_the_images() {
    // Every face is a constant image of its index, and so are its cached outputs.
    let answers: Vec<f32> = (0..70).map(|i| (i / 7) as f32).collect();
    let plan = Plan { mixup: 0.4, ..plan(0, 0) };
    let batches: Vec<Batch> = epoch(faces(1), Some(answers.into()), plan).into_iter().collect();
    assert!(batches.iter().any(|batch| batch.mixed.as_ref().unwrap().share > 0.0));
    for batch in batches {
        let taught = batch.taught.unwrap();
        for (row, pixel) in taught.chunks(7).zip(&batch.pixels) {
            assert_eq!(row, [*pixel; 7]);
        }
    }
    let images = |answers| -> Vec<f32> {
        epoch(faces(1), answers, plan).into_iter().flat_map(|batch| batch.pixels).collect()
    };
    assert_eq!(images(Some([0.0; 70].into())), images(None), "the images stay the same");
}

#[test]
fn neighbouring_seeds_epochs_and_steps_share_nothing() {
    let mut seeds: Vec<u64> =
        (0..1000).map(|i| mix(i / 100, (i / 10 % 10) as usize, (i % 10) as usize)).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 1000);
}

#[test]
fn fewer_faces_than_a_batch_are_one_batch() {
    assert_eq!(steps(10, 64), 1);
}
