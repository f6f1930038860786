"""The asynchronous client with a real server."""

import asyncio

from conftest import FACES, PHOTO

from mien import AsyncClient, Client


def test_async_methods_return_results_of_sync_methods(url: str) -> None:
    async def results() -> list[object]:
        async with AsyncClient(url) as client:
            evaluation = await client.evaluate("faces")
            assert evaluation.status == "succeeded"
            return [
                *await asyncio.gather(*(client.classify(path) for path in sorted(FACES.glob("*.png")))),
                await client.classify_many([FACES / "sad.png", b""]),
                await client.faces(PHOTO),
                await client.faces_many([PHOTO, b""]),
                await client.explain(FACES / "sad.png"),
                await client.models(),
                await client.model("small"),
                await client.datasets(),
                await client.evaluation(evaluation.id),
                await client.cancel_evaluation(evaluation.id),
                await client.health(),
            ]

    found = asyncio.run(results())
    with Client(url) as client:
        evaluation = found[-2]
        expected = [
            *(client.classify(path) for path in sorted(FACES.glob("*.png"))),
            client.classify_many([FACES / "sad.png", b""]),
            client.faces(PHOTO),
            client.faces_many([PHOTO, b""]),
            client.explain(FACES / "sad.png"),
            client.models(),
            client.model("small"),
            client.datasets(),
            evaluation,
            evaluation,
            client.health(),
        ]
    assert found == expected
