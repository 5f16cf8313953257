"""Values of DICOM tags, with what damaged headers make of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from groundglass.errors import InputError

MIN_MM, MAX_MM = 1e-3, 1e3
MAX_PLACE_MM = 1e6
MAX_HU = 1e6
"""Beyond these a header is damaged, not unusual."""

UNIT_TOLERANCE = 0.05


def damaged(name: str) -> InputError:
    """The error for a file pydicom gives up on."""
    return InputError(f"{name}: a damaged DICOM file; copy it again or remove it")


def text(header: Dataset, keyword: str) -> str:
    """The value of a tag as a string, empty if it is absent or empty."""
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def numbers(header: Dataset, keyword: str, count: int, name: str) -> NDArray[np.float64]:
    """The ``(count,)`` finite numbers of a tag.

    Raises:
        InputError: If the tag is absent from the file ``name``, or has others.
    """
    if not text(header, keyword):
        raise InputError(f"{name}: a CT slice without {keyword}, so its place is unknown; export the scan again")
    values = np.array(header[keyword].value, float)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise damaged(name)
    return values


def number(header: Dataset, keywords: tuple[str, ...], default: float) -> float:
    """The first of some tags that has a value."""
    return float(next(filter(None, (text(header, keyword) for keyword in keywords)), default))


def padding(header: Dataset) -> tuple[int, int] | None:
    """Lowest and highest stored value outside the field of view, if the file names one."""
    values = [header.get(keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    known = [value for value in values if isinstance(value, int)]
    if header.get("PixelRepresentation") == 1:  # some writers put -2000 down as 63536
        known = [value - 2**16 if value >= 2**15 else value for value in known]
    return (min(known), max(known)) if known else None


def are_lengths(*lengths: float) -> bool:
    """Whether voxels can be so large, in mm."""
    return all(MIN_MM <= length <= MAX_MM for length in lengths)  # NaN is not


def are_unit_vectors(direction: NDArray[np.float64]) -> bool:
    """Whether ``(6,)`` direction cosines are two unit vectors at right angles, as well as some writers round them."""
    pair = direction.reshape(2, 3)
    return bool(np.abs(pair @ pair.T - np.eye(2)).max() < UNIT_TOLERANCE)
