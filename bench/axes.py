"""Measures how the cost of a request grows with connections, images per request, image size and loaded models, and plots each.

The script starts a server for each axis and puts load on it with `mien bench --url`. The load generator shares the cores with the server, so
the plots show the images per CPU second of the server beside the images per second.

    pip install matplotlib numpy pillow
    python bench/axes.py --server target/release/mien --model student --out docs/performance
"""

import argparse
import csv
import http.client
import io
import json
import os
import pathlib
import subprocess
import tempfile
import time

import matplotlib

matplotlib.use("svg")
# The same figures give the same files.
matplotlib.rcParams["svg.hashsalt"] = "mien"

import matplotlib.pyplot as plt
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
FACE = ROOT / "tests/fixtures/faces/happy.png"
PORT = 18090
BOUNDARY = "mien-axes"

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
IMAGES = (1, 2, 4, 8, 16, 32, 64)
# Columns and rows. The last size has 12 million pixels.
SIZES = ((48, 48), (96, 96), (192, 192), (384, 384), (768, 768), (1536, 1536), (3072, 3072), (4000, 3000))
MODELS = (1, 2, 5, 10, 20, 50)
# Connections that saturate the server.
SATURATING = 8


class Server:
    """`mien serve` with a models directory."""

    def __init__(self, options, models):
        self.address = f"127.0.0.1:{PORT}"
        command = [str(options.server), "serve", f"--addr={self.address}", f"--models={models}", "--state=memory", "--log=error"]
        command += ["--tune=off", "--detector=off", f"--device={options.device}", "--max-queue-size=1024"]
        self.start = time.monotonic()
        self.process = subprocess.Popen(command, cwd=ROOT)

    def __enter__(self):
        self.ready_after = self.wait(self.is_ready)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def wait(self, condition):
        """Returns the seconds from the start until the condition is met."""
        while time.monotonic() - self.start < 300:
            try:
                if condition():
                    return time.monotonic() - self.start
            except OSError:
                pass
            time.sleep(0.005)
        raise SystemExit("the server did not get ready in time")

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()

    def is_ready(self):
        return self.get("/health/ready")[0] == 200

    def has_loaded(self, models):
        return self.get("/v1/models")[1].count(b'"ready"') >= models

    def resident(self):
        """Returns the resident memory in MiB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise SystemExit("the server has ended")

    def load(self, options, body, content_type, connections):
        """Returns requests per second, CPU milliseconds per request and the median latency in milliseconds."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            command = [str(options.server), "bench", f"--url=http://{self.address}/v1/classify", f"--pid={self.process.pid}"]
            command += [f"--body={file.name}", f"--header=content-type: {content_type}", f"--connections={connections}"]
            command += [f"--duration={options.seconds}s", "--json"]
            output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        (result,) = json.loads(output)
        if result["failed"] or not result["images_per_second"]:
            raise SystemExit(f"requests failed: {result}")
        return result["images_per_second"], result["cpu_seconds_per_1000"], result["latency"]["p50"]


def repository(folder, model, count):
    """Creates a models directory with `count` names of one version."""
    for number in range(count):
        name = model if number == 0 else f"{model}-{number}"
        (folder / name).mkdir(parents=True)
        (folder / name / "1").symlink_to(ROOT / "models" / model / "1")
    return folder


def form(images):
    """Returns a multipart body with the face `images` times."""
    face = FACE.read_bytes()
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="face.png"\r\nContent-Type: image/png\r\n\r\n'
    return b"".join([part.encode() + face + b"\r\n"] * images) + f"--{BOUNDARY}--\r\n".encode()


def jpeg(size):
    encoded = io.BytesIO()
    Image.open(FACE).convert("RGB").resize(size, Image.Resampling.BICUBIC).save(encoded, "jpeg", quality=90)
    return encoded.getvalue()


def of_connections(options, server):
    for connections in CONNECTIONS:
        rate, cpu, p50 = server.load(options, FACE.read_bytes(), "image/png", connections)
        yield {"connections": connections, "images per second": rate, "CPU ms per image": cpu, "p50 ms": p50}


def of_images(options, server):
    for images in IMAGES:
        rate, cpu, p50 = server.load(options, form(images), f"multipart/form-data; boundary={BOUNDARY}", SATURATING)
        yield {"images per request": images, "images per second": rate * images, "CPU ms per image": cpu / images, "p50 ms": p50}


def of_size(options, server):
    for columns, rows in SIZES:
        rate, cpu, p50 = server.load(options, jpeg((columns, rows)), "image/jpeg", SATURATING)
        yield {"megapixels": columns * rows / 1e6, "images per second": rate, "CPU ms per image": cpu, "p50 ms": p50}


def of_models(options):
    for models in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            with Server(options, repository(pathlib.Path(folder), options.model, models)) as server:
                server.wait(lambda: server.has_loaded(models))
                memory = server.resident()
                rate, cpu, _ = server.load(options, FACE.read_bytes(), "image/png", SATURATING)
                yield {"models": models, "images per second": rate, "CPU ms per image": cpu, "ready after s": server.ready_after, "MiB": memory}


def report(options, name, rows):
    """Prints the rows, and writes them as a table and a plot."""
    rows = list(rows)
    axis, *figures = rows[0]
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(f"{value:.4g}" for value in row.values()) + " |")
    print(flush=True)
    with open(options.out / f"{name}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.4g}" for key, value in row.items()} for row in rows)
    plot, panels = plt.subplots(1, len(figures), figsize=(3.6 * len(figures), 3))
    for panel, figure in zip(panels, figures):
        panel.plot([row[axis] for row in rows], [row[figure] for row in rows], marker="o", markersize=3)
        panel.set(xscale="log", xlabel=axis, title=figure, ylim=(0, None))
        panel.grid(alpha=0.3)
    plot.tight_layout()
    plot.savefig(options.out / f"{name}.svg", metadata={"Date": None})
    plt.close(plot)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, default=ROOT / "target/release/mien")
    parser.add_argument("--model", default="student")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=4.0, help="time of each load")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/performance")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    print(f"model {options.model}, device {options.device}, {os.cpu_count()} cores, {SATURATING} connections unless stated\n")
    with tempfile.TemporaryDirectory() as folder:
        models = repository(pathlib.Path(folder), options.model, 1)
        for name, measure in (("connections", of_connections), ("images", of_images), ("size", of_size)):
            with Server(options, models) as server:
                report(options, name, measure(options, server))
    report(options, "models", of_models(options))


if __name__ == "__main__":
    main()
