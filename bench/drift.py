"""Measures whether a running server detects drift: the images of its data set, darkened images, and images without half of the happy faces.

The server must have the data set (`--data NAME=DIR` with DIR/test/CLASS/*). The script evaluates the model on it, unless the
server has an evaluation already. It then sends random images of the test split, with and without a change, and prints the features that drift and
the largest population stability index of each feature.

    pip install pillow requests
    python bench/drift.py --url http://127.0.0.1:8080 --data DIR --name fer2013 --model student
"""

import argparse
import concurrent.futures
import io
import pathlib
import random
import time

import requests
from PIL import Image

# Images per request and concurrent requests.
BATCH = 16
CONNECTIONS = 4


def darkened(file):
    """Returns a PNG with 60 % of the gray levels."""
    image = Image.open(io.BytesIO(file)).convert("L").point(lambda level: int(0.6 * level))
    result = io.BytesIO()
    image.save(result, "PNG")
    return result.getvalue()


def without_half_of_happy(images):
    """Removes every second image of the class happy."""
    happy = [image for image in images if image[0] == "happy"]
    removed = set(id(image) for image in happy[::2])
    return [image for image in images if id(image) not in removed]


def evaluate(url, name, model):
    job = requests.post(f"{url}/v1/evaluations", json={"dataset": name, "model": model}).json()
    while job["status"] in ("queued", "running"):
        time.sleep(0.5)
        job = requests.get(f"{url}/v1/evaluations/{job['id']}").json()
    if job["status"] != "succeeded":
        raise SystemExit(f"the evaluation {job['status']}: {job.get('error')}")


def drift(url, model):
    details = requests.get(f"{url}/v1/models/{model}").json()
    versions = [version for version in details["versions"] if version["version"] == details["serving"]]
    return versions[0]["drift"]


def send(url, model, files):
    """Classifies files with a few connections."""
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]

    def classify(batch):
        parts = [("image", ("face.png", file)) for file in batch]
        for _ in range(100):
            response = requests.post(f"{url}/v1/classify", params={"model": model}, files=parts)
            if response.status_code != 503:
                break
            time.sleep(float(response.headers.get("Retry-After", 1)))
        response.raise_for_status()

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(classify, batches))


def run(url, model, name, images, change=None):
    """Sends images in parts of a window. Prints the features that drift at the end, with the number of images after which each began to drift."""
    part = drift(url, model)["window_size"]
    began, highest = {}, {}
    for start in range(0, len(images), part):
        files = [file for _, file in images[start : start + part]]
        send(url, model, [change(file) for file in files] if change else files)
        state = drift(url, model)
        for feature in state["features"]:
            key = feature["feature"]
            highest[key] = max(highest.get(key, 0), feature["psi"])
            if feature["drift"]:
                began.setdefault(key, start + len(files))
            else:
                began.pop(key, None)
    print(f"| {name} | {', '.join(f'{key} (after {count:,} images)' for key, count in began.items()) or 'none'} |", end="")
    print(f" {', '.join(f'{key} {psi:.3f}' for key, psi in highest.items())} |", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--url", default="http://127.0.0.1:8080")
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--name", default="fer2013")
    arguments.add_argument("--model", default="student")
    arguments.add_argument("--images", type=int, default=10_000, help="images per kind of change")
    options = arguments.parse_args()
    paths = sorted((options.data / "test").glob("*/*"))
    faces = [(path.parent.name, path.read_bytes()) for path in paths]
    generator = random.Random(1)
    if drift(options.url, options.model)["status"] == "no_reference":
        evaluate(options.url, options.name, options.model)
    print("| images | drift | largest PSI of a window |\n|---|---|---|")
    for name, images, change in [
        ("same set", faces, None),
        ("darkened to 60 %", faces, darkened),
        ("same set after that", faces, None),
        ("half of the happy faces removed", without_half_of_happy(faces), None),
    ]:
        run(options.url, options.model, name, generator.choices(images, k=options.images), change)


main()
