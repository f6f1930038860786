#!/usr/bin/env python3
"""Starts a container image as its user with a read-only root directory.

    buildah build --format docker -t mien .
    deploy/checks/image_trial.py mien

The script needs root and buildah, but no daemon. It starts the command of the image in a mount namespace, once with a
volume at /state and once without a volume. It checks that the image contains a bill of materials, and that the server
becomes ready, runs without privileges, classifies a face and a photo, passes the health check of the image, and exits
with 0 after SIGTERM.
"""

import argparse
import http.client
import json
import shutil
import subprocess
import time
from pathlib import Path

from image import ROOT
from manifest import free_port

START_SECONDS = 120
BILL_OF_MATERIALS = "usr/share/doc/mien/sbom.cdx.json"
# Makes the root directory read-only, and then runs a command in it as the user. The arguments are the root directory,
# `volume` or `none`, the user, and the command.
SCRIPT = """
set -e
root=$1 state=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
test "$state" = none || mount -t tmpfs -o "uid=${user%:*},gid=${user#*:}" state "$root/state"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" --groups= "$root" "$@"
"""


def buildah(*words):
    return subprocess.run(["buildah", *words], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def require(condition, message):
    if not condition:
        raise SystemExit(message)


class Container:
    """A container of an image, of which buildah mounts the root directory."""

    def __init__(self, image, state):
        described = json.loads(buildah("inspect", "--type", "image", image))
        self.config = described["OCIv1"]["config"]
        self.health_check = (described["Docker"]["config"].get("Healthcheck") or {}).get("Test", [])
        self.name = buildah("from", "--pull-never", image)
        self.root = buildah("mount", self.name)
        self.state, self.port = state, free_port()

    def command(self, words):
        unshare = [shutil.which("unshare"), "--mount", "sh", "-c", SCRIPT, "sh"]
        return [*unshare, self.root, self.state, self.config["User"], *words]

    def environment(self):
        return dict(item.split("=", 1) for item in self.config["Env"]) | {"MIEN_ADDR": f"0.0.0.0:{self.port}"}

    def start(self):
        words = self.config["Entrypoint"] + self.config["Cmd"]
        return subprocess.Popen(self.command(words), env=self.environment())

    def run(self, words):
        """Returns the exit code of a command."""
        return subprocess.run(self.command(words), env=self.environment()).returncode

    def request(self, method, path, body=None, kind="image/png"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {"content-type": kind} if body else {})
        response = connection.getresponse()
        return response.status, response.read()

    def is_ready(self):
        try:
            return self.request("GET", "/health/ready")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def remove(self):
        buildah("rm", self.name)


def check_process(process, user):
    """Checks that the process has the user and the read-only root directory, and does not have capabilities."""
    directory = Path(f"/proc/{process.pid}")
    lines = (directory / "status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    uid, gid = user.split(":")
    require(status["Uid"].split() == [uid] * 4 and status["Gid"].split() == [gid] * 4, f"the user is {status['Uid']}")
    require(int(status["CapEff"], 16) == 0, f"the process has the capabilities {status['CapEff']}")
    mounts = [line.split() for line in (directory / "mounts").read_text().splitlines()]
    (options,) = [mount[3] for mount in mounts if mount[1] == "/"]
    require("ro" in options.split(","), f"the root directory is mounted with {options}")


def check_server(container, process):
    """Checks the server from its start to its exit. Returns the time until it was ready."""
    start = time.monotonic()
    while not container.is_ready():
        require(process.poll() is None, f"the server exited with {process.returncode}")
        require(time.monotonic() - start < START_SECONDS, f"the server was not ready within {START_SECONDS} s")
        time.sleep(0.1)
    seconds = time.monotonic() - start
    check_process(process, container.config["User"])
    document = json.loads((Path(container.root) / BILL_OF_MATERIALS).read_text())
    require(document["bomFormat"] == "CycloneDX", f"{BILL_OF_MATERIALS} is not a bill of materials")
    face = (ROOT / "tests/fixtures/faces/happy.png").read_bytes()
    status, body = container.request("POST", "/v1/classify", face)
    require(status == 200, f"/v1/classify responded with {status}: {body}")
    photo = (ROOT / "tests/fixtures/photos/astronaut.jpg").read_bytes()
    status, body = container.request("POST", "/v1/faces", photo, "image/jpeg")
    require(status == 200 and b'"label"' in body, f"/v1/faces responded with {status}: {body}")
    # The OCI format does not have health checks.
    if container.health_check:
        require(container.run(container.health_check[1:]) == 0, "the health check of the image failed")
    process.terminate()
    require(process.wait(timeout=60) == 0, f"the server exited with {process.returncode} after SIGTERM")
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image")
    options = parser.parse_args()
    for state in ("volume", "none"):
        container = Container(options.image, state)
        process = container.start()
        try:
            seconds = check_server(container, process)
        finally:
            process.kill()
            process.wait()
            container.remove()
        health = "passed" if container.health_check else "not part of the image"
        user = container.config["User"]
        print(f"state {state}: ready after {seconds:.1f} s as user {user}; health check: {health}")


if __name__ == "__main__":
    main()
