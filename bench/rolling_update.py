#!/usr/bin/env python3
"""Replaces three servers behind haproxy under load, and measures one to three servers.

    apt-get install haproxy
    bench/rolling_update.py --server target/release/mien --model student

haproxy asks each server for /health/ready, like Kubernetes. Clients with keep-alive connections classify a face without a pause. Each server
gets SIGTERM, finishes its requests and is started again. Every request must return 200. Otherwise the script exits with 1. Then it
counts the requests per second with one, two and three servers of one thread each. It needs only the Python standard library.
"""

import argparse
import collections
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FACE = (ROOT / "tests/fixtures/faces/happy.png").read_bytes()
REPLICAS = 3

CONFIGURATION = """
global
    stats socket {socket} mode 600 level admin
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    option redispatch
frontend clients
    bind 127.0.0.1:{port}
    default_backend mien
backend mien
    balance roundrobin
    option httpchk GET /health/ready
    default-server check inter 200ms fall 2 rise 1
{servers}
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class Replica:
    """A server on a fixed port with one worker of one thread."""

    def __init__(self, options, models):
        self.port = free_port()
        self.command = [str(options.server), "serve", f"--addr=127.0.0.1:{self.port}", f"--models={models}"]
        self.command += [f"--default-model={options.model}", "--state=memory", "--log=warn", "--tune=off", "--detector=off"]
        self.command += ["--instances=1", "--intra-op-threads=1", f"--drain-delay={options.drain_delay}"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, cwd=ROOT)
        wait_until(self.is_ready, f"server on port {self.port} is ready")

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def stop(self):
        """Returns the exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


class Balancer:
    """haproxy in front of the servers."""

    def __init__(self, replicas, directory):
        self.port, self.socket = free_port(), f"{directory}/haproxy.sock"
        lines = [f"    server s{index} 127.0.0.1:{replica.port}" for index, replica in enumerate(replicas)]
        file = Path(directory, "haproxy.cfg")
        file.write_text(CONFIGURATION.format(socket=self.socket, port=self.port, servers="\n".join(lines)))
        self.process = subprocess.Popen(["haproxy", "-f", str(file), "-db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: all(self.is_up(index) for index in range(len(replicas))), "haproxy sees the servers")

    def command(self, text):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self.socket)
            connection.sendall(f"{text}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def is_up(self, index):
        try:
            rows = [row.split(",") for row in self.command("show stat").splitlines()]
        except OSError:
            return False
        return any(row[:2] == ["mien", f"s{index}"] and row[17].startswith("UP") for row in rows if len(row) > 17)

    def enable(self, count, total):
        """Sends requests to the first servers only."""
        for index in range(total):
            self.command(f"set server mien/s{index} state {'ready' if index < count else 'maint'}")
        wait_until(lambda: all(self.is_up(index) for index in range(count)), "haproxy sees the servers")


class Load:
    """Clients that classify one face again and again."""

    def __init__(self, port, clients):
        self.port, self.outcomes, self.lock = port, collections.Counter(), threading.Lock()
        self.slowest, self.stopping = 0.0, threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stopping.is_set():
            start = time.monotonic()
            try:
                connection.request("POST", "/v1/classify", FACE, {"content-type": "image/png"})
                response = connection.getresponse()
                response.read()
                outcome = response.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                outcome = type(error).__name__
            with self.lock:
                self.outcomes[outcome] += 1
                self.slowest = max(self.slowest, time.monotonic() - start)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        return self.outcomes


def replace_all(replicas, balancer, options):
    """Replaces each server under load. Returns whether every request succeeded."""
    load = Load(balancer.port, options.clients)
    start = time.monotonic()
    time.sleep(1)
    codes = []
    for index, replica in enumerate(replicas):
        codes.append(replica.stop())
        replica.start()
        wait_until(lambda index=index: balancer.is_up(index), "haproxy sees the new server")
    time.sleep(1)
    outcomes = load.stop()
    failed = sum(outcomes.values()) - outcomes[200]
    print(
        f"replaced {len(replicas)} servers in {time.monotonic() - start:.1f} s under {options.clients} clients: {sum(outcomes.values())} requests,"
        f" {failed} failed, slowest {load.slowest * 1000:.0f} ms, exit codes {codes}"
    )
    if failed:
        print(dict(outcomes))
    return failed == 0 and not any(codes)


def scale_out(balancer, options):
    """Measures one, two and three servers."""
    for count in range(1, REPLICAS + 1):
        balancer.enable(count, REPLICAS)
        load = Load(balancer.port, options.clients)
        time.sleep(options.seconds)
        outcomes = load.stop()
        print(f"{count} server{'s' * (count > 1)}: {outcomes[200] / options.seconds:.0f} requests per second, {os.cpu_count()} cores")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, default=ROOT / "target/release/mien")
    parser.add_argument("--model", default="student")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--drain-delay", default="1s", help="must exceed the time in which haproxy notices an unready server, 0.4 s")
    parser.add_argument("--seconds", type=float, default=5, help="time per number of servers")
    options = parser.parse_args()
    replicas, balancer = [], None
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(ROOT / "models" / options.model, f"{directory}/models/{options.model}")
        try:
            for _ in range(REPLICAS):
                replicas.append(Replica(options, f"{directory}/models"))
            balancer = Balancer(replicas, directory)
            succeeded = replace_all(replicas, balancer, options)
            scale_out(balancer, options)
        finally:
            for process in [replica.process for replica in replicas] + ([balancer.process] if balancer else []):
                process.kill()
    sys.exit(not succeeded)


if __name__ == "__main__":
    main()
