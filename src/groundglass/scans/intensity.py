"""What the numbers of a scan mean: Hounsfield units or 8-bit grey values, stated or plain from the range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.scan import Intensity

AIR_HU = -1024
"""The lowest value a CT number can have; what lies below is padding outside the field of view."""

SURELY_HU = -500
"""A scan whose lowest value is below this has air or lung in Hounsfield units."""

DISPLAY_MAX = 255


class IntensityError(InputError):
    """The numbers of a scan are not what they should be."""


def check_intensity(voxels: NDArray[Any], path: Path, stated: Intensity | None) -> Intensity:
    """What the voxels are, from what the user says and what the range allows.

    Args:
        voxels: ``(D, H, W)`` of any real type.
        path: The file, for the message.
        stated: ``"hu"`` or ``"display"`` if the user says so, else ``None``.

    Returns:
        ``"hu"`` or ``"display"``.

    Raises:
        IntensityError: If the range contradicts what is stated, or is neither clearly HU nor clearly 8-bit.
        InputError: If a voxel is not a finite number.
    """
    low, high = voxel_range(voxels, path)
    eight_bit = low >= 0 and high <= DISPLAY_MAX
    has = f"{path}: min {low:g}, max {high:g}"
    dark_image = stated == "display" and voxels.dtype.kind in "iu"
    if eight_bit and 0 < high <= 1 and not dark_image:
        raise IntensityError(f"{has}: this is a mask or was scaled to 0..1; give the scan in Hounsfield units or 8-bit")
    if stated == "hu" and eight_bit:
        raise IntensityError(
            f"{has}: this is 8-bit, not Hounsfield units; {how_to_state('display')} if it is a windowed image, "
            "else give the original scan"
        )
    if stated == "display" and not eight_bit:
        raise IntensityError(f"{has}: this is not 8-bit (0..255); {how_to_state('hu')} if these are Hounsfield units")
    if stated is not None:
        return stated
    if np.min(voxels, where=voxels >= AIR_HU, initial=0) < SURELY_HU:  # padding alone proves nothing
        return "hu"
    if eight_bit:
        return "display"
    raise IntensityError(
        f"{has}: neither Hounsfield units of a chest (air is near -1000) nor 8-bit (0..255); convert it, for "
        f"instance by its rescale intercept, or {how_to_state('hu')} if it is right as it is"
    )


def how_to_state(intensity: Intensity) -> str:
    """What to do if ``intensity`` is what the numbers are; for ``prepare`` it is an option of the layout."""
    return f'pass --intensity {intensity} (to prepare: --options \'{{"intensity": "{intensity}"}}\')'


def voxel_range(voxels: NDArray[Any], path: Path) -> tuple[float, float]:
    """Lowest and highest voxel.

    Raises:
        InputError: If there is no voxel, or one is NaN or infinite.
    """
    if voxels.size == 0:
        raise InputError(f"{path}: holds no voxels; export the scan again")
    low, high = float(voxels.min()), float(voxels.max())  # either one is NaN as soon as one voxel is
    if not np.isfinite([low, high]).all():
        raise InputError(f"{path}: some voxels are NaN or infinite; replace them, for instance by -1024")
    return low, high


def clip_padding(voxels: NDArray[Any]) -> NDArray[Any]:
    """HU with the padding outside the field of view (-2000, -3024, -32768 ...) raised to air, -1024."""
    return np.maximum(voxels, np.asarray(AIR_HU, voxels.dtype)) if voxels.min() < AIR_HU else voxels
