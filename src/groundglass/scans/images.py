"""PNG, JPEG, TIFF and BMP: one slice, or a folder of slices."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL import UnidentifiedImageError

from groundglass.errors import InputError

JPEG = (".jpg", ".jpeg")
SUFFIXES = (".png", *JPEG, ".tif", ".tiff", ".bmp")

GREY_MODES = {"L", "I;16", "I;16B", "I", "F"}

BROKEN = (
    *(EOFError, Image.DecompressionBombError, LookupError, MemoryError, OverflowError),
    *(SyntaxError, TypeError, UnidentifiedImageError, ValueError, struct.error),
)
"""What Pillow raises on a damaged file (besides OSError)."""

AFFINE = np.eye(4)[[2, 1, 0, 3]]
"""1 mm voxels: columns go to the patient's left, rows to the back, slices from feet to head."""


def read_images(paths: list[Path]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Stack images, the first at the feet, to voxels ``(D, H, W)``; the affine says 1 mm, for want of better.

    Raises:
        InputError: If one is unreadable or differs in size from the first.
    """
    return _stack(paths, _grey)


def read_masks(paths: list[Path]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """As :func:`read_images`, but of colors the largest channel is taken, and what is transparent is black.

    Raises:
        InputError: As :func:`read_images`, or if one differs in its transparency alone.
    """
    return _stack(paths, _brightest)


def _stack(paths: list[Path], grey: Callable[[Image.Image], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    slices = [_read(path, grey) for path in paths]
    for path, image in zip(paths, slices, strict=True):
        if image.shape != slices[0].shape:
            height, width = slices[0].shape
            raise InputError(
                f"{path}: {image.shape[1]} x {image.shape[0]} pixels, but {paths[0].name} has {width} x {height}; "
                "put only slices of one scan in a folder"
            )
    return np.stack(slices), AFFINE.copy()


def find_images(folder: Path) -> list[Path]:
    """The images directly in a folder in natural order (slice2 before slice10), hidden files left out."""
    images = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted(images, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> list[tuple[int, str]]:
    """A sorting key that takes runs of digits as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


def _read(path: Path, grey: Callable[[Image.Image], NDArray[Any]]) -> NDArray[Any]:
    """One image ``(H, W)``."""
    try:
        with Image.open(path) as image:
            pages = getattr(image, "n_frames", 1)
            pixels = np.asarray(image) if image.mode in GREY_MODES else grey(image)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except BROKEN as error:
        raise InputError(f"{path}: not a readable image; export or copy it again") from error
    if pages > 1:
        raise InputError(f"{path}: has {pages} pages; save one slice a file, or the volume as NIfTI")
    return pixels


def _grey(image: Image.Image) -> NDArray[Any]:
    """Colors become grey, transparency is dropped."""
    return np.asarray(image.convert("RGB").convert("L"))


def _brightest(image: Image.Image) -> NDArray[Any]:
    """The largest channel: the luminance of pure red is 76, that of pure blue 29."""
    if not image.has_transparency_data:
        return np.asarray(np.asarray(image.convert("RGB")).max(axis=2))
    *colors, alpha = np.moveaxis(np.asarray(image.convert("RGBA")), 2, 0)
    pixels: NDArray[Any] = np.max(colors, axis=0)
    if not alpha.any():
        return pixels
    pixels = np.where(alpha > 0, pixels, 0)
    if not pixels.any() and alpha.min() < alpha.max():
        raise InputError("is black and differs in its transparency alone; save the mask white on black")
    return pixels
