"""Runs `mien classify` on a list of files and yields its rows as dictionaries.

The program decodes the images itself. Spark and Ray therefore get the same predictions as the server.
"""

import json
import os
import subprocess
import threading

# The rows of unreadable files have a value in `error`, and the exit code is then 3.
ACCEPTED_EXIT_CODES = (0, 3)


def classify(paths, *flags):
    """Yields the rows of `paths`, in their order. With the flag `--faces` a photo has a row per face."""
    program = os.environ.get("MIEN", "mien")
    command = [program, "classify", "--from", "-", "--format", "jsonl", *flags]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def write_paths():
        try:
            with child.stdin:
                for path in paths:
                    child.stdin.write(f"{path}\n")
        except BrokenPipeError:
            pass  # The child has failed; its exit code raises the error below.

    writer = threading.Thread(target=write_paths, daemon=True)
    writer.start()
    try:
        for line in child.stdout:
            yield json.loads(line)
        writer.join()
        if child.wait() not in ACCEPTED_EXIT_CODES:
            raise subprocess.CalledProcessError(child.returncode, command)
    finally:
        child.kill()
        child.wait()
