#!/usr/bin/env python3
"""Mixed load on a running mien for as long as it is told, and the memory of the server meanwhile.

    bench/soak.py --addr 127.0.0.1:8080 --pid PID --minutes 60

A fixed number of requests a second: single faces and eights over both APIs, bad pictures, deadlines too short to be kept,
clients that hang up before the answer; a reload of a model every minute and, with --dataset, an evaluation every five. Every answer's
status is counted. It ends with 1 where an answer was not the expected one. Needs Python alone.
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

    def ask(self, connection, kind, method, path, body, headers, expected=(200,)):
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except OSError as error:
            connection.close()
            status = type(error).__name__
        self.count(kind, status, expected)

    def hang_up(self, face, model):
        host, port = self.options.addr.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /v1/classify?model={model} HTTP/1.1\r\nhost: mien\r\ncontent-type: image/png\r\ncontent-length: {len(face)}\r\n\r\n"
            connection.sendall(head.encode() + face)
        self.count("hung up", "-", ("-",))

    def work(self, until, pause):
        connection = http.client.HTTPConnection(self.options.addr, timeout=60)
        due = time.monotonic() + random.random() * pause
        while due < until:
            time.sleep(max(0, due - time.monotonic()))
            due += pause
            face, draw, model = random.choice(FACES), random.random(), random.choice(self.options.model)
            path = f"/v1/classify?model={model}"
            if draw < 0.80:
                self.ask(connection, "one face", "POST", path, face, PNG)
            elif draw < 0.86:
                self.ask(connection, "eight faces", "POST", path, *multipart(random.choices(FACES, k=8)), expected=(200, 503))
            elif draw < 0.92:
                body = bytes(random.randrange(256) for _ in range(48 * 48))
                self.ask(connection, "v2 tensor", "POST", f"/v2/models/{model}/infer", body, BINARY)
            elif draw < 0.95:
                self.ask(connection, "bad picture", "POST", path, face[: len(face) // 2], PNG, expected=(400,))
            elif draw < 0.98:
                headers = {**PNG, "x-request-timeout-ms": "1"}
                self.ask(connection, "short deadline", "POST", path, face, headers, expected=(200, 504))
            else:
                self.hang_up(face, model)

    def orders(self, until):
        connection = http.client.HTTPConnection(self.options.addr, timeout=120)
        minute = 0
        while time.monotonic() + 60 < until:
            time.sleep(60)
            minute += 1
            for model in self.options.model:
                self.ask(connection, "reload", "POST", f"/v1/models/{model}/load", b"", {})
            if self.options.dataset and minute % 5 == 1:
                order = json.dumps({"dataset": self.options.dataset, "model": self.options.model[0]})
                self.ask(connection, "evaluation", "POST", "/v1/evaluations", order, {"content-type": "application/json"}, expected=(202,))

    def memory(self):
        """Resident megabytes, and open files."""
        status = Path(f"/proc/{self.options.pid}/status").read_text()
        resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(resident) / 1024, len(list(Path(f"/proc/{self.options.pid}/fd").iterdir()))

    def run(self):
        begun = time.monotonic()
        until = begun + 60 * self.options.minutes
        pause = self.options.clients / self.options.rate
        threads = [threading.Thread(target=self.work, args=(until, pause), daemon=True) for _ in range(self.options.clients)]
        threads.append(threading.Thread(target=self.orders, args=(until,), daemon=True))
        for thread in threads:
            thread.start()
        print(f"{'minute':>6} {'requests':>9} {'resident MiB':>13} {'open files':>11}", flush=True)
        while time.monotonic() < until:
            minute = (time.monotonic() - begun) / 60
            resident, files = self.memory()
            print(f"{minute:6.0f} {sum(self.statuses.values()):9} {resident:13.1f} {files:11}", flush=True)
            time.sleep(max(0.0, min(self.options.every, until - time.monotonic())))
        for thread in threads:
            thread.join(timeout=120)
        time.sleep(5)
        resident, files = self.memory()
        print(f"{'after':>6} {sum(self.statuses.values()):9} {resident:13.1f} {files:11}")
        for (kind, status), count in sorted(self.statuses.items(), key=str):
            mark = "  UNEXPECTED" if self.unexpected[kind, status] else ""
            print(f"{kind:16} {status!s:>20} {count:9}{mark}")
        return 1 if self.unexpected else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addr", default="127.0.0.1:8080")
    parser.add_argument("--pid", type=int, required=True, help="the server's process")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--clients", type=int, default=8, help="connections")
    parser.add_argument("--model", action="append", required=True, help="repeatable")
    parser.add_argument("--dataset", help="as the server's --data names it")
    parser.add_argument("--every", type=float, default=300, help="seconds between two lines")
    sys.exit(Soak(parser.parse_args()).run())


if __name__ == "__main__":
    main()
