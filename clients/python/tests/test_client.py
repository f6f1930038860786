"""The methods of the client with a real server."""

from collections.abc import Iterator

import httpx
import numpy as np
import PIL.Image
import pytest
from conftest import FACES, PHOTO

from mien import ApiError, Client, EvaluationError, WaitTimeoutError
from mien.types import PredictionFailure

HAPPY = FACES / "happy.png"


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


def test_classify_of_path_and_bytes_returns_prediction_of_http_api(client: Client, url: str) -> None:
    response = httpx.post(f"{url}/v1/classify", content=HAPPY.read_bytes())
    expected = response.json()["predictions"][0]
    prediction = client.classify(HAPPY)
    assert prediction.model_dump(exclude_unset=True) == expected
    assert client.classify(str(HAPPY)) == client.classify(HAPPY.read_bytes()) == prediction
    assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.__getitem__)


def test_classify_of_array_and_pillow_image_equals_file(client: Client) -> None:
    image = PIL.Image.open(HAPPY)
    gray = np.asarray(image)
    expected = client.classify(HAPPY)
    assert gray.shape == (48, 48)
    assert client.classify(gray) == client.classify(np.dstack([gray] * 3)) == client.classify(image) == expected


def test_classify_passes_options(client: Client) -> None:
    prediction = client.classify(HAPPY, model="small", top_k=2, min_confidence=1.0)
    assert (len(prediction.probabilities), prediction.label, prediction.uncertain) == (2, None, True)
    assert client.classify_many([HAPPY], model="small", version=None).model == "small"


def test_classify_many_keeps_order_and_reports_invalid_image(client: Client) -> None:
    response = client.classify_many([HAPPY, b"not an image", FACES / "sad.png"])
    first, failure, last = response.predictions
    assert isinstance(failure, PredictionFailure)
    assert failure.error.code == "invalid_image"
    assert [first, last] == [client.classify(HAPPY), client.classify(FACES / "sad.png")]


def test_invalid_image_raises_error_with_stable_code(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.classify(b"not an image")
    error = caught.value
    assert (error.status, error.code, error.retry_after) == (400, "invalid_image", None)
    assert str(error.request_id) in str(error)


def test_unknown_model_raises_error(client: Client) -> None:
    with pytest.raises(ApiError, match="404 unknown_model"):
        client.model("a/b")


def test_faces_returns_boxes_and_predictions(client: Client) -> None:
    photo = client.faces(PHOTO, top_k=1)
    [face] = photo.faces
    assert (photo.width, photo.height, len(face.probabilities)) == (512, 512, 1)
    assert 170 < face.box.x < face.landmarks.right_eye.x < face.landmarks.left_eye.x
    assert client.faces(PHOTO, min_size=400.0).faces == []
    assert client.faces_many([PHOTO, PHOTO], top_k=1).images == [photo, photo]


def test_explain_with_box_explains_face_of_photo(client: Client) -> None:
    face = client.faces(PHOTO).faces[0]
    explanation = client.explain(PHOTO, box=face.box, label="sad")
    assert explanation.label == "sad"
    assert explanation.probability == pytest.approx(face.probabilities["sad"], abs=0.01)
    assert [len(explanation.weights), len(explanation.weights[0])] == explanation.size


def test_models_lists_served_models(client: Client) -> None:
    models = {model.name: model for model in client.models()}
    assert models["tiny"].default
    assert models["tiny"].serving == "1"
    [version] = client.model("tiny").versions
    assert version.labels is not None
    assert "happy" in version.labels
    assert models["broken"].versions[0].reason


def test_health_is_ready(client: Client) -> None:
    assert client.health().status == "ready"


def test_evaluate_waits_for_report(client: Client) -> None:
    assert [data_set.name for data_set in client.datasets()] == ["faces"]
    evaluation = client.evaluate("faces", model="small", limit=7)
    assert evaluation.report is not None
    assert (evaluation.status, evaluation.report.total) == ("succeeded", 7)
    assert client.evaluation(evaluation.id) == evaluation


def client_of_evaluation(**fields: object) -> Client:
    """Returns a client of a server with one evaluation."""
    evaluation = {"id": "1", "model": "m", "version": "1", "sha256": "", "engine": "", "precision": "", "dataset": "d"}
    evaluation |= {"split": "test", "created": "2026-01-01T00:00:00Z"}
    body = {**evaluation, "images": {"done": 0, "total": 1}, **fields}
    return Client(http_client=httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=body))))


def test_wait_for_failed_evaluation_raises_its_error() -> None:
    with pytest.raises(EvaluationError, match="status failed: the data set was changed"):
        client_of_evaluation(status="failed", error="the data set was changed").wait_for_evaluation("1")


def test_wait_for_running_evaluation_ends_after_timeout() -> None:
    with pytest.raises(WaitTimeoutError):
        client_of_evaluation(status="running").wait_for_evaluation("1", timeout=0.02, poll_interval=0.01)
