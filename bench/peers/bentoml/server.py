"""BentoML: the body is the image; one worker per core."""

from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType
from common import decode, response, session


@bentoml.service(workers="cpu_count", traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Faces:
    def __init__(self):
        self.model = session()

    @bentoml.api(route="/classify")
    def classify(self, image: Annotated[Path, ContentType("image/png")], /) -> dict:
        pixels = decode(image.read_bytes())
        return response(self.model.run(["probabilities"], {"image": pixels[None]})[0][0])
