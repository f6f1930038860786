"""The command `mien` of the wheel with the server. It starts the program of the wheel."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import NoReturn

FILES = Path(__file__).with_name("_server")


def onnx_runtime() -> Path:
    """Returns the library of the package `onnxruntime`, without importing the package."""
    spec = importlib.util.find_spec("onnxruntime")
    for location in (spec and spec.submodule_search_locations) or []:
        for library in Path(location, "capi").glob("libonnxruntime.so*"):
            return library
    sys.exit("mien: the package onnxruntime is not installed; install it with `pip install onnxruntime`")


def main() -> NoReturn:
    """Replaces this process by the program. Variables of the environment have priority over the files of the wheel."""
    environment = {
        "MIEN_DETECTOR": str(next(FILES.glob("*.onnx"))),
        "MIEN_MODELS": str(FILES / "models"),
        **os.environ,
    }
    if not environment.get("ORT_DYLIB_PATH"):
        environment["ORT_DYLIB_PATH"] = str(onnx_runtime())
    os.execve(FILES / "mien", ["mien", *sys.argv[1:]], environment)
