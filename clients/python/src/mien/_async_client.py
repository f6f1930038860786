"""The asynchronous client. It works with asyncio and trio."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self, Unpack

import anyio
import anyio.to_thread
import httpx

from . import _exchange, _requests, _results, types
from ._images import ImageSource
from ._requests import Request, Response
from .errors import WaitTimeoutError
from .options import EvaluationOptions, ExplanationOptions, FaceOptions, LabelOptions


class AsyncClient:
    """Sends requests to a server without blocking. The methods are those of `Client`."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        api_key: str | None = None,
        token: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 4,
        max_retry_wait: float = 30.0,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        """Creates a client. It connects with the first request. The arguments are those of `Client`."""
        self._url = url.rstrip("/")
        self._credentials = _exchange.credentials(api_key, token)
        self._retries = _exchange.Retries(max_retries, max_retry_wait)
        self._is_owner = http_client is None
        self._http = http_client or httpx.AsyncClient(timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        if self._is_owner:
            await self._http.aclose()

    async def classify(self, image: ImageSource, **options: Unpack[LabelOptions]) -> types.LabelPrediction:
        """Classifies the expression of one cropped face. Use `faces` for photos."""
        return _results.only_prediction(await self._send_images(lambda: _requests.classify([image], options)))

    async def classify_many(
        self, images: Iterable[ImageSource], **options: Unpack[LabelOptions]
    ) -> types.Classification:
        """Classifies several cropped faces with one request. An invalid image has a `PredictionFailure`.

        The server limits the images and bytes of a request (`--max-images`, `--max-body`).
        """
        return await self._send_images(lambda: _requests.classify(images, options))

    async def faces(self, photo: ImageSource, **options: Unpack[FaceOptions]) -> types.PhotoResultSuccess:
        """Finds the faces in one photo and classifies the expression of each."""
        return _results.only_photo(await self._send_images(lambda: _requests.faces([photo], options)))

    async def faces_many(self, photos: Iterable[ImageSource], **options: Unpack[FaceOptions]) -> types.Faces:
        """Finds and classifies the faces in several photos. An invalid photo has a `PhotoResultFailure`."""
        return await self._send_images(lambda: _requests.faces(photos, options))

    async def explain(self, image: ImageSource, **options: Unpack[ExplanationOptions]) -> types.Explanation:
        """Returns how much each part of a face increases or decreases the probability of a label."""
        return await self._send_images(lambda: _requests.explain(image, options))

    async def models(self) -> list[types.ModelSummary]:
        """Lists the models of the server."""
        return (await self._send(_requests.models())).models

    async def model(self, name: str) -> types.ModelDetails:
        """Returns the details of a model."""
        return await self._send(_requests.model(name))

    async def datasets(self) -> list[types.DatasetView]:
        """Lists the data sets of the server."""
        return (await self._send(_requests.datasets())).datasets

    async def start_evaluation(self, dataset: str, **options: Unpack[EvaluationOptions]) -> types.Evaluation:
        """Starts an evaluation and returns without waiting for its end. It is an admin request."""
        return await self._send(_requests.start_evaluation(dataset, options))

    async def evaluation(self, identifier: str) -> types.Evaluation:
        """Returns an evaluation, with its report if it succeeded."""
        return await self._send(_requests.evaluation(identifier))

    async def wait_for_evaluation(
        self, identifier: str, *, timeout: float | None = None, poll_interval: float = 1.0
    ) -> types.Evaluation:
        """Waits until an evaluation has ended. See `Client.wait_for_evaluation`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while _results.is_pending(evaluation := await self.evaluation(identifier)):
            if deadline is not None and time.monotonic() + poll_interval > deadline:
                raise WaitTimeoutError(f"the evaluation {identifier} has not ended within {timeout} s")
            await anyio.sleep(poll_interval)
        return _results.succeeded(evaluation)

    async def evaluate(
        self, dataset: str, *, timeout: float | None = None, **options: Unpack[EvaluationOptions]
    ) -> types.Evaluation:
        """Starts an evaluation and waits for its end. See `start_evaluation` and `wait_for_evaluation`."""
        evaluation = await self.start_evaluation(dataset, **options)
        return await self.wait_for_evaluation(evaluation.id, timeout=timeout)

    async def cancel_evaluation(self, identifier: str) -> types.Evaluation:
        """Cancels an evaluation. It is an admin request."""
        return await self._send(_requests.cancel_evaluation(identifier))

    async def health(self) -> types.Health:
        """Returns the status of the server: `ready`, `loading`, `unavailable` or `draining`."""
        return await self._send(_requests.health())

    async def _send_images(self, request: Callable[[], Request[Response]]) -> Response:
        """Reads and converts images on another thread, then sends their request."""
        return await self._send(await anyio.to_thread.run_sync(request))

    async def _send(self, request: Request[Response]) -> Response:
        attempts = self._retries.attempts(request)
        while True:
            try:
                response = await self._http.request(**request.arguments(self._url, self._credentials))
            except httpx.TransportError as error:
                await anyio.sleep(attempts.wait_after_error(error))
                continue
            wait = attempts.wait_after_response(response)
            if wait is None:
                return _exchange.result(request, response)
            await anyio.sleep(wait)
