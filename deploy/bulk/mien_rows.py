"""Runs `mien classify` on a list of files and returns its rows.

The program decodes the images itself. Spark and Ray therefore get the same predictions as the server.
"""

import json
import os
import subprocess
import tempfile
import threading

# The rows of unreadable files have a value in `error`, and the exit code is then 3.
ACCEPTED_EXIT_CODES = (0, 3)


def classify_command(*flags):
    """Returns the command that reads paths from its standard input. The variable `MIEN` has the path of the program."""
    return [os.environ.get("MIEN", "mien"), "classify", "--from", "-", *flags]


def classify(paths, *flags):
    """Yields the rows of `paths`, in their order. With the flag `--faces` a photo has a row per face."""
    command = classify_command("--format", "jsonl", *flags)
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


def classify_to_table(paths, *flags):
    """Returns the rows of `paths` as a table of pyarrow. Its columns do not depend on the rows."""
    from pyarrow import parquet

    with tempfile.TemporaryDirectory() as directory:
        command = classify_command("--output", f"{directory}/rows.parquet", *flags)
        child = subprocess.run(command, input="".join(f"{path}\n" for path in paths), text=True)
        if child.returncode not in ACCEPTED_EXIT_CODES:
            raise subprocess.CalledProcessError(child.returncode, command)
        return parquet.read_table(f"{directory}/rows.parquet")
