#!/usr/bin/env python3
"""Runs the command, the probes and the shutdown of the Helm chart and of the KServe runtimes on this machine.

    deploy/checks/manifest_rehearsal.py --server target/debug/mien

The script renders the chart and starts the command of the container with the paths and ports of this machine. It runs
the probes as kubelet does. When the pod is ready, clients classify faces without a pause. The script sends SIGTERM and
checks:

- The readiness probe fails before the drain delay ends, so that load balancers can react.
- No request fails that begins before the drain delay ends, on new and on open connections. One of these requests ends
  after the delay.
- The server exits with 0 within the termination grace period, although a client never completes its request.
- The memory does not exceed the limit of the container.

It needs helm, openssl and the Python package PyYAML.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import kserve
import yaml
from clients import FACE, Load, Target
from container import Server
from credentials import create_secrets
from image import ROOT
from kubelet import Kubelet
from manifest import Instance, Manifest

# The clients stop before the drain delay ends, because the server may begin its delay later than this script.
MARGIN_SECONDS = 0.5
# Container port of the HTTP listener.
HTTP_PORT = 8080
# Time with load before SIGTERM.
LOAD_SECONDS = 3


@dataclass
class Variant:
    """Values of the chart, or the files of a runtime and of a service of KServe."""

    name: str
    values: list = field(default_factory=list)
    tls: bool = False
    kserve: tuple = ()


VARIANTS = [
    Variant("default values"),
    Variant(
        "TLS, API keys, admin token and metrics listener",
        [
            "tls.existingSecret=tls",
            "apiKeys.existingSecret=keys",
            "adminToken.existingSecret=admin",
            "metrics.separateListener=true",
            "monitoring.serviceMonitor.enabled=true",
            "monitoring.serviceMonitor.keySecret.name=prometheus",
        ],
        tls=True,
    ),
    Variant("KServe over HTTP", kserve=("runtime-http.yaml", "service-http.yaml")),
    Variant("KServe over gRPC", kserve=("runtime-grpc.yaml", "service-grpc.yaml")),
]


class RehearsalError(Exception):
    """The container does not behave as its manifest expects."""


def require(condition, message):
    if not condition:
        raise RehearsalError(message)


def render(variant, options):
    """Returns the objects of a variant."""
    if variant.kserve:
        return kserve.objects(*variant.kserve)
    command = [options.helm, "template", "mien", ROOT / "deploy/helm/mien"]
    command += [f"--set={value}" for value in variant.values + options.set]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [item for item in yaml.safe_load_all(text) if item]


def wait_until_ready(server, kubelet):
    """Waits until the pod is ready. The startup probe limits the time."""
    while not kubelet.ready:
        require(not server.has_exited(), f"the server exited with {server.exit_code} before it was ready")
        require(kubelet.restart is None, f"kubelet would restart the container because of its {kubelet.restart}")
        time.sleep(0.05)


def check_metrics(manifest, instance, target):
    """Requests the metrics as the ServiceMonitor describes."""
    monitor = manifest.only("ServiceMonitor")["spec"]
    (endpoint,) = monitor["endpoints"]
    labels = monitor["selector"]["matchLabels"].items()
    services = [item for item in manifest.objects if item["kind"] == "Service"]
    selected = [item for item in services if labels <= item["metadata"]["labels"].items()]
    (port,) = [port for item in selected for port in item["spec"]["ports"] if port["name"] == endpoint["port"]]
    key = manifest.secret(endpoint["authorization"]["credentials"])
    local = instance.local_port(port["targetPort"])
    scrape = Target(local, target.certificate, {"authorization": f"Bearer {key}"})
    require(endpoint["scheme"] == "https", "the ServiceMonitor does not use TLS")
    status, text = scrape.get(endpoint["path"])
    require(status == 200 and "mien_build_info" in text, f"the ServiceMonitor gets the status {status}")
    allowed = [port["port"] for rule in manifest.only("NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]]
    require(port["targetPort"] in allowed, f"the NetworkPolicy does not allow the port `{port['targetPort']}`")
    status, _ = Target(target.port, target.certificate, scrape.headers).get("/metrics")
    require(status == 404, f"the HTTP port serves /metrics with status {status}; only the metrics port must serve it")


def drain(server, kubelet, target, manifest, delay):
    """Sends SIGTERM under load. Returns a summary."""
    load = Load(target, connecting=2, keeping=2)
    time.sleep(LOAD_SECONDS)
    require(load.succeeded, f"no request succeeded within {LOAD_SECONDS} s")
    stuck = target.begin_upload()
    kubelet.terminating.set()
    start = time.monotonic()
    server.process.terminate()
    time.sleep(delay - MARGIN_SECONDS - (time.monotonic() - start))
    late = target.begin_upload()
    load.stop()
    time.sleep(2 * MARGIN_SECONDS)
    # The delay has ended, and the body is incomplete.
    late.send(FACE[len(FACE) // 2 :])
    require(late.getresponse().status == 200, "a request failed whose body ended after the drain delay")
    while not server.has_exited():
        require(time.monotonic() - start < manifest.grace, f"the server did not exit within {manifest.grace} s")
        time.sleep(0.05)
    end = time.monotonic() - start
    stuck.close()
    require(not load.failures, f"{len(load.failures)} requests failed: {load.failures[:3]}")
    require(server.exit_code == 0, f"the server exited with {server.exit_code}")
    unready = kubelet.changed_at.get("unready", float("inf")) - start
    require(unready < delay, f"the pod was not unready before the drain delay of {delay} s ended")
    return (
        f"{load.succeeded} requests, none failed, slowest {load.slowest:.1f} s\n"
        f"  unready {unready:.1f} s and exit {end:.1f} s after SIGTERM\n"
        f"  drain delay {delay} s, grace period {manifest.grace} s"
    )


def rehearse(variant, options, directory):
    """Rehearses one variant and prints the figures."""
    secrets = create_secrets(options.server, directory)
    manifest = Manifest(render(variant, options), secrets)
    instance = Instance(manifest, options.server, directory)
    delay, timeout = (instance.seconds(flag) for flag in ("drain-delay", "drain-timeout"))
    require(manifest.grace >= delay + timeout, f"the grace period is shorter than {delay} s + {timeout} s")
    target = Target(instance.local_port(HTTP_PORT))
    if variant.tls:
        key = secrets["client"]["key"].decode()
        target = Target(target.port, secrets["tls"]["tls.crt"].decode(), {"authorization": f"Bearer {key}"})
    with (directory / "log").open("w+") as log:
        start = time.monotonic()
        server = Server(instance, log)
        kubelet = Kubelet(instance)
        try:
            wait_until_ready(server, kubelet)
            if manifest.has("ServiceMonitor"):
                check_metrics(manifest, instance, target)
            summary = drain(server, kubelet, target, manifest, delay)
            require(kubelet.restart is None, f"kubelet would restart the container because of its {kubelet.restart}")
        except RehearsalError:
            log.seek(0)
            sys.stderr.writelines(log.readlines()[-20:])
            raise
        finally:
            server.kill()
            kubelet.stop()
    memory = f"{server.peak_memory / 2**20:.0f} of {server.memory_limit / 2**20:.0f} MiB"
    require(server.peak_memory <= server.memory_limit, f"the server exceeded its memory limit: {memory}")
    print(f"{variant.name}: ready after {kubelet.changed_at['ready'] - start:.1f} s\n  {summary}\n  memory {memory}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", type=Path, default=ROOT / "target/release/mien")
    parser.add_argument("--helm", default=os.environ.get("HELM", "helm"))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="further value of the chart")
    options = parser.parse_args()
    options.server = options.server.resolve()
    for variant in VARIANTS:
        with tempfile.TemporaryDirectory() as directory:
            try:
                rehearse(variant, options, Path(directory))
            except RehearsalError as error:
                raise SystemExit(f"{variant.name}: {error}") from error


if __name__ == "__main__":
    main()
