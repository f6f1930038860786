#!/usr/bin/env python3
"""Measures mien and other servers under the same load, one after the other, and prints a table.

    bench/peers/run.py --model noop=bench/models/noop/1/model.onnx --model NAME=models/NAME/1/model.onnx

Requires a release build of mien and `pip`. Each peer has its own virtual environment below --venvs. `mien bench --url` produces
the load: the same images over keep-alive connections. CPU time includes all child processes of the server.
"""

import argparse
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS = {
    "mien": None,
    "mien-v2": None,
    "triton": ["bin/python", "server.py"],
    "fastapi": ["bin/uvicorn", "server:app", "--port", "{port}", "--no-access-log", "--log-level", "warning"],
    "litserve": ["bin/python", "server.py"],
    "bentoml": ["bin/bentoml", "serve", "server:Faces", "--port", "{port}"],
    "mlserver": ["bin/mlserver", "start", "."],
}


def environment(root, peer):
    """Returns the virtual environment of a peer and creates it if it is missing or outdated."""
    path = root / peer
    requirements = (HERE / peer / "requirements.txt").read_text()
    stamp = path / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != requirements:
        subprocess.run([sys.executable, "-m", "venv", path], check=True)
        subprocess.run([path / "bin/pip", "install", "-q", "-r", HERE / peer / "requirements.txt"], check=True)
        stamp.write_text(requirements)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


BOUNDARY = "face"

# The raw body of the Open Inference Protocol: one tensor without JSON.
TENSOR = ["content-type: application/octet-stream", "inference-header-content-length: 0"]


def requests(peer, options, scratch):
    """Returns the headers of the requests and the files of their bodies.

    A body is an image; for LitServe it is a form with an image, for MLServer a tensor with an image. Triton does not decode images,
    so Triton and mien-v2 get raw tensors.
    """
    faces = sorted(options.faces.glob("*.png"))
    if peer in ("mien-v2", "triton"):
        tensor = Path(scratch) / "tensor"
        tensor.write_bytes(bytes(index % 251 for index in range(48 * 48)))
        return TENSOR, [tensor]
    if peer == "mlserver":
        tensors = []
        for face in faces:
            data = [base64.b64encode(face.read_bytes()).decode()]
            tensors.append(Path(scratch) / f"{face.stem}.json")
            tensors[-1].write_text(json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": data}]}))
        return ["content-type: application/json"], tensors
    if peer != "litserve":
        return ["content-type: image/png"], faces
    head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="image"; filename="face.png"\r\ncontent-type: image/png\r\n\r\n'
    forms = []
    for face in faces:
        forms.append(Path(scratch) / f"{face.stem}.form")
        forms[-1].write_bytes(head.encode() + face.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode())
    return [f"content-type: multipart/form-data; boundary={BOUNDARY}"], forms


def wait_until_ready(url, headers, body, process):
    """Waits up to a minute until the server classifies a request."""
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the server exited with status {process.returncode}")
        try:
            request = urllib.request.Request(url, data=body, headers=dict(header.split(": ") for header in headers))
            if urllib.request.urlopen(request, timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not respond with status 200 within a minute")


def wait_until_measured(url):
    """Waits up to a minute until mien has measured its model, which it does only while no request arrives."""
    models = urllib.parse.urljoin(url, "/v1/models/served")
    for _ in range(600):
        versions = json.load(urllib.request.urlopen(models, timeout=5))["versions"]
        tuning = versions[0].get("serving", {}).get("tuning", {})
        if tuning.get("provisional") is False or tuning.get("source") == "settings":
            return
        time.sleep(0.1)
    print("mien: no reliable measurement within a minute; end other programs", file=sys.stderr)


def start(peer, options, model, scratch):
    """Starts a server and returns its process and the URL that classifies."""
    port = free_port()
    env = dict(os.environ, MODEL=str(model), PORT=str(port), PYTHONPATH=str(HERE), OMP_NUM_THREADS="1")
    if peer in ("mien", "mien-v2"):
        repository = Path(scratch) / "models"
        (repository / "served").mkdir(parents=True)
        (repository / "served/1").symlink_to(model.parent)
        command = [options.mien, "serve", "--addr", f"127.0.0.1:{port}", "--models", repository, "--log=warn", "--state=memory"]
        command += ["--device=cpu", f"--tune-cache={scratch}/tuning"]
        cwd, path = ROOT, "/v1/classify" if peer == "mien" else "/v2/models/served/infer"
    else:
        env.update(MLSERVER_HTTP_PORT=str(port), MLSERVER_GRPC_PORT=str(free_port()), MLSERVER_METRICS_PORT=str(free_port()))
        venv = environment(options.venvs, peer)
        command = [word.format(port=port) for word in PEERS[peer]]
        command[0] = str(venv / command[0])
        paths = {"mlserver": "/v2/models/faces/infer", "triton": "/v2/models/noop/infer"}
        cwd, path = HERE / peer, paths.get(peer, "/classify")
    log = open(Path(scratch) / "log", "w")
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=log, start_new_session=True)
    return process, f"http://127.0.0.1:{port}{path}"


def measure(peer, options, model):
    """Runs `mien bench` against a server and returns its results, one per number of connections."""
    with tempfile.TemporaryDirectory() as scratch:
        process, url = start(peer, options, model, scratch)
        try:
            headers, bodies = requests(peer, options, scratch)
            wait_until_ready(url, headers, bodies[0].read_bytes(), process)
            if peer in ("mien", "mien-v2"):
                wait_until_measured(url)
            command = [options.mien, "bench", "--json", "--log=warn", "--url", url, "--pid", str(process.pid)]
            command += ["--duration", options.duration]
            command += [word for header in headers for word in ("--header", header)]
            command += [word for body in bodies for word in ("--body", body)]
            if headers is TENSOR:
                command += ["--expect", '"probabilities"']
            return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        except Exception:
            sys.stderr.write((Path(scratch) / "log").read_text()[-2000:])
            raise
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mien", type=Path, default=ROOT / "target/release/mien")
    parser.add_argument("--model", action="append", required=True, metavar="NAME=FILE", help="repeatable; Triton always serves its own no-op model")
    parser.add_argument("--peer", action="append", choices=PEERS, help="repeatable; default: all")
    parser.add_argument("--faces", type=Path, default=ROOT / "tests/fixtures/faces")
    parser.add_argument("--duration", default="10s")
    parser.add_argument("--venvs", type=Path, default=ROOT / "target/peers")
    options = parser.parse_args()
    options.venvs.mkdir(parents=True, exist_ok=True)
    print(f"{'network':22}{'server':10}{'connections':>12}{'images/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'images/CPU s':>14}{'failed':>8}")
    for name, file in (model.split("=", 1) for model in options.model):
        for peer in options.peer or PEERS:
            try:
                results = measure(peer, options, Path(file).resolve())
            except Exception as error:  # Continue with the other servers.
                print(f"{name:22}{peer:10} failed: {error}", flush=True)
                continue
            for result in results:
                connections = result["name"].rsplit(" ", 1)[1]
                latency = result["latency"] or {"p50": float("nan"), "p99": float("nan")}
                cpu = 1e3 / result["cpu_seconds_per_1000"] if result["cpu_seconds_per_1000"] else float("nan")
                print(
                    f"{name:22}{peer:10}{connections:>12}{result['images_per_second']:>10.1f}{latency['p50']:>9.2f}"
                    f"{latency['p99']:>9.2f}{cpu:>14.1f}{result['failed']:>8}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
