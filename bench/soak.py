#!/usr/bin/env python3
"""Sends mixed load to a running server and records its memory.

    bench/soak.py --addr 127.0.0.1:8080 --pid PID --minutes 60

The load has a fixed rate. It consists of requests with one and with eight faces over both APIs, broken images, deadlines that are
too short, and clients that disconnect before the response. Every model is reloaded once a minute. With --dataset, an evaluation
starts every five minutes. The script counts the status of every response and exits with 1 if one was unexpected. It needs only the
Python standard library.
"""

import argparse
import collections
import http.client
import json
import random
import socket
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FACES = [path.read_bytes() for path in sorted((ROOT / "tests/fixtures/faces").glob("*.png"))]
PNG = {"content-type": "image/png"}
BINARY = {"content-type": "application/octet-stream", "inference-header-content-length": "0"}


def multipart(faces):
    part = b'--face\r\ncontent-disposition: form-data; name="image"; filename="f.png"\r\ncontent-type: image/png\r\n\r\n%s\r\n'
    return b"".join(part % face for face in faces) + b"--face--\r\n", {"content-type": "multipart/form-data; boundary=face"}


class Soak:
    def __init__(self, options):
        self.options = options
        self.statuses = collections.Counter()
        self.unexpected = collections.Counter()
        self.lock = threading.Lock()

    def count(self, kind, status, expected):
        with self.lock:
            self.statuses[kind, status] += 1
            if status not in expected:
                self.unexpected[kind, status] += 1

    def send(self, connection, kind, method, path, body, headers, expected=(200,)):
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            status = response.status
        except OSError as error:
            connection.close()
            status = type(error).__name__
        self.count(kind, status, expected)

    def disconnect_early(self, face, model):
        host, port = self.options.addr.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1/classify?model={model} HTTP/1.1\r\nhost: mien\r\ncontent-type: image/png\r\ncontent-length: {len(face)}\r\n\r\n"
            connection.sendall(head.encode() + face)
        self.count("disconnected", "-", ("-",))

    def send_requests(self, until, interval):
        connection = http.client.HTTPConnection(self.options.addr, timeout=60)
        next_request = time.monotonic() + random.random() * interval
        while next_request < until:
            time.sleep(max(0, next_request - time.monotonic()))
            next_request += interval
            face, draw, model = random.choice(FACES), random.random(), random.choice(self.options.model)
            path = f"/v1/classify?model={model}"
            if draw < 0.80:
                self.send(connection, "one face", "POST", path, face, PNG)
            elif draw < 0.86:
                self.send(connection, "eight faces", "POST", path, *multipart(random.choices(FACES, k=8)), expected=(200, 503))
            elif draw < 0.92:
                body = bytes(random.randrange(256) for _ in range(48 * 48))
                self.send(connection, "v2 tensor", "POST", f"/v2/models/{model}/infer", body, BINARY)
            elif draw < 0.95:
                self.send(connection, "broken image", "POST", path, face[: len(face) // 2], PNG, expected=(400,))
            elif draw < 0.98:
                headers = {**PNG, "x-request-timeout-ms": "1"}
                self.send(connection, "short deadline", "POST", path, face, headers, expected=(200, 504))
            else:
                self.disconnect_early(face, model)

    def send_admin_requests(self, until):
        connection = http.client.HTTPConnection(self.options.addr, timeout=120)
        minute = 0
        while time.monotonic() + 60 < until:
            time.sleep(60)
            minute += 1
            for model in self.options.model:
                self.send(connection, "reload", "POST", f"/v1/models/{model}/load", b"", {})
            if self.options.dataset and minute % 5 == 1:
                body = json.dumps({"dataset": self.options.dataset, "model": self.options.model[0]})
                self.send(connection, "evaluation", "POST", "/v1/evaluations", body, {"content-type": "application/json"}, expected=(202,))

    def resources(self):
        """Returns the resident memory in MiB and the number of open files."""
        status = Path(f"/proc/{self.options.pid}/status").read_text()
        resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(resident) / 1024, len(list(Path(f"/proc/{self.options.pid}/fd").iterdir()))

    def run(self):
        start = time.monotonic()
        until = start + 60 * self.options.minutes
        interval = self.options.clients / self.options.rate
        threads = [threading.Thread(target=self.send_requests, args=(until, interval), daemon=True) for _ in range(self.options.clients)]
        threads.append(threading.Thread(target=self.send_admin_requests, args=(until,), daemon=True))
        for thread in threads:
            thread.start()
        print(f"{'minute':>6} {'requests':>9} {'resident MiB':>13} {'open files':>11}", flush=True)
        while time.monotonic() < until:
            minute = (time.monotonic() - start) / 60
            resident, files = self.resources()
            print(f"{minute:6.0f} {sum(self.statuses.values()):9} {resident:13.1f} {files:11}", flush=True)
            time.sleep(max(0.0, min(self.options.every, until - time.monotonic())))
        for thread in threads:
            thread.join(timeout=120)
        time.sleep(5)
        resident, files = self.resources()
        print(f"{'after':>6} {sum(self.statuses.values()):9} {resident:13.1f} {files:11}")
        for (kind, status), count in sorted(self.statuses.items(), key=str):
            mark = "  UNEXPECTED" if self.unexpected[kind, status] else ""
            print(f"{kind:16} {status!s:>20} {count:9}{mark}")
        return 1 if self.unexpected else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addr", default="127.0.0.1:8080")
    parser.add_argument("--pid", type=int, required=True, help="process id of the server")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=50, help="requests per second")
    parser.add_argument("--clients", type=int, default=8, help="number of connections")
    parser.add_argument("--model", action="append", required=True, help="repeatable")
    parser.add_argument("--dataset", help="a data set of the server's --data")
    parser.add_argument("--every", type=float, default=300, help="seconds between two lines of output")
    sys.exit(Soak(parser.parse_args()).run())


if __name__ == "__main__":
    main()
