"""Starts Triton from NVIDIA's wheel `nvidia-pytriton` on PORT, with the models of the directory models/.

The wheel contains Triton's server, its HTTP front end and only the Python backend. The model (models/noop) is a few lines of
Python, so the measurement includes the cost of that backend.
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
# The Python backend uses the packages of the first `python3` on PATH.
os.environ["PATH"] = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
program = TRITON / "bin/tritonserver"
options = ["--allow-grpc=false", "--allow-metrics=false", "--log-verbose=0", "--log-info=false"]
os.execv(program, [program, f"--model-repository={HERE / 'models'}", f"--backend-directory={backend.parent}", f"--http-port={os.environ['PORT']}", *options])
