"""Measures /v1/faces on composites of test faces: how many faces are found, and what detection costs in accuracy.

Each composite shows one to nine faces of FER2013, enlarged four times, at random places of a gray photo. A face counts as found if the
centre of a box is within a quarter of the face's side of the centre of the face. The labels are compared with those of /v1/classify for the
same crops.

    pip install pillow requests
    python bench/photos/composites.py --data DIR --faces 1000 --url http://127.0.0.1:8080
"""

import argparse
import io
import math
import pathlib
import random

import requests
from PIL import Image

SIDE = 48
ZOOM = 4
CELL = SIDE * ZOOM
MARGIN = 40
BACKGROUND = 120


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def composite(faces, rng):
    """Returns a photo and the centre of each face in it."""
    columns = math.ceil(math.sqrt(len(faces)))
    pitch = CELL + 2 * MARGIN
    photo = Image.new("L", (columns * pitch, math.ceil(len(faces) / columns) * pitch), BACKGROUND)
    centres = []
    for index, face in enumerate(faces):
        x = index % columns * pitch + rng.randrange(2 * MARGIN)
        y = index // columns * pitch + rng.randrange(2 * MARGIN)
        photo.paste(face.resize((CELL, CELL), Image.Resampling.BICUBIC), (x, y))
        centres.append((x + CELL / 2, y + CELL / 2))
    return photo, centres


def nearest(faces, centre):
    """Returns the face whose centre is nearest, if it is near enough."""

    def distance(face):
        box = face["box"]
        return math.hypot(box["x"] + box["width"] / 2 - centre[0], box["y"] + box["height"] / 2 - centre[1])

    best = min(faces, key=distance, default=None)
    return best if best is not None and distance(best) <= CELL / 4 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="data set with test/CLASS/*")
    parser.add_argument("--faces", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--model")
    parser.add_argument("--query", default="", help="query parameters of /v1/faces, such as detector_size=1280&min_score=0.6")
    options = parser.parse_args()

    rng = random.Random(options.seed)
    files = sorted(options.data.glob("test/*/*"))
    files = rng.sample(files, options.faces)
    session = requests.Session()
    params = {"model": options.model} if options.model else {}
    found = crop_right = photo_right = 0
    position = 0
    while position < len(files):
        group = files[position : position + rng.randint(1, 9)]
        position += len(group)
        faces = [Image.open(file).convert("L") for file in group]
        photo, centres = composite(faces, rng)
        response = session.post(f"{options.url}/v1/faces?{options.query}", params=params, data=png(photo), headers={"Content-Type": "image/png"})
        response.raise_for_status()
        detected = response.json()["images"][0]["faces"]
        form = [("image", ("face.png", png(face))) for face in faces]
        response = session.post(f"{options.url}/v1/classify", params=params, files=form)
        response.raise_for_status()
        for file, centre, prediction in zip(group, centres, response.json()["predictions"]):
            face = nearest(detected, centre)
            if face is None:
                continue
            found += 1
            crop_right += prediction["label"] == file.parent.name
            photo_right += face["label"] == file.parent.name
    print(f"found {found} of {len(files)} faces: {found / len(files):.1%}")
    print(f"accuracy on the found faces: crops {crop_right / found:.2%}, faces in photos {photo_right / found:.2%}")


if __name__ == "__main__":
    main()
