"""Reads a Deployment, and replaces its paths and ports by those of this machine."""

import re
import socket
from pathlib import Path

import image
from image import ROOT


class Manifest:
    """Objects with one Deployment of one container."""

    def __init__(self, objects, secrets):
        """`secrets` has the data of each Secret that the objects name."""
        self.objects = objects
        self.secrets = secrets
        self.pod = self.only("Deployment")["spec"]["template"]["spec"]
        (self.container,) = self.pod["containers"]
        if "lifecycle" in self.container:
            raise SystemExit("the rehearsal does not run preStop hooks; extend it")
        self.grace = self.pod["terminationGracePeriodSeconds"]

    def only(self, kind):
        """Returns the only object of a kind."""
        (found,) = [item for item in self.objects if item["kind"] == kind]
        return found

    def has(self, kind):
        return any(item["kind"] == kind for item in self.objects)

    def port_number(self, port):
        """Returns the number of a container port, which a probe or a Service names."""
        numbers = {item["name"]: item["containerPort"] for item in self.container["ports"]}
        return numbers.get(port, port)

    def port_numbers(self):
        """Returns the numbers of the declared ports and of those that probes use."""
        names = [item["containerPort"] for item in self.container["ports"]]
        requests = [self.container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")]
        names += [(probe.get("httpGet") or probe["tcpSocket"])["port"] for probe in requests]
        return {self.port_number(name) for name in names}

    def secret(self, reference):
        """Returns the value of a reference to a key of a Secret, as text."""
        return self.secrets[reference["name"]][reference["key"]].decode()


class Instance:
    """The command of a manifest with paths and ports of this machine."""

    def __init__(self, manifest, program, directory):
        self.manifest = manifest
        self.ports = {port: free_port() for port in manifest.port_numbers()}
        self.paths = dict(image.PATHS)
        for mount in manifest.container["volumeMounts"]:
            self.paths[mount["mountPath"]] = self.create_volume(mount["name"], Path(directory))
        container = manifest.container
        # The entrypoint of the image is the server.
        words = container.get("command", ["mien"]) + container["args"]
        if words[0] != "mien":
            raise SystemExit(f"the container starts `{words[0]}`; the rehearsal can start only `mien`")
        self.command = [str(program)] + [self.localize(word) for word in words[1:]]
        self.environment = {name: self.localize(value) for name, value in self.variables().items()}

    def create_volume(self, name, directory):
        """Creates the directory of a volume and returns its path. A claim has the versions of a model."""
        (volume,) = [item for item in self.manifest.pod["volumes"] if item["name"] == name]
        if "persistentVolumeClaim" in volume:
            return ROOT / "models/student"
        path = directory / name
        path.mkdir()
        if "secret" in volume:
            for key, value in self.manifest.secrets[volume["secret"]["secretName"]].items():
                (path / key).write_bytes(value)
        elif "emptyDir" not in volume:
            raise SystemExit(f"the rehearsal cannot create the volume `{name}`: {volume}")
        return path

    def variables(self):
        """Returns the variables of the image, replaced by those of the container."""
        variables = image.variables()
        for item in self.manifest.container.get("env", []):
            source = item.get("valueFrom")
            if source is None:
                value = item["value"]
            elif "secretKeyRef" in source:
                value = self.manifest.secret(source["secretKeyRef"])
            else:
                raise SystemExit(f"the rehearsal does not know the source of {item['name']}: {source}")
            variables[item["name"]] = value
        return variables

    def localize(self, text):
        """Replaces the path or the port in a value or in a flag."""
        text = image.localize(text, self.paths)
        for port, local in self.ports.items():
            text = re.sub(rf":{port}$", f":{local}", text)
        return text

    def seconds(self, flag):
        """Returns the value of a setting, which is a flag or a variable, in seconds."""
        variable = "MIEN_" + flag.upper().replace("-", "_")
        values = [word.removeprefix(f"--{flag}=") for word in self.command if word.startswith(f"--{flag}=")]
        (value,) = values or [self.environment[variable]]
        return int(value.removesuffix("s"))

    def local_port(self, port):
        """Returns the port on this machine for a container port, which is a name or a number."""
        return self.ports[self.manifest.port_number(port)]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
