"""The variables and the files of the container image, on this machine."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Paths of the image, and the directories of the checkout with the same files.
PATHS = {"/models": ROOT / "models", "/opt": ROOT / ".runtime"}


def localize(text, paths):
    """Replaces a path at the beginning of a value, or after the `=` of a flag."""
    for path, local in paths.items():
        text = re.sub(rf"(^|=){re.escape(path)}(?=/|$)", rf"\g<1>{local}", text)
    return text


def variables():
    """Returns the variables that the Dockerfile sets for the server."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    (stage,) = re.findall(r"^FROM \S+ AS server$(.*?)^FROM ", text, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^ENV (.*)$", stage, re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())
