"""Client of mien, an inference server for facial-expression classification."""

from ._async_client import AsyncClient
from ._client import Client
from ._images import ImageSource
from .errors import (
    ApiError,
    EvaluationError,
    InvalidResponseError,
    MienError,
    TransportError,
    WaitTimeoutError,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "EvaluationError",
    "ImageSource",
    "InvalidResponseError",
    "MienError",
    "TransportError",
    "WaitTimeoutError",
]
