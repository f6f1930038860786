"""What every peer does with a picture: Pillow decodes it, ONNX Runtime classifies it."""

import io
import os

import numpy as np
import onnxruntime
from PIL import Image

LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def session(threads=1):
    """A session of the model that MODEL names."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(os.environ["MODEL"], options)


def decode(data):
    """The bytes of a picture as uint8 [1, 48, 48]."""
    picture = Image.open(io.BytesIO(data)).convert("L")
    if picture.size != (48, 48):
        picture = picture.resize((48, 48), Image.BILINEAR)
    return np.asarray(picture, np.uint8)[None]


def answer(row):
    """Seven probabilities as the document that clients get."""
    best = int(row.argmax())
    probabilities = dict(zip(LABELS, map(float, row)))
    return {"label": LABELS[best], "confidence": float(row[best]), "probabilities": probabilities}
