#!/usr/bin/env python3
"""Compares the labels of the bulk examples with those of one process.

    deploy/checks/bulk_labels.py --server target/debug/mien job spark ray

The files are the test faces or, with `--faces`, those of a directory. They include a photo and files that are not
images. `job` runs the command of the Indexed Job for each index. It then truncates a part and runs the command of this
part again, as for a restarted pod. `spark` and `ray` run the examples in local mode. `job` needs the Python package
PyYAML, `spark` needs pyspark and Java 17, and `ray` needs ray, pandas and pyarrow.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import image
from image import ROOT

BULK = ROOT / "deploy/bulk"
PHOTO = ROOT / "tests/fixtures/photos/astronaut.jpg"
# Partitions of Spark, and files per batch of Ray.
PARTITIONS, BATCH_SIZE = 3, 32
# Copies of each test face.
COPIES = 8


def create_files(faces, directory):
    """Creates the files and two lists of them: with names only, and with absolute paths."""
    directory.mkdir()
    if faces:
        for number, path in enumerate(sorted(faces.rglob("*.png"))):
            shutil.copy(path, directory / f"{number:05}.png")
    else:
        for path in (ROOT / "tests/fixtures/faces").glob("*.png"):
            for copy in range(COPIES):
                shutil.copy(path, directory / f"{path.stem}-{copy}.png")
    shutil.copy(PHOTO, directory)
    paths = sorted(directory.iterdir())
    # The first batch of Ray consists of errors.
    for number in range(BATCH_SIZE):
        paths.insert(0, directory / f"broken-{number}.png")
        paths[0].write_text("not an image")
    (directory / "list.txt").write_text("".join(f"{path.name}\n" for path in paths))
    (directory / "absolute.txt").write_text("".join(f"{path}\n" for path in paths))


def environment(server):
    """Returns the variables of the image, with the server first on the search path."""
    variables = {name: image.localize(value, image.PATHS) for name, value in image.variables().items()}
    path = f"{server.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | variables | {"PATH": path, "MIEN": str(server)}


def run(command, variables, directory):
    subprocess.run(command, env=variables, cwd=directory, check=True)


def labels(rows):
    """Returns the labels of each file. A file without a face has the label None, like a file with an error."""
    found = defaultdict(list)
    for row in rows:
        label = row.get("label")
        # CSV has empty cells, pandas has NaN.
        found[Path(row["file"]).name].append(label if label and isinstance(label, str) else None)
    return dict(found)


def one_process(photos, variables, *flags):
    """Returns the labels of one process for all files."""
    command = ["mien", "classify", "--from", "list.txt", "--format", "jsonl", *flags]
    output = subprocess.run(command, env=variables, cwd=photos, stdout=subprocess.PIPE, text=True)
    # The files that are not images have rows with errors.
    if output.returncode != 3:
        raise SystemExit(f"mien classify exited with {output.returncode}")
    return labels(map(json.loads, output.stdout.splitlines()))


def run_job(photos, output, variables):
    """Runs the command of the Indexed Job for each index."""
    import yaml

    job = yaml.safe_load((BULK / "job.yaml").read_text())["spec"]
    (container,) = job["template"]["spec"]["containers"]
    paths = {"/photos": photos, "/results": output}
    output.mkdir()
    words = [*container["command"], *container["args"]]
    for path, local in paths.items():
        words = [word.replace(path, str(local)) for word in words]
    own = {item["name"]: item["value"] for item in container["env"]}

    def run_pod(index):
        run(words, variables | own | {"JOB_COMPLETION_INDEX": str(index)}, paths[container["workingDir"]])

    for index in range(job["completions"]):
        run_pod(index)
    part = output / "part-1.csv"
    complete = part.read_bytes()
    part.write_bytes(complete[: len(complete) // 2])
    run_pod(0)
    if part.read_bytes() != complete:
        raise SystemExit("the continued part differs from the part of a complete run")
    return labels(row for path in output.iterdir() for row in csv.DictReader(path.open()))


def run_spark(photos, output, variables):
    """Runs the example for Spark with two threads."""
    command = ["spark-submit", "--master", "local[2]", "--py-files", BULK / "mien_rows.py"]
    command += [BULK / "spark_classify.py", photos / "absolute.txt", output, str(PARTITIONS)]
    run(command, variables | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}, photos)
    parts = list(output.glob("part-*"))
    if len(parts) < PARTITIONS:
        raise SystemExit(f"Spark wrote {len(parts)} instead of {PARTITIONS} parts")
    return labels(json.loads(line) for part in parts for line in part.open())


def run_ray(photos, output, variables):
    """Runs the example for Ray Data."""
    import pandas

    command = [sys.executable, BULK / "ray_classify.py", photos / "absolute.txt", output, str(BATCH_SIZE)]
    run(command, variables | {"RAY_USAGE_STATS_ENABLED": "0"}, photos)
    return labels(pandas.read_parquet(output).to_dict("records"))


# The example of each platform, and its flags.
PLATFORMS = {"job": (run_job, ["--faces"]), "spark": (run_spark, []), "ray": (run_ray, [])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("platforms", nargs="+", choices=PLATFORMS)
    parser.add_argument("--server", type=Path, default=ROOT / "target/release/mien")
    parser.add_argument("--faces", type=Path, help="directory of PNG files")
    options = parser.parse_args()
    variables = environment(options.server.resolve())
    with tempfile.TemporaryDirectory() as directory:
        photos = Path(directory, "photos")
        create_files(options.faces, photos)
        for platform in options.platforms:
            example, flags = PLATFORMS[platform]
            expected = one_process(photos, variables, *flags)
            found = example(photos, Path(directory, platform), variables)
            different = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
            if different:
                name = min(different)
                raise SystemExit(
                    f"{platform}: {len(different)} of {len(expected)} files have other labels, for example {name}:"
                    f" {found.get(name)} instead of {expected.get(name)}"
                )
            print(f"{platform}: the labels of {len(expected)} files equal those of one process")


if __name__ == "__main__":
    main()
