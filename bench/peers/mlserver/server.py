"""MLServer: a custom handler beside the inference protocol that takes the picture as the body; adaptive batching is off, for
it knows tensors alone."""

from common import answer, decode, session
from fastapi import Request
from mlserver import MLModel
from mlserver.handlers import custom_handler


class Faces(MLModel):
    async def load(self):
        self.session = session()
        return True

    @custom_handler(rest_path="/classify")
    async def classify(self, request: Request) -> dict:
        pixels = decode(await request.body())
        return answer(self.session.run(["probabilities"], {"image": pixels[None]})[0][0])
