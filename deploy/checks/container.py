"""Runs the process of a container with the limits of its resources."""

import os
import subprocess

UNITS = {"Mi": 2**20, "Gi": 2**30}


class Server:
    """The process of a container."""

    def __init__(self, instance, log):
        limits = instance.manifest.container["resources"]["limits"]
        self.memory_limit = int(limits["memory"][:-2]) * UNITS[limits["memory"][-2:]]
        cores = sorted(os.sched_getaffinity(0))[: int(limits["cpu"])]
        environment = {"PATH": os.environ["PATH"]} | instance.environment
        self.process = subprocess.Popen(
            instance.command,
            env=environment,
            stderr=log,
            cwd="/",
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self.exit_code, self.peak_memory = None, 0

    def has_exited(self):
        if self.exit_code is None:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.exit_code = self.process.returncode = os.waitstatus_to_exitcode(status)
                self.peak_memory = usage.ru_maxrss * 1024
        return self.exit_code is not None

    def kill(self):
        if not self.has_exited():
            self.process.kill()
            self.process.wait()
