//! Tests of the tracker.

use proptest::prelude::*;

use super::*;

fn square(x: f32, y: f32) -> BoundingBox {
    BoundingBox {
        x,
        y,
        width: 50.0,
        height: 50.0,
    }
}

/// Shows squares at these positions in the frame with this number, at 10 frames per second. Returns the tracks.
fn show(tracker: &mut FaceTracker, frame: u32, positions: &[(f32, f32)]) -> Vec<u64> {
    let face = |&(x, y): &(f32, f32)| FrameFace {
        face_box: square(x, y),
        probabilities: &[1.0, 0.0],
    };
    let faces: Vec<_> = positions.iter().map(face).collect();
    let tracked = tracker.update(Duration::from_millis(100) * frame, &faces);
    tracked.into_iter().map(|face| face.track).collect()
}

fn tracker() -> FaceTracker {
    FaceTracker::new(Smoothing::default())
}

#[test]
fn moving_faces_keep_their_tracks_in_any_order() {
    let mut tracker = tracker();
    assert_eq!(show(&mut tracker, 0, &[(0.0, 0.0), (300.0, 0.0)]), [1, 2]);
    for frame in 1..20 {
        let step = 12.0 * frame as f32;
        let positions = [(300.0 - step, 200.0), (step, 0.0)];
        // The second face jumps down once, by less than its reach.
        let positions = if frame == 1 {
            [(300.0, 50.0), (step, 0.0)]
        } else {
            [(300.0, 50.0), positions[1]]
        };
        assert_eq!(show(&mut tracker, frame, &positions), [2, 1]);
    }
}

#[test]
fn faces_that_cross_keep_their_tracks() {
    let mut tracker = tracker();
    for frame in 0..20 {
        let step = 20.0 * frame as f32;
        let tracks = show(&mut tracker, frame, &[(step, 0.0), (390.0 - step, 10.0)]);
        assert_eq!(tracks, [1, 2], "frame {frame}");
    }
}

#[test]
fn fast_motion_is_extrapolated() {
    let mut tracker = tracker();
    // The face accelerates to twice its width per frame.
    let positions = [0.0, 40.0, 100.0, 190.0, 290.0, 390.0, 490.0];
    for (frame, x) in (0..).zip(positions) {
        assert_eq!(show(&mut tracker, frame, &[(x, 0.0)]), [1], "frame {frame}");
    }
}

#[test]
fn face_that_was_missed_for_a_second_keeps_its_track() {
    let mut tracker = tracker();
    show(&mut tracker, 0, &[(0.0, 0.0)]);
    for frame in 1..10 {
        show(&mut tracker, frame, &[]);
    }
    assert_eq!(show(&mut tracker, 10, &[(5.0, 0.0)]), [1]);
}

#[test]
fn face_that_returns_later_gets_new_track() {
    let mut tracker = tracker();
    show(&mut tracker, 0, &[(0.0, 0.0)]);
    for frame in 1..12 {
        show(&mut tracker, frame, &[]);
    }
    assert_eq!(show(&mut tracker, 12, &[(0.0, 0.0)]), [2]);
}

#[test]
fn slow_frames_keep_tracks_for_three_frames() {
    let mut tracker = tracker();
    for (frame, positions) in [
        (0, &[(0.0, 0.0)][..]),
        (100, &[]),
        (200, &[]),
        (300, &[(0.0, 0.0)]),
    ] {
        let tracks = show(&mut tracker, frame, positions);
        assert_eq!(tracks, vec![1; positions.len()]);
    }
}

#[test]
fn distant_face_gets_new_track() {
    let mut tracker = tracker();
    show(&mut tracker, 0, &[(0.0, 0.0)]);
    assert_eq!(show(&mut tracker, 1, &[(70.0, 0.0)]), [2]);
}

#[test]
fn probabilities_are_smoothed_per_track() {
    let mut tracker = FaceTracker::new(Smoothing::new(0.75).unwrap());
    let mut smoothed = |time, probabilities: &[f32]| {
        let face = FrameFace {
            face_box: square(0.0, 0.0),
            probabilities,
        };
        tracker.update(Duration::from_secs(time), &[face]).remove(0)
    };
    assert_eq!(smoothed(0, &[1.0, 0.0]).smoothed, [1.0, 0.0]);
    assert_eq!(smoothed(1, &[0.0, 1.0]).smoothed, [0.75, 0.25]);
    assert_eq!(smoothed(2, &[0.0, 1.0]).smoothed, [0.5625, 0.4375]);
    // Another model has other classes.
    assert_eq!(smoothed(3, &[0.5, 0.25, 0.25]).smoothed, [0.5, 0.25, 0.25]);
}

#[test]
fn smoothing_of_zero_returns_current_probabilities() {
    let mut tracker = FaceTracker::new(Smoothing::new(0.0).unwrap());
    for probabilities in [[1.0, 0.0], [0.25, 0.75]] {
        let face = FrameFace {
            face_box: square(0.0, 0.0),
            probabilities: &probabilities,
        };
        let tracked = tracker.update(Duration::ZERO, &[face]);
        assert_eq!(tracked[0].smoothed, probabilities);
    }
}

#[test]
fn smoothing_out_of_range_is_rejected() {
    for text in ["1", "-0.1", "NaN", "inf", "much"] {
        let error = text.parse::<Smoothing>().unwrap_err().to_string();
        assert!(error.contains("from 0 to less than 1"), "{error}");
    }
    assert_eq!("0.5".parse(), Ok(Smoothing::default()));
}

proptest! {
    #[test]
    fn faces_of_a_frame_have_different_tracks(
        frames in prop::collection::vec(prop::collection::vec((0.0..200.0_f32, 0.0..200.0_f32), 0..8), 1..20),
    ) {
        let mut tracker = tracker();
        for (frame, positions) in (0..).zip(&frames) {
            let mut tracks = show(&mut tracker, frame, positions);
            prop_assert_eq!(tracks.len(), positions.len());
            tracks.sort_unstable();
            tracks.dedup();
            prop_assert_eq!(tracks.len(), positions.len());
        }
    }
}
