from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundglass.errors import InputError
from groundglass.scans.intensity import check_intensity
from groundglass.scans.intensity import clip_padding

FILE = Path("scan.nii")


def with_range(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("low", "high", "stated", "found"),
    [
        (-1024, 1500, None, "hu"),
        (-501, 100, None, "hu"),
        (0, 255, None, "display"),
        (0, 200, "display", "display"),
        (-200, 300, "hu", "hu"),
        (0, 0, None, "display"),
    ],
)
def test_plain_ranges(low: float, high: float, stated: str | None, found: str) -> None:
    assert check_intensity(with_range(low, high), FILE, stated) == found


@pytest.mark.parametrize(
    ("low", "high", "stated", "message"),
    [
        (0, 255, "hu", "scan.nii: min 0, max 255: this is 8-bit, not Hounsfield units; pass --intensity display"),
        (-1024, 1500, "display", "scan.nii: min -1024, max 1500: this is not 8-bit .*pass --intensity hu"),
        (0, 4095, "display", "not 8-bit"),
        (0, 4095, None, "min 0, max 4095: neither Hounsfield units .* nor 8-bit"),
        (-160, 240, None, "neither"),
        (-2000, -1900, None, "neither"),
        (0, 1, None, "scaled to 0..1"),
        (0, np.inf, None, "NaN or infinite"),
    ],
)
def test_contradictions_name_file_range_and_fix(low: float, high: float, stated: str | None, message: str) -> None:
    voxels = with_range(low, min(high, 1e6))
    voxels.flat[-1] = high
    with pytest.raises(InputError, match=message):
        check_intensity(voxels, FILE, stated)


def test_a_dark_image_is_one_when_stated() -> None:
    dark = np.array([[[0, 1, 0]]], np.uint8)
    assert check_intensity(dark, FILE, "display") == "display"
    with pytest.raises(InputError, match="mask"):
        check_intensity(dark, FILE, None)
    with pytest.raises(InputError, match=r"scaled to 0\.\.1"):
        check_intensity(dark.astype(np.float32), FILE, "display")


def test_padding_does_not_make_raw_values_hu() -> None:
    voxels = with_range(0, 4095)
    voxels.flat[0] = -2000
    with pytest.raises(InputError, match="neither"):
        check_intensity(voxels, FILE, None)


def test_no_voxels() -> None:
    with pytest.raises(InputError, match="holds no voxels"):
        check_intensity(np.zeros((0, 3, 4)), FILE, None)


def test_one_nan_is_enough() -> None:
    voxels = with_range(-1000, 100)
    voxels[1, 1, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        check_intensity(voxels, FILE, "hu")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_padding_becomes_air(dtype: type) -> None:
    clipped = clip_padding(np.array([[[-32768, -3024, -1024, -1000, 50]]], dtype))
    assert clipped.ravel().tolist() == [-1024, -1024, -1024, -1000, 50]
    assert clipped.dtype == dtype
