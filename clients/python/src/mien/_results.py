"""Conversions of responses to the results of methods."""

from . import types
from .errors import EvaluationError, InvalidResponseError


def only_prediction(response: types.Classification) -> types.LabelPrediction:
    """Returns the prediction of the only image of a request. The request fails if this image cannot be decoded."""
    match response.predictions:
        case [types.LabelPrediction() as prediction]:
            return prediction
    raise InvalidResponseError(f"expected one prediction, got {response.predictions}")


def only_photo(response: types.Faces) -> types.PhotoResultSuccess:
    """Returns the faces of the only photo of a request. The request fails if this photo cannot be decoded."""
    match response.images:
        case [types.PhotoResultSuccess() as photo]:
            return photo
    raise InvalidResponseError(f"expected the faces of one photo, got {response.images}")


def is_pending(evaluation: types.Evaluation) -> bool:
    """Returns whether an evaluation has not ended."""
    return evaluation.status in ("queued", "running")


def succeeded(evaluation: types.Evaluation) -> types.Evaluation:
    """Returns an evaluation that has ended.

    Raises:
        EvaluationError: The evaluation failed or was cancelled.
    """
    if evaluation.status != "succeeded":
        reason = f": {evaluation.error}" if evaluation.error else ""
        raise EvaluationError(f"the evaluation {evaluation.id} has the status {evaluation.status}{reason}")
    return evaluation
