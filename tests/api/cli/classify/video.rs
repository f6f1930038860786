//! Videos, which ffmpeg writes and reads without loss.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{rows, text};
use crate::{
    cli::{mien, stdout},
    evaluations::put,
    faces::{DETECTOR, composite},
};

/// The program that `cargo xtask test` installs.
const FFMPEG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.runtime/ffmpeg/ffmpeg");

/// Number of frames of the video, five per second.
const FRAMES: i64 = 6;

/// Returns a frame: a face that moves to the right and, from the third frame on, a second one.
fn frame(number: i64) -> Vec<u8> {
    let mut places = vec![("happy", 20 + 20 * number, 40, 180)];
    if number >= 2 {
        places.push(("sad", 340, 150, 240));
    }
    composite(&places)
}

fn ffmpeg(arguments: &[&str]) {
    let status = Command::new(FFMPEG)
        .args(["-nostdin", "-loglevel", "error"])
        .args(arguments)
        .status();
    assert!(status.unwrap().success());
}

/// Creates a directory with the frames as images and as `clip.mkv`.
fn clip() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..FRAMES {
        put(directory.path(), &format!("{number}.png"), &frame(number));
    }
    let (images, clip) = (
        directory.path().join("%d.png"),
        directory.path().join("clip.mkv"),
    );
    let input = ["-framerate", "5", "-i", text(&images)];
    let output = ["-c:v", "ffv1", "-pix_fmt", "bgr0", text(&clip)];
    ffmpeg(&[&input[..], &output].concat());
    (directory, clip)
}

