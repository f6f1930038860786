"""Reads the file of the face detector YuNet."""

import onnx
from onnx import numpy_helper


def with_any_size(path):
    """Returns the ONNX file with an input of any number of photos and any size, like mien_onnx::with_dynamic_shape."""
    model = onnx.load(path)
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    for index, name in ((0, "photos"), (2, "height"), (3, "width")):
        dimensions[index].dim_param = name
    tensors = list(model.graph.initializer)
    tensors += [node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"]
    for tensor in tensors:
        shape = numpy_helper.to_array(tensor)
        # A shape with one photo. In ONNX a 0 keeps the size of the input.
        if shape.dtype == "int64" and shape.shape == (3,) and tuple(shape[:2]) == (1, -1):
            shape = shape.copy()
            shape[0] = 0
            tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()
