"""Decoding with Pillow and inference with ONNX Runtime, which all peers share."""

import io
import os

# ONNX Runtime reads this variable when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from PIL import Image

LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def session(threads=1):
    """Opens the model file that the variable MODEL names."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(os.environ["MODEL"], options)


def decode(data):
    """Decodes an image file to uint8 [1, 48, 48]."""
    image = Image.open(io.BytesIO(data)).convert("L")
    if image.size != (48, 48):
        image = image.resize((48, 48), Image.BILINEAR)
    return np.asarray(image, np.uint8)[None]


def response(row):
    """Returns the response for seven probabilities."""
    best = int(row.argmax())
    probabilities = dict(zip(LABELS, map(float, row)))
    return {"label": LABELS[best], "confidence": float(row[best]), "probabilities": probabilities}
