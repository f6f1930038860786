#!/usr/bin/env python3
"""Measures what optional features cost per image, as ratios to a server without them.

    bench/features.py --server target/release/mien --model student

Each turn starts one server after the other, with one worker of one thread, and loads it with `mien bench --url`. The collector of the traces
is a thread of this script, so its CPU time does not count. The script needs only the Python standard library.
"""

import argparse
import contextlib
import http.client
import http.server
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FACE = ROOT / "tests/fixtures/faces/happy.png"
PORT = 18092
LOST = re.compile('outcome="(dropped|failed)"')


class Collector(http.server.BaseHTTPRequestHandler):
    """Accepts spans and drops them."""

    protocol_version = "HTTP/1.1"
    received = 0

    def do_POST(self):
        Collector.received += len(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def features(collector, keys, model):
    """Returns the flags of each server. The first one is the baseline."""
    traces = [f"--otlp-endpoint=http://127.0.0.1:{collector}", "--otlp-protocol=http/protobuf"]
    sampled = ["--traces-sampler=parentbased_traceidratio", "--traces-sampler-arg=0.01"]
    return {
        "none": [],
        "none, again": [],
        "traces, all requests": traces,
        "traces, 1 % of the requests": [*traces, *sampled],
        "API keys": [f"--api-keys={keys}"],
        "shadow, 10 % of the images": [f"--shadow={model}@1=2", "--shadow-share=0.1"],
        "shadow, all images": [f"--shadow={model}@1=2", "--shadow-share=1"],
        "access log": ["--log=info"],
    }


def is_ready():
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    with contextlib.suppress(OSError):
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    return False


@contextlib.contextmanager
def server(options, models, flags):
    command = [str(options.server), "serve", f"--addr=127.0.0.1:{PORT}", f"--models={models}", f"--default-model={options.model}"]
    command += ["--state=memory", "--detector=off", "--tune=off", "--device=cpu", "--instances=1", "--intra-op-threads=1"]
    command += ["--version-policy=1", "--drain-delay=0s", *([] if "--log=info" in flags else ["--log=error"]), *flags]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not is_ready():
            if time.monotonic() > end or process.poll() is not None:
                raise SystemExit(f"the server did not start: {command}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


def load(options, process, key):
    """Returns images per second, CPU milliseconds per image, and the 99th percentile of the latency in milliseconds."""
    command = [str(options.server), "bench", f"--url=http://127.0.0.1:{PORT}/v1/classify", f"--pid={process.pid}", f"--body={FACE}"]
    command += ["--header=content-type: image/png", f"--header=authorization: Bearer {key}"]
    command += [f"--connections={options.connections}", f"--duration={options.seconds}s", "--json"]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    (result,) = json.loads(output)
    if result["failed"] or not result["images_per_second"]:
        raise SystemExit(f"requests failed: {result}")
    return result["images_per_second"], result["cpu_seconds_per_1000"], result["latency"]["p99"]


def lost(metric):
    """Returns the share of a counter that has the outcome `dropped` or `failed`, or None if nothing was counted."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    series = [line.rsplit(" ", 1) for line in lines if line.startswith(f"{metric}{{")]
    total = sum(float(value) for _, value in series)
    return sum(float(value) for name, value in series if LOST.search(name)) / total if total else None


def measure(options, folder):
    """Returns the figures of each turn by feature, and prints the shares of spans and of copied images that were lost."""
    for version in ("1", "2"):
        shutil.copytree(options.models / options.model / options.version, f"{folder}/models/{options.model}/{version}")
    keys = f"{folder}/keys.toml"
    command = [str(options.server), "keys", "new", "bench", f"--file={keys}"]
    key = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    figures = {}
    servers = list(features(collector.server_port, keys, options.model).items())
    for turn in range(options.turns):
        # Each turn begins with another server, because the load of the machine can change during a turn.
        first = turn % len(servers)
        for name, flags in servers[first:] + servers[:first]:
            with server(options, f"{folder}/models", flags) as process:
                figures.setdefault(name, []).append(load(options, process, key))
                for metric in ("mien_trace_spans_total", "mien_shadow_images_total"):
                    if (share := lost(metric)) is not None:
                        print(f"{name}: {share:.2%} of {metric} were dropped or failed")
    if not Collector.received:
        raise SystemExit("the collector received no spans")
    return figures


def report(figures):
    """Prints the medians, and the differences from the baseline of the same turn: quartiles and median, in microseconds."""
    print("| feature | images per second | CPU µs per image | difference, µs | p99, ms |\n|---|---|---|---|---|")
    for name, turns in figures.items():
        speed, cpu, p99 = (statistics.median(column) for column in zip(*turns, strict=True))
        differences = [1000 * (turn[1] - base[1]) for turn, base in zip(turns, figures["none"], strict=True)]
        low, median, high = statistics.quantiles(differences, method="inclusive")
        print(f"| {name} | {speed:,.0f} | {1000 * cpu:.1f} | {median:+.1f} ({low:+.1f} to {high:+.1f}) | {p99:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, default=ROOT / "target/release/mien")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="directory with the model; bench/models for `noop`")
    parser.add_argument("--model", default="student")
    parser.add_argument("--version", default="1")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=4, help="time per load")
    parser.add_argument("--turns", type=int, default=9, help="at least 2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report(measure(options, folder))


if __name__ == "__main__":
    main()
