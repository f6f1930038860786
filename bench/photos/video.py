"""Measures how much faster than real time `mien classify` labels a video of 720p, and compares its rows with those of single images.

The video has four test faces of FER2013 that move over a gray background, at 25 frames per second.

    pip install pillow
    python bench/photos/video.py --data DIR --mien target/release/mien --ffmpeg ffmpeg --seconds 60
"""

import argparse
import json
import math
import pathlib
import random
import subprocess
import tempfile
import time

from PIL import Image

SIZE = (1280, 720)
SIDE = 192
RATE = 25
FPS = 5
# Columns that single images do not have.
TRACKS = ("frame", "time", "track", "smoothed", "file")


def write_video(path, faces, seconds, ffmpeg):
    command = [ffmpeg, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-video_size", "%dx%d" % SIZE,
               "-framerate", str(RATE), "-i", "pipe:0", "-pix_fmt", "yuv420p", str(path)]
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE)
    for number in range(seconds * RATE):
        frame = Image.new("L", SIZE, 120)
        for index, face in enumerate(faces):
            angle = number / RATE + index
            x = 40 + index * 310 + int(30 * math.sin(angle))
            y = 260 + int(200 * math.sin(0.5 * angle))
            frame.paste(face, (x, y))
        encoder.stdin.write(frame.tobytes())
    encoder.stdin.close()
    if encoder.wait():
        raise SystemExit("ffmpeg cannot write the video")


def classify(mien, *arguments):
    output = subprocess.run([mien, "classify", "--format", "jsonl", *map(str, arguments)], check=True, capture_output=True)
    return [json.loads(line) for line in output.stdout.splitlines()]


def without_tracks(rows):
    return [{key: value for key, value in row.items() if key not in TRACKS} for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="data set with test/CLASS/*")
    parser.add_argument("--mien", default="target/release/mien")
    parser.add_argument("--ffmpeg", default="ffmpeg")
    parser.add_argument("--models", default="models")
    parser.add_argument("--model", default="student")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    files = random.Random(options.seed).sample(sorted(options.data.glob("test/*/*")), 4)
    faces = [Image.open(file).convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC) for file in files]
    model = ["--models", options.models, "--model", options.model, "--max-batch", "1"]
    with tempfile.TemporaryDirectory() as directory:
        clip = pathlib.Path(directory) / "clip.mp4"
        write_video(clip, faces, options.seconds, options.ffmpeg)
        start = time.monotonic()
        rows = classify(options.mien, clip, "--fps", FPS, "--ffmpeg", options.ffmpeg, *model)
        duration = time.monotonic() - start
        frames = pathlib.Path(directory) / "frames"
        frames.mkdir()
        select = f"fps={FPS}:round=up:start_time=0"
        subprocess.run([options.ffmpeg, "-loglevel", "error", "-i", str(clip), "-vf", select, "-start_number", "0", str(frames / "%06d.bmp")], check=True)
        single = classify(options.mien, frames, "--faces", *model)
    count = rows[-1]["frame"] + 1
    print(f"{count} frames of {options.seconds} s in {duration:.1f} s: {options.seconds / duration:.1f} times real time, {len(rows)} rows")
    print("rows equal those of single images:", without_tracks(rows) == without_tracks(single))


if __name__ == "__main__":
    main()
