#!/usr/bin/env python3
"""Measures the start of a server without stored curves, and the correction of a measurement on a busy machine.

    bench/tuning.py --server target/release/mien

First the script starts the server several times with an empty cache. It records the time until the server is ready, the latency of
the first requests and the resident memory. Then it starts the server next to processes that occupy the cores, waits for the
measurement, ends these processes, and records the time until the measurement is corrected. The machine must otherwise be idle. The
script exits with 1 if a goal is missed. It needs only the Python standard library.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FACE = (ROOT / "tests/fixtures/faces/happy.png").read_bytes()

# Seconds, seconds and MiB.
READY_GOAL = 0.5
CORRECTION_GOAL = 60
MEMORY_GOAL = 250
# Maximum time in seconds until a curve is measured.
TIMEOUT = 180


class Server:
    """A server with a cache directory, killed at the end."""

    def __init__(self, options, cache):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [options.server, "serve", f"--addr=127.0.0.1:{self.port}", f"--models={options.models}",
                   "--state=memory", "--log=warn", f"--tune-cache={cache}", *options.flag]
        self.begin = time.monotonic()
        self.process = subprocess.Popen(command)
        while self.get("/health/ready")[0] != 200:
            if self.process.poll() is not None:
                sys.exit(f"the server ended with status {self.process.returncode}")
            time.sleep(0.002)
        self.ready_after = time.monotonic() - self.begin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def request(self, connection, method, path, body=None):
        connection.request(method, path, body, {"content-type": "image/png"} if body else {})
        response = connection.getresponse()
        return response.status, response.read()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            return self.request(connection, "GET", path)
        except OSError:
            return None, b""
        finally:
            connection.close()

    def latencies(self, count):
        """Sends requests one after the other and returns their latencies in milliseconds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.connect()
        latencies = []
        for _ in range(count):
            begin = time.monotonic()
            status, body = self.request(connection, "POST", "/v1/classify", FACE)
            latencies.append(1e3 * (time.monotonic() - begin))
            if status != 200:
                sys.exit(f"a request failed: {body}")
        return latencies

    def memory(self):
        """Returns the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def serving(self):
        """Returns the serving configuration of the default model."""
        models = json.loads(self.get("/v1/models")[1])["models"]
        name = next(model["name"] for model in models if model["default"])
        versions = json.loads(self.get(f"/v1/models/{name}")[1])["versions"]
        return name, next(version["serving"] for version in versions if "serving" in version)

    def until_measured(self, provisional):
        """Waits until the default model has a curve that is provisional or not, and returns its configuration."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            name, serving = self.serving()
            if serving["tuning"].get("provisional") is provisional:
                return name, serving
            time.sleep(0.1)
        sys.exit(f"the curve was not {'provisional' if provisional else 'reliable'} within {TIMEOUT} s: {serving}; end other programs")


def describe(serving):
    tuning = serving["tuning"]
    shape = f"{serving['instances']}x{serving['intra_op_threads']} batch {serving['max_batch']}"
    return (f"{shape} (load {tuning.get('load', float('nan')):.2f}, spread {tuning['spread']:.2f},"
            f" provisional {str(tuning['provisional']).lower()})")


def starts(options):
    """Starts the server repeatedly without stored curves. Returns whether the goals are met."""
    ready, first, later, memory = [], [], [], []
    for _ in range(options.starts):
        with tempfile.TemporaryDirectory() as cache, Server(options, cache) as server:
            ready.append(server.ready_after)
            memory.append(server.memory())
            latencies = server.latencies(50)
            first.append(latencies[0])
            later.append(statistics.median(latencies[10:]))
    print(f"start to ready        median {statistics.median(ready):.2f} s, maximum {max(ready):.2f} s of {options.starts}")
    print(f"first request         median {statistics.median(first):.1f} ms; later requests {statistics.median(later):.1f} ms")
    print(f"memory when ready     maximum {max(memory):.0f} MiB")
    return statistics.median(ready) <= READY_GOAL and max(memory) <= MEMORY_GOAL


def occupy():
    while True:
        pass


def correction(options):
    """Measures next to other processes and then without them. Returns whether the goals are met."""
    hogs = [multiprocessing.Process(target=occupy, daemon=True) for _ in range(options.hogs)]
    for hog in hogs:
        hog.start()
    with tempfile.TemporaryDirectory() as cache, Server(options, cache) as server:
        name, busy = server.until_measured(True)
        print(f"{name}, {options.hogs} busy processes: {describe(busy)}")
        for hog in hogs:
            hog.kill()
        end = time.monotonic()
        _, corrected = server.until_measured(False)
        took = time.monotonic() - end
        print(f"{name}, corrected after {took:.1f} s: {describe(corrected)}")
        # Other models are measured after the default model.
        time.sleep(options.settle)
        memory = server.memory()
        print(f"memory after tuning   {memory:.0f} MiB")
    return took <= CORRECTION_GOAL and memory <= MEMORY_GOAL


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=ROOT / "target/release/mien", help="the program")
    parser.add_argument("--models", default=ROOT / "models", help="the models directory")
    parser.add_argument("--starts", type=int, default=5, help="number of starts")
    parser.add_argument("--hogs", type=int, default=os.cpu_count(), help="number of processes that occupy a core each")
    parser.add_argument("--settle", type=float, default=30, help="seconds before the memory is read at the end")
    parser.add_argument("--flag", action="append", default=[], help="a further flag of the server; repeatable")
    options = parser.parse_args()
    good = starts(options)
    good &= correction(options)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
