"""Conversion of images to files."""

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest

from mien._images import encode


def decoded(file: bytes) -> Any:
    return np.asarray(PIL.Image.open(io.BytesIO(file)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 4, 3)])
def test_array_keeps_its_pixels(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(decoded(encode(array)), array)
    assert np.array_equal(decoded(encode(array[::-1, ::-1])), array[::-1, ::-1])


def test_array_with_one_channel_is_grayscale() -> None:
    array = np.full((2, 3, 1), 7, dtype=np.uint8)
    assert np.array_equal(decoded(encode(array)), array[..., 0])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_pillow_image_of_each_mode_is_encoded(mode: str) -> None:
    image = PIL.Image.new("RGB", (3, 2), "red").convert(mode)
    assert PIL.Image.open(io.BytesIO(encode(image))).size == (3, 2)


def test_pillow_image_is_rotated_by_its_orientation() -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    PIL.Image.new("RGB", (30, 20)).save(file, "JPEG", exif=exif)
    assert PIL.Image.open(io.BytesIO(encode(PIL.Image.open(file)))).size == (20, 30)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros((2, 2)), TypeError, "float64"),
        (np.zeros((2, 2, 4), np.uint8), ValueError, r"\(2, 2, 4\)"),
        (np.zeros((1, 2, 2, 3), np.uint8), ValueError, "shape"),
        (np.zeros((0, 2), np.uint8), ValueError, "shape"),
        (7, TypeError, "int is not an image"),
        ("missing.png", FileNotFoundError, "missing.png"),
    ],
)
def test_value_that_is_not_an_image_is_rejected(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        encode(value)
