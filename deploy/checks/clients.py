"""Clients that classify a face while the server drains."""

import http.client
import ssl
import threading
import time
from dataclasses import dataclass, field

from image import ROOT

FACE = (ROOT / "tests/fixtures/faces/happy.png").read_bytes()


@dataclass
class Target:
    """The HTTP port of the server, and the credentials for it."""

    port: int
    certificate: str | None = None
    headers: dict = field(default_factory=dict)

    def connect(self):
        if self.certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        context = ssl.create_default_context(cadata=self.certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)

    def get(self, path):
        """Returns status and text of a response."""
        connection = self.connect()
        connection.request("GET", path, headers=self.headers)
        response = connection.getresponse()
        return response.status, response.read().decode()

    def classify(self, connection):
        connection.request("POST", "/v1/classify", FACE, {"content-type": "image/png"} | self.headers)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise http.client.HTTPException(f"status {response.status}")

    def begin_upload(self):
        """Sends the head of a request and half of its body. Returns the connection."""
        connection = self.connect()
        connection.putrequest("POST", "/v1/classify")
        for name, value in ({"content-type": "image/png", "content-length": str(len(FACE))} | self.headers).items():
            connection.putheader(name, value)
        connection.endheaders(FACE[: len(FACE) // 2])
        return connection


class Load:
    """Clients in threads. Some open a connection per request, the others keep their connection."""

    def __init__(self, target, connecting, keeping):
        self.target, self.stopping, self.lock = target, threading.Event(), threading.Lock()
        self.succeeded, self.failures, self.slowest = 0, [], 0.0
        kinds = [False] * connecting + [True] * keeping
        self.threads = [threading.Thread(target=self.run, args=(keep,), daemon=True) for keep in kinds]
        for thread in self.threads:
            thread.start()

    def run(self, keep):
        connection = self.target.connect()
        while not self.stopping.is_set():
            start, failure = time.monotonic(), None
            try:
                self.target.classify(connection)
            except (OSError, http.client.HTTPException) as error:
                failure = f"{type(error).__name__}: {error}"
            if failure or not keep:
                connection.close()
            with self.lock:
                self.succeeded += failure is None
                self.failures += [failure] if failure else []
                self.slowest = max(self.slowest, time.monotonic() - start)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
