"""Repetitions of rejected requests and failed connections, and credentials."""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import FACES, serve

from mien import ApiError, AsyncClient, Client, InvalidResponseError, TransportError, _exchange

FACE = FACES / "happy.png"
SUCCESS = httpx.Response(200, json={"status": "ready"})
FAILURE = httpx.ConnectError("refused")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exchange, "_FIRST_WAIT", 0.001)


def rejected(retry_after: str, status: int = 429) -> httpx.Response:
    return httpx.Response(
        status, headers={"Retry-After": retry_after}, json={"code": "rate_limited", "detail": "later"}
    )


def client(*outcomes: httpx.Response | Exception, max_retries: int = 4) -> tuple[Client, Iterator[object]]:
    """Returns a client whose attempts have these outcomes, and the outcomes that are left."""
    left = iter(outcomes)

    def send(_: httpx.Request) -> httpx.Response:
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Client(http_client=httpx.Client(transport=httpx.MockTransport(send)), max_retries=max_retries), left


@pytest.mark.parametrize("status", [429, 503])
def test_rejected_request_is_retried_after_retry_after(status: int) -> None:
    models = httpx.Response(200, json={"models": [], "ignored": []})
    found, left = client(rejected("0", status), rejected("Mon, 01 Jan 2024 00:00:00 GMT", status), models)
    assert found.models() == []
    assert list(left) == []


def test_exhausted_retries_raise_last_error() -> None:
    found, left = client(rejected("0"), rejected("0"), SUCCESS, max_retries=1)
    with pytest.raises(ApiError) as caught:
        found.models()
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 0.0)
    assert list(left) == [SUCCESS]


def test_long_retry_after_raises_at_once() -> None:
    found, _ = client(rejected("3600"))
    with pytest.raises(ApiError) as caught:
        found.models()
    assert caught.value.retry_after == 3600.0


def test_unavailable_server_without_retry_after_is_not_retried() -> None:
    found, _ = client(httpx.Response(503, text="no backend"))
    with pytest.raises(ApiError, match="503 unknown: Service Unavailable"):
        found.models()


def test_health_of_loading_server_is_not_an_error() -> None:
    found, _ = client(httpx.Response(503, json={"status": "loading"}))
    assert found.health().status == "loading"


def test_failed_connection_is_retried() -> None:
    found, left = client(FAILURE, httpx.ReadError("reset"), SUCCESS)
    assert found.health().status == "ready"
    assert list(left) == []


def test_evaluation_that_may_have_started_is_not_retried() -> None:
    found, left = client(FAILURE, httpx.ReadError("reset"), SUCCESS)
    with pytest.raises(TransportError, match="POST /v1/evaluations: reset"):
        found.start_evaluation("faces")
    assert list(left) == [SUCCESS]


def test_response_of_another_type_raises_error() -> None:
    found, _ = client(httpx.Response(200, json={"models": 1}))
    with pytest.raises(InvalidResponseError, match="GET /v1/models"):
        found.models()


def test_server_with_limited_key_accepts_repetition(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"the-key").hexdigest()
    keys = tmp_path / "keys.toml"
    fields = 'name = "test"\nscopes = ["infer"]\nimages_per_second = 1.0\nburst = 1'
    keys.write_text(f'[[key]]\nsha256 = "{digest}"\n{fields}\n')
    with serve(f"--api-keys={keys}") as url:
        with Client(url) as without_key, pytest.raises(ApiError, match="401 unauthorized"):
            without_key.classify(FACE)
        with Client(url, api_key="the-key") as client:
            start = time.monotonic()
            predictions = [client.classify(FACE) for _ in range(2)]
            assert time.monotonic() - start > 0.5, "the second request waits for Retry-After"
        with Client(url, token="the-key", max_retries=0) as impatient, pytest.raises(ApiError) as caught:
            for _ in range(2):
                impatient.classify(FACE)
        assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 1.0)

        async def classify() -> object:
            async with AsyncClient(url, api_key="the-key") as client:
                return await client.classify(FACE)

        assert predictions == [asyncio.run(classify())] * 2
