"""Measures `mien classify` on a folder of faces: throughput against ONNX Runtime alone, memory, and a kill with --resume.

The folder gets copies of the images of a data set until it has the requested number of files. ONNX Runtime classifies the same faces, decoded
in memory, with one session per core and its best batch size. The command and ONNX Runtime are measured by turns.

    pip install numpy onnxruntime pillow
    python bench/folder.py --data DIR --files 50000 --model student
"""

import argparse
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

# ONNX Runtime reads this variable when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
BATCHES = (1, 2, 4, 8, 16, 32, 64)
# Files per subdirectory.
GROUP = 1000
# Share of the files after which the command is killed.
KILL_AT = 0.4


def fill(folder, data, count):
    """Copies images until the folder has `count` files. Returns the faces in the order of the files."""
    sources = sorted(path for path in data.rglob("*.png"))
    faces = [np.asarray(Image.open(path).convert("L"), np.uint8) for path in sources]
    for number in range(count):
        target = folder / f"{number // GROUP:04}" / f"{number:06}.png"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(sources[number % len(sources)], target)
    return np.stack([faces[number % len(faces)] for number in range(count)])[:, None]


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def raw(sessions, faces, batch):
    """Classifies all faces, one thread per session. Returns seconds and CPU seconds."""
    starts = iter(range(0, len(faces), batch))
    lock = threading.Lock()

    def work(session):
        name = session.get_inputs()[0].name
        while True:
            with lock:
                start = next(starts, None)
            if start is None:
                return
            session.run(None, {name: faces[start : start + batch]})

    time_before, cpu_before = time.monotonic(), time.process_time()
    threads = [threading.Thread(target=work, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - time_before, time.process_time() - cpu_before


def resident(pid):
    """Returns the resident memory in MiB, or None if the process has ended."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None


def command(options, folder, output, *flags):
    words = [options.mien, "classify", folder, f"--models={ROOT / 'models'}", f"--model={options.model}", f"--output={output}", *flags]
    return [str(word) for word in words]


def classify(options, folder, output, *flags):
    """Runs the command. Returns seconds, CPU seconds and the resident memory every half second."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    process = subprocess.Popen(command(options, folder, output, *flags), cwd=ROOT)
    memory = []
    while process.poll() is None:
        memory.append(resident(process.pid))
        time.sleep(0.5)
    seconds = time.monotonic() - start
    if process.returncode != 0:
        raise SystemExit(f"the command ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, [value for value in memory if value]


def kill_and_resume(options, folder, output):
    """Kills the command after a share of the files, and continues it. Returns the number of lines when it was killed."""
    flags = ("--max-batch=1",)
    process = subprocess.Popen(command(options, folder, output, *flags), cwd=ROOT)
    lines = 0
    while lines < KILL_AT * options.files and process.poll() is None:
        time.sleep(0.2)
        lines = output.read_bytes().count(b"\n") if output.exists() else 0
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit("the command ended before it was killed")
    classify(options, folder, output, *flags, "--resume")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="directory with PNG faces of the size of the model")
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--mien", type=pathlib.Path, default=ROOT / "target/release/mien")
    parser.add_argument("--model", default="student")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder = scratch / "faces"
        folder.mkdir()
        faces = fill(folder, options.data, options.files)
        sessions = [session(ROOT / f"models/{options.model}/1/model.onnx") for _ in range(os.cpu_count())]
        trial = faces[:2000]
        batch = min(BATCHES, key=lambda batch: min(raw(sessions, trial, batch)[1] for _ in range(3)))
        print(f"{options.files} files, model {options.model}, best batch size of ONNX Runtime: {batch}", flush=True)

        ratios, cpu_ratios = [], []
        for turn in range(options.turns):
            raw_seconds, raw_cpu = raw(sessions, faces, batch)
            seconds, cpu, memory = classify(options, folder, scratch / f"{turn}.csv")
            ratios.append(raw_seconds / seconds)
            cpu_ratios.append(raw_cpu / cpu)
            tenths = [memory[index * (len(memory) - 1) // 10] for index in range(11)]
            print(
                f"turn {turn + 1}: {options.files / seconds:.0f} files/s, {options.files / cpu:.0f} per CPU s; ONNX Runtime "
                f"{options.files / raw_seconds:.0f} faces/s, {options.files / raw_cpu:.0f} per CPU s\n"
                f"  resident memory in MiB, at each tenth of the time: {' '.join(f'{value:.0f}' for value in tenths)}; peak {max(memory):.0f}",
                flush=True,
            )
        print(f"command / ONNX Runtime, median: {statistics.median(ratios):.3f} by time, {statistics.median(cpu_ratios):.3f} by CPU time")

        whole, resumed = scratch / "whole.csv", scratch / "resumed.csv"
        classify(options, folder, whole, "--max-batch=1")
        lines = kill_and_resume(options, folder, resumed)
        same = whole.read_bytes() == resumed.read_bytes()
        print(f"killed with SIGKILL after {lines} lines and resumed: the results are {'equal to' if same else 'different from'} those of one run")


if __name__ == "__main__":
    main()
