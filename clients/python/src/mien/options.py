"""The optional arguments of the methods. An argument that is missing or None has the default of the server."""

from typing import TypedDict

from .types import BoundingBox


class ModelOptions(TypedDict, total=False):
    """The model of a request."""

    model: str | None
    """Name or alias; by default the default model of the server."""
    version: str | None
    """Version; by default the pinned version, otherwise the highest loaded version."""


class LabelOptions(ModelOptions, total=False):
    """Options of a classification."""

    top_k: int | None
    """Number of labels in `probabilities`; by default all."""
    min_confidence: float | None
    """Minimum probability of a label, 0 to 1. Below it `label` is None."""


class FaceOptions(LabelOptions, total=False):
    """Options of a search for faces."""

    min_score: float | None
    """Minimum score of a face, 0 to 1; by default 0.5."""
    min_size: float | None
    """Minimum size of a face in pixels of the photo, the square root of the area of its box; by default 10."""
    max_faces: int | None
    """Maximum number of faces of a photo, of which the largest are returned; by default 100."""
    detector_size: int | None
    """Longer side in pixels of the copy of the photo in which the detector searches: 320, 640 (default) or 1280."""


class ExplanationOptions(ModelOptions, total=False):
    """Options of an explanation."""

    label: str | None
    """Label to explain; by default the most probable label."""
    box: BoundingBox | None
    """Box of a face in a photo, from the response of `faces`; by default the whole image is the face."""


class EvaluationOptions(ModelOptions, total=False):
    """Options of an evaluation."""

    split: str | None
    """`test` (default), `train`, `PublicTest` or `PrivateTest`."""
    limit: int | None
    """Maximum number of images; by default all."""
