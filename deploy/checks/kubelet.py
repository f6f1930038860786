"""Runs the probes of a container as kubelet does."""

import http.client
import socket
import ssl
import threading
import time


class Kubelet:
    """Runs the startup probe until it succeeds, then the readiness and the liveness probe."""

    def __init__(self, instance):
        self.instance = instance
        self.stopped, self.terminating = threading.Event(), threading.Event()
        # Name of the probe whose failure would make kubelet restart the container.
        self.restart = None
        self.ready = False
        self.changed_at = {}
        self.threads = []
        self.start_thread(self.run_startup)

    def start_thread(self, target):
        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        self.threads.append(thread)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def run_startup(self):
        for failed in self.results("startupProbe"):
            if failed is None:
                self.start_thread(self.run_readiness)
                self.start_thread(self.run_liveness)
                return
            if failed:
                self.restart = "startupProbe"
                return

    def run_readiness(self):
        for failed in self.results("readinessProbe"):
            if failed is None and not self.ready:
                self.ready = True
                self.changed_at["ready"] = time.monotonic()
            elif failed and self.ready:
                self.ready = False
                self.changed_at["unready"] = time.monotonic()

    def run_liveness(self):
        for failed in self.results("livenessProbe"):
            # kubelet does not run the liveness probe of a pod that is being deleted.
            if self.terminating.is_set():
                return
            if failed:
                self.restart = "livenessProbe"
                return

    def results(self, name):
        """Yields None after a success, otherwise whether the probe has reached its threshold."""
        probe = self.instance.manifest.container[name]
        failures = 0
        while not self.stopped.is_set():
            if self.passes(probe):
                failures = 0
                yield None
            else:
                failures += 1
                yield failures >= probe.get("failureThreshold", 3)
            self.stopped.wait(probe.get("periodSeconds", 10))

    def passes(self, probe):
        timeout = probe.get("timeoutSeconds", 1)
        try:
            if "tcpSocket" in probe:
                address = ("127.0.0.1", self.instance.local_port(probe["tcpSocket"]["port"]))
                socket.create_connection(address, timeout).close()
                return True
            request = probe["httpGet"]
            port = self.instance.local_port(request["port"])
            if request.get("scheme") == "HTTPS":
                # kubelet does not verify the certificate.
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
            else:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
            connection.request("GET", request["path"])
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
