"""Compares /v1/faces with the detector and the classifier alone.

The script starts a server, and measures the server and ONNX Runtime by turns within one run. A photo has 640 x 640 pixels and one face. The
time of decoding is reported separately. For one connection it is the time that /v1/classify takes for the same photo according to the header
Server-Timing. For several connections it is the difference of the CPU times of /v1/classify for the photo and for a small face.

    pip install numpy onnx onnxruntime pillow
    python bench/photos/speed.py --server target/release/mien --model student
"""

import argparse
import http.client
import io
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

# ONNX Runtime reads this variable when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from PIL import Image

from yunet import with_any_size

ROOT = pathlib.Path(__file__).resolve().parents[2]
DETECTOR = ROOT / ".runtime/yunet/face_detection_yunet_2023mar.onnx"
PHOTO = ROOT / "tests/fixtures/photos/astronaut.jpg"
FACE = ROOT / "tests/fixtures/faces/happy.png"
SIDE = 640
TYPES = {"bmp": "image/bmp", "jpeg": "image/jpeg"}
TICKS = os.sysconf("SC_CLK_TCK")


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Raw:
    """The detector and the classifier in a loop on one thread, with inputs in memory."""

    def __init__(self, classifier, photo):
        self.detector, self.classifier = session(with_any_size(DETECTOR)), session(str(classifier))
        planes = np.asarray(photo, np.float32)[:, :, ::-1].transpose(2, 0, 1)
        self.planes = np.ascontiguousarray(planes[None])
        face = np.asarray(photo.convert("L").resize((48, 48)), np.uint8)
        self.face = face.reshape(self.classifier.get_inputs()[0].shape[1:])[None]

    def infer(self):
        start = time.perf_counter()
        self.detector.run(None, {"input": self.planes})
        self.classifier.run(None, {self.classifier.get_inputs()[0].name: self.face})
        return time.perf_counter() - start


