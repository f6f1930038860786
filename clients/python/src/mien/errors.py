"""The errors of the client."""

from dataclasses import dataclass


class MienError(Exception):
    """Base class of all errors of the client."""


class TransportError(MienError):
    """The server could not be reached, or the connection or its timeout ended before the response."""


@dataclass(eq=False)
class ApiError(MienError):
    """The server responded with an error."""

    status: int
    """HTTP status."""
    code: str
    """Stable code, see docs/api.md. It is `unknown` if the response is not from mien, for example from a proxy."""
    detail: str
    """Description of the error with the invalid value."""
    request_id: str | None = None
    """Value of `X-Request-Id`, which the log of the server contains."""
    retry_after: float | None = None
    """Value of `Retry-After` in seconds."""

    def __str__(self) -> str:
        suffix = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status} {self.code}: {self.detail}{suffix}"


class InvalidResponseError(MienError):
    """The response does not match the OpenAPI document of this version of the client."""


class EvaluationError(MienError):
    """The evaluation failed or was cancelled."""


class WaitTimeoutError(MienError):
    """The state did not occur within the timeout."""
