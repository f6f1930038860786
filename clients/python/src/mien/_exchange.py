"""Decisions about a request that do not depend on how it is sent: headers, retries and the meaning of a response."""

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pydantic

from ._requests import Request, Response
from .errors import ApiError, InvalidResponseError, TransportError

# Statuses of requests that the server has not processed because of a limit or its state.
_REJECTED = {429, 503}
# Waits after a failed connection in seconds: the first one and the longest one.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0


def credentials(api_key: str | None, token: str | None) -> dict[str, str]:
    """Returns the headers with the credentials."""
    headers = {"X-API-Key": api_key, "Authorization": f"Bearer {token}" if token else None}
    return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True)
class Retries:
    """Limits of retries."""

    max_retries: int
    """Maximum number per request."""
    max_wait: float
    """Maximum time until a retry in seconds."""

    def attempts(self, request: Request[Any]) -> "Attempts":
        """Returns the state of a request that has not been sent."""
        return Attempts(request, self.max_retries, self.max_wait)


class Attempts:
    """The attempts to send one request."""

    def __init__(self, request: Request[Any], max_retries: int, max_wait: float) -> None:
        self._request = request
        self._retries_left = max_retries
        self._max_wait = max_wait
        self._next_wait = _FIRST_WAIT

    def wait_after_error(self, error: httpx.TransportError) -> float:
        """Returns the seconds until the next attempt after a failed connection.

        Raises:
            TransportError: The attempts are exhausted, or a retry could execute the request twice.
        """
        was_sent = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
        if self._retries_left == 0 or (was_sent and not self._request.is_idempotent):
            detail = str(error) or type(error).__name__
            raise TransportError(f"{self._request.method} {self._request.path}: {detail}") from error
        self._retries_left -= 1
        # The random part spreads the attempts of clients that lost their connections at the same time.
        wait = self._next_wait * random.uniform(0.5, 1.0)
        self._next_wait = min(2 * self._next_wait, _LONGEST_WAIT)
        return min(wait, self._max_wait)

    def wait_after_response(self, response: httpx.Response) -> float | None:
        """Returns the seconds until the next attempt, or None if the response is the result."""
        wait = _retry_after(response)
        if response.status_code in self._request.accepted or response.status_code not in _REJECTED:
            return None
        if wait is None or wait > self._max_wait or self._retries_left == 0:
            return None
        self._retries_left -= 1
        return wait


def result(request: Request[Response], response: httpx.Response) -> Response:
    """Returns the body of a response.

    Raises:
        ApiError: The response is an error.
        InvalidResponseError: The body does not match its type.
    """
    if not response.is_success and response.status_code not in request.accepted:
        raise _api_error(response)
    try:
        return request.response.model_validate_json(response.content)
    except pydantic.ValidationError as error:
        if not response.is_success:
            raise _api_error(response) from error
        raise InvalidResponseError(f"{request.method} {request.path}: {error}") from error


def _api_error(response: httpx.Response) -> ApiError:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    return ApiError(
        status=response.status_code,
        code=str(problem.get("code", "unknown")),
        detail=str(problem.get("detail", response.reason_phrase)),
        request_id=problem.get("request_id") or response.headers.get("X-Request-Id"),
        retry_after=_retry_after(response),
    )


def _retry_after(response: httpx.Response) -> float | None:
    """Returns the seconds of `Retry-After`, which is a number or a date (RFC 9110, section 10.2.3)."""
    value = response.headers.get("Retry-After")
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