def run(loops, seconds):
    """Runs one function per thread until the time is over. Returns the times of all calls."""
    times, end = [], time.monotonic() + seconds

    def loop(call):
        while time.monotonic() < end:
            times.append(call())

    threads = [threading.Thread(target=loop, args=(call,)) for call in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


class Client:
    """A connection that sends one photo again and again."""

    def __init__(self, port, path, body, content_type):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.path, self.body, self.headers = path, body, {"Content-Type": content_type}
        self.timing = ""

    def send(self):
        start = time.perf_counter()
        self.connection.request("POST", self.path, self.body, self.headers)
        response = self.connection.getresponse()
        body = response.read()
        elapsed = time.perf_counter() - start
        if response.status != 200 or body.count(b'"landmarks"') != ("faces" in self.path):
            raise SystemExit(f"unexpected response: {response.status} {body[:500]}")
        self.timing = response.headers["Server-Timing"]
        return elapsed

    def preprocess(self):
        """Returns the time of decoding of the next request in seconds."""
        self.send()
        return float(re.search(r"preprocess;dur=([\d.]+)", self.timing)[1]) / 1000


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def start(options, models, cores):
    """Starts a server on these cores and waits until it is ready."""
    command = [str(options.server), "serve", f"--addr=127.0.0.1:{options.port}", f"--models={models}"]
    command += [f"--default-model={options.model}", f"--detector={DETECTOR}", "--state=memory", "--log=warn"]
    server = subprocess.Popen(["taskset", "-c", cores, *command], cwd=ROOT)
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", options.port)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                time.sleep(2)
                return server
        except OSError:
            pass
        time.sleep(0.1)
    server.kill()
    raise SystemExit("the server is not ready")


def measure_latency(options, models, raws, body, content_type):
    """One connection, and server and raw inference on the core 0. The client has another core, if there is one."""
    server = start(options, models, "0")
    try:
        query = f"?model={options.model}"
        client = Client(options.port, f"/v1/faces{query}", body, content_type)
        decoder = Client(options.port, f"/v1/classify{query}", body, content_type)
        other_cores = set(range(1, os.cpu_count())) or {0}
        served, raw, decoding = [], [], []
        for _ in range(options.turns):
            os.sched_setaffinity(0, {0})
            raw += run([raws[0].infer], options.seconds / 4)
            os.sched_setaffinity(0, other_cores)
            served += run([client.send], options.seconds / 2)
            decoding += [decoder.preprocess() for _ in range(10)]
        os.sched_setaffinity(0, set(range(os.cpu_count())))
    finally:
        server.terminate()
        server.wait()
    total, inference, decode = (statistics.median(times) * 1000 for times in (served, raw, decoding))
    print(
        f"  one connection, one core: p50 {total:.2f} ms; detector and classifier {inference:.2f} ms, decoding {decode:.2f} ms, "
        f"rest {total - inference - decode:+.2f} ms ({len(served)} requests)"
    )


class Load:
    """Counts the calls of a load, and the time and the CPU time that they take."""

    def __init__(self, calls, cpu):
        self.calls, self.cpu = calls, cpu
        self.count = self.seconds = self.cpu_seconds = 0

    def run(self, seconds):
        time_before, cpu_before = time.monotonic(), self.cpu()
        self.count += len(run(self.calls, seconds))
        self.seconds += time.monotonic() - time_before
        self.cpu_seconds += self.cpu() - cpu_before

    def rate(self):
        return self.count / self.seconds

    def cpu_ms(self):
        return self.cpu_seconds / self.count * 1000


def measure_throughput(options, models, raws, body, content_type):
    """Several connections and all cores."""
    server = start(options, models, f"0-{os.cpu_count() - 1}")

    def load(path, body, content_type):
        path = f"/v1/{path}?model={options.model}"
        clients = [Client(options.port, path, body, content_type) for _ in range(options.connections)]
        return Load([client.send for client in clients], lambda: cpu_seconds(server.pid))

    try:
        raw = Load([raw.infer for raw in raws], time.process_time)
        faces, photo = load("faces", body, content_type), load("classify", body, content_type)
        small = load("classify", FACE.read_bytes(), "image/png")
        for _ in range(options.turns):
            for each in (raw, faces, photo, small):
                each.run(options.seconds)
    finally:
        server.terminate()
        server.wait()
    decode = photo.cpu_ms() - small.cpu_ms()
    print(
        f"  {options.connections} connections: {faces.rate():.1f} photos/s; detector and classifier {raw.rate():.1f} photos/s\n"
        f"  CPU time per photo: {faces.cpu_ms():.2f} ms; detector and classifier {raw.cpu_ms():.2f} ms, decoding {decode:.2f} ms; "
        f"without decoding the server takes {(faces.cpu_ms() - decode) / raw.cpu_ms():.3f} times as much"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=pathlib.Path, default=ROOT / "target/release/mien")
    parser.add_argument("--model", default="student")
    parser.add_argument("--classifier", type=pathlib.Path, help="file of the model; by default its version 1 in models/")
    parser.add_argument("--format", choices=TYPES, action="append", help="may be repeated; by default all")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=2.0, help="time of a turn")
    parser.add_argument("--port", type=int, default=18080)
    options = parser.parse_args()

    classifier = options.classifier or ROOT / f"models/{options.model}/1/model.onnx"
    photo = Image.open(PHOTO).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    raws = [Raw(classifier, photo) for _ in range(os.cpu_count())]
    for name in options.format or TYPES:
        encoded = io.BytesIO()
        photo.save(encoded, name, **({"quality": 90} if name == "jpeg" else {}))
        body = encoded.getvalue()
        print(f"{name}, {len(body)} bytes, model {options.model}", flush=True)
        with tempfile.TemporaryDirectory() as models:
            # Other models would be loaded during the measurement.
            shutil.copytree(ROOT / "models" / options.model, pathlib.Path(models) / options.model)
            measure_latency(options, models, raws, body, TYPES[name])
            measure_throughput(options, models, raws, body, TYPES[name])


if __name__ == "__main__":
    main()