/// Classifies a video with these flags and returns the rows.
fn classify(clip: &Path, flags: &[&str]) -> Vec<Value> {
    let words = [
        "classify",
        "--format=jsonl",
        DETECTOR,
        "--ffmpeg",
        FFMPEG,
        text(clip),
    ];
    let output = mien(&[&words[..], flags].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    rows(stdout(&output))
}

#[test]
fn frames_have_rows_of_single_images_with_tracks() {
    let (directory, clip) = clip();
    let mut video = classify(&clip, &[]);
    let images = (0..FRAMES).map(|number| directory.path().join(format!("{number}.png")));
    let images: Vec<PathBuf> = images.collect();
    let paths = images.iter().map(|path| text(path));
    let words = ["classify", "--faces", "--format=jsonl", DETECTOR];
    let single = mien(&words.into_iter().chain(paths).collect::<Vec<_>>());
    let single = rows(stdout(&single));
    assert_eq!(video.len(), single.len());
    for (row, mut image) in video.iter_mut().zip(single) {
        let row = row.as_object_mut().unwrap();
        let number = row.remove("frame").unwrap().as_i64().unwrap();
        assert_eq!(row.remove("time"), Some(json!(number as f64 / 5.0)));
        // The second face is larger, so its rows are first.
        let is_second = row["faces"] == 2 && row["face"] == 1;
        assert_eq!(
            row.remove("track"),
            Some(json!(if is_second { 2 } else { 1 }))
        );
        assert!(row.remove("smoothed").is_some());
        let file = image["file"].take();
        assert!(file.as_str().unwrap().ends_with(&format!("{number}.png")));
        image["file"] = json!(text(&clip));
        assert_eq!(json!(row), image);
    }
}

#[test]
fn probabilities_are_smoothed_per_track() {
    let (_directory, clip) = clip();
    let rows = classify(&clip, &["--smoothing=0.75"]);
    let of_track = rows.iter().filter(|row| row["track"] == 1);
    let values = of_track.map(|row| {
        let happy = |prediction: &Value| prediction["probabilities"]["happy"].as_f64().unwrap();
        (happy(row), happy(&row["smoothed"]))
    });
    let values: Vec<(f64, f64)> = values.collect();
    assert_eq!(values.len(), FRAMES as usize);
    let mut expected = values[0].0;
    for (current, smoothed) in values {
        expected = 0.75 * expected + 0.25 * current;
        assert!((smoothed - expected).abs() < 1e-5);
    }
}

#[test]
fn rate_selects_frames() {
    let (_directory, clip) = clip();
    for (flag, expected) in [
        ("--every=400ms", vec![0.0, 0.4, 0.8]),
        ("--fps=2.5", vec![0.0, 0.4, 0.8]),
        ("--fps=1", vec![0.0, 1.0]),
    ] {
        let rows = classify(&clip, &[flag]);
        let mut times: Vec<f64> = rows
            .iter()
            .map(|row| row["time"].as_f64().unwrap())
            .collect();
        times.dedup();
        assert_eq!(times, expected, "{flag}");
    }
    // The frames are those of the same times at the full rate.
    let all = classify(&clip, &[]);
    let boxes = |rows: &[Value], time: f64| -> Vec<Value> {
        let rows = rows.iter().filter(|row| row["time"] == time);
        rows.map(|row| row["box"].clone()).collect()
    };
    let half = classify(&clip, &["--every=400ms"]);
    assert_eq!(boxes(&half, 0.8), boxes(&all, 0.8));
}

#[test]
fn csv_has_columns_of_video() {
    let (_directory, clip) = clip();
    let words = [
        "classify",
        "--format=csv",
        "--fps=1",
        DETECTOR,
        "--ffmpeg",
        FFMPEG,
        text(&clip),
    ];
    let output = mien(&words);
    let mut lines = stdout(&output).lines();
    let head = lines.next().unwrap();
    assert!(head.starts_with("file,frame,time,track,face,faces,x,y,width,height,score,label,"));
    assert!(head.contains(",smoothed_label,smoothed_confidence,smoothed_angry,"));
    let columns = head.split(',').count();
    for line in lines {
        assert_eq!(line.split(',').count(), columns, "{line}");
    }
}

#[test]
fn annotated_video_has_classified_frames_with_boxes() {
    let (directory, clip) = clip();
    let output = directory.path().join("boxes.mkv");
    classify(&clip, &["--fps=2.5", "--annotate", text(&output)]);
    let frames = directory.path().join("annotated-%d.png");
    ffmpeg(&["-i", text(&output), text(&frames)]);
    let frame = |number| directory.path().join(format!("annotated-{number}.png"));
    assert!(frame(3).exists() && !frame(4).exists());
    let image = image::open(frame(1)).unwrap().into_rgb8();
    assert_eq!(image.dimensions(), (640, 480));
    // Boxes are the only coloured parts of the gray frames.
    let is_coloured = |pixel: &image::Rgb<u8>| {
        let levels = pixel.0;
        levels.iter().max().unwrap() - levels.iter().min().unwrap() > 80
    };
    let coloured = image.pixels().filter(|pixel| is_coloured(pixel)).count();
    assert!((500..20_000).contains(&coloured), "{coloured}");

    let words = ["classify", DETECTOR, "--ffmpeg", FFMPEG, text(&clip)];
    let again = mien(&[&words[..], &["--annotate", text(&output)]].concat());
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(String::from_utf8(again.stderr).unwrap().contains("exists"));
}

#[test]
fn unreadable_video_is_row_with_error() {
    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.mp4");
    fs::write(&broken, "not a video").unwrap();
    let absent = directory.path().join("absent.mp4");
    let words = ["classify", "--format=jsonl", DETECTOR, "--ffmpeg", FFMPEG];
    let output = mien(&[&words[..], &[text(&broken), text(&absent)]].concat());
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let rows = rows(stdout(&output));
    assert_eq!(rows.len(), 2);
    for (row, reason) in rows.iter().zip(["nvalid data", "No such file"]) {
        let error = row["error"].as_str().unwrap();
        assert!(
            error.starts_with("ffmpeg: ") && error.contains(reason),
            "{error}"
        );
    }
}

#[test]
fn video_flags_that_cannot_be_used_are_errors_with_reason() {
    let absent = "--ffmpeg=/nonexistent/ffmpeg";
    let ffmpeg = format!("--ffmpeg={FFMPEG}");
    let ffmpeg = ffmpeg.as_str();
    for (words, reason) in [
        (&[absent, "a.mp4"][..], "apt install ffmpeg"),
        (&["a.mp4", "b.png"], "separate commands"),
        (&["--annotate=x.mp4", "b.png"], "need the path of a video"),
        (
            &[ffmpeg, "--annotate=x.mp4", "a.mp4", "b.mp4"],
            "exactly one video",
        ),
        (&[ffmpeg, "--shard=1/2", "a.mp4"], "--shard"),
        (
            &[ffmpeg, "--resume", "--output=/nonexistent/x.csv", "a.mp4"],
            "--resume",
        ),
    ] {
        let output = mien(&[&["classify", DETECTOR], words].concat());
        assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(reason), "{words:?}: {error}");
    }
}
