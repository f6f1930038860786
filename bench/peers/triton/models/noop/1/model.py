"""Returns the same probabilities for every image, without computing anything."""

import numpy as np
import triton_python_backend_utils as backend

ROW = np.full(7, 1 / 7, dtype=np.float32)


class TritonPythonModel:
    def execute(self, requests):
        sizes = (len(backend.get_input_tensor_by_name(request, "image").as_numpy()) for request in requests)
        return [backend.InferenceResponse([backend.Tensor("probabilities", np.tile(ROW, (size, 1)))]) for size in sizes]
