"""The synchronous client."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self, Unpack

import httpx

from . import _exchange, _requests, _results, types
from ._images import ImageSource
from ._requests import Request, Response
from .errors import WaitTimeoutError
from .options import EvaluationOptions, ExplanationOptions, FaceOptions, LabelOptions


class Client:
    """Sends requests to a server.

    The client retries a request that the server rejects with status 429 or 503 after the time in `Retry-After`. It also
    retries a request after a failed connection, unless the request may have started an evaluation.

    Every method raises `ApiError` if the server responds with an error, and `TransportError` if it does not respond.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        api_key: str | None = None,
        token: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 4,
        max_retry_wait: float = 30.0,
        http_client: httpx.Client | None = None,
    ) -> None:
        """Creates a client. It connects with the first request.

        Args:
            url: URL of the server.
            api_key: API key, which is sent as `X-API-Key`.
            token: Admin token or API key, which is sent as `Authorization: Bearer`.
            timeout: Maximum time in seconds to connect and to wait for data. `http_client` has its own.
            max_retries: Maximum number of retries of a request.
            max_retry_wait: Maximum time in seconds until a retry. A longer `Retry-After` raises `ApiError`.
            http_client: Client with other settings, for example certificates. The caller closes it.
        """
        self._url = url.rstrip("/")
        self._credentials = _exchange.credentials(api_key, token)
        self._retries = _exchange.Retries(max_retries, max_retry_wait)
        self._is_owner = http_client is None
        self._http = http_client or httpx.Client(timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        if self._is_owner:
            self._http.close()

    def classify(self, image: ImageSource, **options: Unpack[LabelOptions]) -> types.LabelPrediction:
        """Classifies the expression of one cropped face. Use `faces` for photos."""
        return _results.only_prediction(self._send(_requests.classify([image], options)))

    def classify_many(self, images: Iterable[ImageSource], **options: Unpack[LabelOptions]) -> types.Classification:
        """Classifies several cropped faces with one request. An invalid image has a `PredictionFailure`.

        The server limits the images and bytes of a request (`--max-images`, `--max-body`).
        """
        return self._send(_requests.classify(images, options))

    def faces(self, photo: ImageSource, **options: Unpack[FaceOptions]) -> types.PhotoResultSuccess:
        """Finds the faces in one photo and classifies the expression of each."""
        return _results.only_photo(self._send(_requests.faces([photo], options)))

    def faces_many(self, photos: Iterable[ImageSource], **options: Unpack[FaceOptions]) -> types.Faces:
        """Finds and classifies the faces in several photos. An invalid photo has a `PhotoResultFailure`."""
        return self._send(_requests.faces(photos, options))

    def explain(self, image: ImageSource, **options: Unpack[ExplanationOptions]) -> types.Explanation:
        """Returns how much each part of a face increases or decreases the probability of a label."""
        return self._send(_requests.explain(image, options))

    def models(self) -> list[types.ModelSummary]:
        """Lists the models of the server."""
        return self._send(_requests.models()).models

    def model(self, name: str) -> types.ModelDetails:
        """Returns the details of a model."""
        return self._send(_requests.model(name))

    def datasets(self) -> list[types.DatasetView]:
        """Lists the data sets of the server."""
        return self._send(_requests.datasets()).datasets

    def start_evaluation(self, dataset: str, **options: Unpack[EvaluationOptions]) -> types.Evaluation:
        """Starts an evaluation and returns without waiting for its end. It is an admin request."""
        return self._send(_requests.start_evaluation(dataset, options))

    def evaluation(self, identifier: str) -> types.Evaluation:
        """Returns an evaluation, with its report if it succeeded."""
        return self._send(_requests.evaluation(identifier))

    def wait_for_evaluation(
        self, identifier: str, *, timeout: float | None = None, poll_interval: float = 1.0
    ) -> types.Evaluation:
        """Waits until an evaluation has ended, and returns it with its report.

        Args:
            identifier: The `id` of the evaluation.
            timeout: Maximum time in seconds; by default unlimited.
            poll_interval: Time between two requests in seconds.

        Raises:
            EvaluationError: The evaluation failed or was cancelled.
            WaitTimeoutError: The evaluation has not ended within the timeout. It continues on the server.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while _results.is_pending(evaluation := self.evaluation(identifier)):
            if deadline is not None and time.monotonic() + poll_interval > deadline:
                raise WaitTimeoutError(f"the evaluation {identifier} has not ended within {timeout} s")
            time.sleep(poll_interval)
        return _results.succeeded(evaluation)

    def evaluate(
        self, dataset: str, *, timeout: float | None = None, **options: Unpack[EvaluationOptions]
    ) -> types.Evaluation:
        """Starts an evaluation and waits for its end. See `start_evaluation` and `wait_for_evaluation`."""
        evaluation = self.start_evaluation(dataset, **options)
        return self.wait_for_evaluation(evaluation.id, timeout=timeout)

    def cancel_evaluation(self, identifier: str) -> types.Evaluation:
        """Cancels an evaluation. It is an admin request."""
        return self._send(_requests.cancel_evaluation(identifier))

    def health(self) -> types.Health:
        """Returns the status of the server: `ready`, `loading`, `unavailable` or `draining`."""
        return self._send(_requests.health())

    def _send(self, request: Request[Response]) -> Response:
        attempts = self._retries.attempts(request)
        while True:
            try:
                response = self._http.request(**request.arguments(self._url, self._credentials))
            except httpx.TransportError as error:
                time.sleep(attempts.wait_after_error(error))
                continue
            wait = attempts.wait_after_response(response)
            if wait is None:
                return _exchange.result(request, response)
            time.sleep(wait)
