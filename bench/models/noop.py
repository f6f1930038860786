"""Writes noop/1/model.onnx: a network of negligible cost, so that a benchmark measures the server.

The model has the interface of models/README.md. It multiplies the mean gray level of the face by a weight per class and
applies a softmax.

    python noop.py        (needs: pip install onnx)
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]

weights = numpy_helper.from_array(np.arange(7, dtype=np.float32)[None] / 1000, "weights")
graph = helper.make_graph(
    [
        helper.make_node("Cast", ["image"], ["gray"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["gray"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ],
    "noop",
    [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 1, 48, 48])],
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 7]) for name in ("probabilities", "logits")],
    [weights],
)
model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
helper.set_model_props(model, {"mien.labels": json.dumps(LABELS), "mien.architecture": "noop"})
onnx.checker.check_model(model, full_check=True)
path = Path(__file__).parent / "noop/1/model.onnx"
path.parent.mkdir(parents=True, exist_ok=True)
onnx.save(model, path)
