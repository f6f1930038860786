"""A real server with the fixture models of the repository."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FACES = ROOT / "tests" / "fixtures" / "faces"
PHOTO = ROOT / "tests" / "fixtures" / "photos" / "astronaut.jpg"
DETECTOR = ROOT / ".runtime" / "yunet" / "face_detection_yunet_2023mar.onnx"
FLAGS = ["--addr=127.0.0.1:0", "--device=cpu", "--tune=off", "--state=memory", "--log-format=json", "--drain-delay=0s"]


@contextmanager
def serve(*flags: str) -> Iterator[str]:
    """Starts the server that `MIEN` names, or the debug build, and yields its URL."""
    program = os.environ.get("MIEN", str(ROOT / "target" / "debug" / "mien"))
    library = str(ROOT / ".runtime" / "onnxruntime" / "libonnxruntime.so")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MIEN_")}
    environment.setdefault("ORT_DYLIB_PATH", library)
    models = f"--models={ROOT / 'tests' / 'fixtures' / 'models'}"
    command = [program, "serve", *FLAGS, f"--detector={DETECTOR}", models, "--default-model=tiny", *flags]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        log = []
        try:
            for line in server.stderr:
                log.append(line)
                event = json.loads(line)
                if event["message"] == "serving":
                    break
            else:
                pytest.fail(f"the server ended before it served:\n{''.join(log)}")
            # Read the rest of the log, because the server drops log lines when the pipe is full.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield event["url"]
        finally:
            server.kill()


@pytest.fixture(scope="session")
def data_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with one face per class."""
    root = tmp_path_factory.mktemp("faces")
    for face in FACES.glob("*.png"):
        folder = root / "test" / face.stem
        folder.mkdir(parents=True)
        (folder / "PrivateTest_0.png").write_bytes(face.read_bytes())
    return root


@pytest.fixture(scope="session")
def url(data_set: Path) -> Iterator[str]:
    with serve(f"--data=faces={data_set}") as url:
        yield url
