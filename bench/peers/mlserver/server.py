"""MLServer: the image is base64 in a tensor of the Open Inference Protocol, the only format that MLServer accepts. Each worker
process runs one session with one thread."""

import base64

from common import decode, response, session
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Faces(MLModel):
    async def load(self):
        self.session = session()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        pixels = decode(base64.b64decode(payload.inputs[0].data.root[0]))
        best = response(self.session.run(["probabilities"], {"image": pixels[None]})[0][0])
        label = ResponseOutput(name="label", datatype="BYTES", shape=[1], data=[best["label"]])
        row = list(best["probabilities"].values())
        probabilities = ResponseOutput(name="probabilities", datatype="FP32", shape=[1, len(row)], data=row)
        return InferenceResponse(model_name=self.name, outputs=[label, probabilities])
