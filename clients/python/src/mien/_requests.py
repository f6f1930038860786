"""The requests of the API, which both clients send."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from . import _images, types
from ._images import ImageSource
from .options import EvaluationOptions, ExplanationOptions, FaceOptions, LabelOptions

Response = TypeVar("Response", bound=BaseModel)


@dataclass(frozen=True)
class Request(Generic[Response]):
    """A request and the type of its response."""

    method: str
    path: str
    response: type[Response]
    query: dict[str, Any] | None = None
    json: dict[str, Any] | None = None
    images: tuple[bytes, ...] = ()
    is_idempotent: bool = True
    """Whether the request can be sent twice without a second effect. Classifications can, although they use POST."""
    accepted: frozenset[int] = frozenset()
    """Statuses of errors whose body is a response, too."""

    def arguments(self, server: str, credentials: dict[str, str]) -> dict[str, Any]:
        """Returns the arguments of `httpx.Client.request`. A value of None is not sent."""
        arguments: dict[str, Any] = {
            "method": self.method,
            "url": server + self.path,
            "params": _without_none(self.query or {}),
            "headers": credentials,
        }
        if self.json is not None:
            arguments["json"] = _without_none(self.json)
        if len(self.images) == 1:
            arguments["content"] = self.images[0]
            arguments["headers"] = credentials | {"Content-Type": "application/octet-stream"}
        elif self.images:
            arguments["files"] = [("image", image) for image in self.images]
        return arguments


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _encode(images: Iterable[ImageSource]) -> tuple[bytes, ...]:
    if isinstance(images, (str, bytes)):
        raise TypeError("expected a list of images; pass [image] or use the method for one image")
    files = tuple(_images.encode(image) for image in images)
    if not files:
        raise ValueError("the list of images is empty")
    return files


def classify(images: Iterable[ImageSource], options: LabelOptions) -> Request[types.Classification]:
    return Request("POST", "/v1/classify", types.Classification, query={**options}, images=_encode(images))


def faces(photos: Iterable[ImageSource], options: FaceOptions) -> Request[types.Faces]:
    return Request("POST", "/v1/faces", types.Faces, query={**options}, images=_encode(photos))


def explain(image: ImageSource, options: ExplanationOptions) -> Request[types.Explanation]:
    query: dict[str, Any] = {**options}
    if box := options.get("box"):
        query["box"] = f"{box.x},{box.y},{box.width},{box.height}"
    return Request("POST", "/v1/explain", types.Explanation, query=query, images=_encode([image]))


def models() -> Request[types.ModelList]:
    return Request("GET", "/v1/models", types.ModelList)


def model(name: str) -> Request[types.ModelDetails]:
    return Request("GET", f"/v1/models/{quote(name, safe='')}", types.ModelDetails)


def datasets() -> Request[types.DatasetList]:
    return Request("GET", "/v1/datasets", types.DatasetList)


def start_evaluation(dataset: str, options: EvaluationOptions) -> Request[types.Evaluation]:
    body = {"dataset": dataset, **options}
    return Request("POST", "/v1/evaluations", types.Evaluation, json=body, is_idempotent=False)


def evaluation(identifier: str) -> Request[types.Evaluation]:
    return Request("GET", f"/v1/evaluations/{quote(identifier, safe='')}", types.Evaluation)


def cancel_evaluation(identifier: str) -> Request[types.Evaluation]:
    return Request("DELETE", f"/v1/evaluations/{quote(identifier, safe='')}", types.Evaluation)


def health() -> Request[types.Health]:
    """Returns a request that also succeeds if the server is not ready."""
    return Request("GET", "/health/ready", types.Health, accepted=frozenset({503}))
