"""Converts images to files that the server accepts."""

import io
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy
    import PIL.Image

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | numpy.ndarray[Any, Any] | PIL.Image.Image"
"""A path, the bytes of an image file, a NumPy array or a Pillow image.

An array has the type uint8 and the shape (height, width) for grayscale, or (height, width, 3) for RGB.
Arrays of OpenCV are BGR; convert them with `array[..., ::-1]`.
"""

# Modes of Pillow that PNG files can have without a loss.
_PNG_MODES = {"1", "L", "LA", "I;16", "P", "RGB", "RGBA"}
# Colour types of PNG (PNG specification, third edition, section 11.2.1) by the number of channels.
_COLOR_TYPES = {1: 0, 3: 2}
# Level of zlib. Higher levels take more time and save few bytes.
_COMPRESSION = 1


def encode(image: "ImageSource") -> bytes:
    """Returns the bytes of an image file.

    Raises:
        OSError: The file cannot be read.
        TypeError: The value is not an image.
        ValueError: The array does not have a supported shape.
    """
    if isinstance(image, bytes):
        return image
    if isinstance(image, (str, os.PathLike)):
        return Path(image).read_bytes()
    # A caller can only pass an object of a module that it has imported.
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(image, pillow.Image):
        return _encode_pillow(image)
    if hasattr(image, "__array_interface__"):
        return _encode_array(image)
    raise TypeError(f"{type(image).__name__} is not an image; pass a path, bytes, a NumPy array or a Pillow image")


def _encode_pillow(image: "PIL.Image.Image") -> bytes:
    import PIL.ImageOps

    # The PNG does not contain the EXIF orientation of the file, so the pixels are rotated.
    upright = PIL.ImageOps.exif_transpose(image)
    if upright.mode not in _PNG_MODES:
        upright = upright.convert("RGB")
    file = io.BytesIO()
    upright.save(file, "PNG", compress_level=_COMPRESSION)
    return file.getvalue()


def _encode_array(array: Any) -> bytes:
    if array.dtype != "uint8":
        raise TypeError(f"the array has the type {array.dtype}; convert it to uint8 with values from 0 to 255")
    height, width, channels = (*array.shape, 1)[:3] if array.ndim in (2, 3) else (0, 0, 0)
    if channels not in _COLOR_TYPES or 0 in array.shape:
        raise ValueError(f"the array has the shape {array.shape}; expected (height, width) or (height, width, 3)")
    rows = array.tobytes()
    stride = width * channels
    # Each row begins with the type of its filter. The type 0 leaves the row unchanged.
    filtered = b"".join(b"\0" + rows[start : start + stride] for start in range(0, len(rows), stride))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(filtered, _COMPRESSION)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
