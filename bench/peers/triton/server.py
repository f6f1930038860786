"""Starts Triton from NVIDIA's wheel `nvidia-pytriton` on PORT, with models/ beside this file.

The wheel holds Triton's server and its HTTP front end with the Python backend alone: what answers is a few lines of Python
(models/noop), so the backend's own cost is part of what is measured.
"""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytriton

HERE = Path(__file__).resolve().parent
TRITON = Path(pytriton.__file__).parent / "tritonserver"
backend = TRITON / "backends/python"
stub = TRITON / f"python_backend_stubs/{sys.version_info.major}.{sys.version_info.minor}/triton_python_backend_stub"
if not (backend / stub.name).exists():
    shutil.copy(stub, backend)
libraries = [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]
os.environ["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
# The backend's interpreter takes its packages from the environment of the `python3` that it finds.
os.environ["PATH"] = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
program = TRITON / "bin/tritonserver"
options = ["--allow-grpc=false", "--allow-metrics=false", "--log-verbose=0", "--log-info=false"]
os.execv(program, [program, f"--model-repository={HERE / 'models'}", f"--backend-directory={backend.parent}", f"--http-port={os.environ['PORT']}", *options])
