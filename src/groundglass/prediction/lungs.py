"""The lung masks of scans that are predicted: given by the user, or found."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundglass.datasets.grid import Grid
from groundglass.errors import InputError
from groundglass.scans.drawn_mask import mask_of
from groundglass.scans.lungs import lung_mask
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

RIGHT, LEFT = 1, 2
GIVEN = "given by the user"
NO_LUNGS = (
    "This model looks at the lungs alone, and an 8-bit image without a lung mask is looked at as a whole: the result "
    "is worse than measured, unless the model was trained without lung masks; give a mask with --lungs."
)
PARTED = "The given lung mask does not tell the right lung from the left: they are parted at its middle."
SWAPPED = (
    "The given lung mask has 1 at the patient's left and 2 at the right: they are numbered anew; see that it is not "
    "mirrored."
)
ONE_SIDED = 0.95
"""Share of a mask of one class on one half of the image that makes it one lung, not both."""


class UsedLungs(NamedTuple):
    """The lung mask a scan is predicted with.

    Args:
        mask: ``(D, H, W)`` of the scan: 1 = right, 2 = left lung of the patient; ``None`` for an 8-bit one without.
        source: Where it came from, in words.
        warnings: What there is to say about it, a sentence each.
    """

    mask: Scan | None
    source: str
    warnings: tuple[str, ...] = ()


def lungs_of(scan: Scan, given: Path | None, grid: Grid, weights: Path | None = None) -> UsedLungs:
    """The lung mask a scan is predicted with: the given one, or one found in a scan in HU.

    Args:
        scan: ``(D, H, W)``, as read.
        given: File or folder of its lung mask, in which whatever is not 0 is lung.
        grid: What the network sees.
        weights: Weights file of the optional package lungmask, which then finds the lungs.

    Raises:
        InputError: If the given mask cannot be read, is empty or lies on another grid than the scan, or no lungs are
            found.
    """
    if given is not None:
        return given_lungs(given, scan)
    if scan.intensity == "hu":
        means = "density and shape" if weights is None else "lungmask"
        return UsedLungs(lung_mask(scan, weights=weights), f"found by {means}")
    return UsedLungs(None, "not known", (NO_LUNGS,) if grid.uses_lungs else ())


def given_lungs(path: Path, scan: Scan) -> UsedLungs:
    """A lung mask that someone made, on the grid of a scan, and what there is to say about it.

    Whatever is not 0 is lung. 1 = right and 2 = left are kept if they lie so in the patient, swapped if they lie the
    other way round; other masks are parted.

    Raises:
        InputError: If it cannot be read, is empty or lies on another grid than the scan.
    """
    return with_sides(mask_of(path, scan), path)


def with_sides(lungs: Scan, path: Path) -> UsedLungs:
    """A given lung mask whose classes tell the right lung from the left: its own, or it is parted at its middle.

    Args:
        lungs: ``(D, H, W)`` on the grid of its scan, whatever is not 0 is lung.
        path: Where it comes from, for the message.

    Raises:
        InputError: If it is empty.
    """
    upright = to_canonical(lungs).voxels
    if not upright.any():
        raise InputError(f"{path}: this lung mask is empty; give one that shows the lungs, or none")
    if _has_sides(upright):
        return UsedLungs(lungs, GIVEN)
    turned = np.where(upright > 0, RIGHT + LEFT - upright, 0).astype(np.uint8)
    swapped = RIGHT in upright and LEFT in upright and _has_sides(turned)
    voxels, warning = (turned, SWAPPED) if swapped else (_parted(upright), PARTED)
    return UsedLungs(lungs.with_voxels(from_canonical(voxels, lungs)), GIVEN, (warning,))


def _has_sides(upright: NDArray[np.uint8]) -> bool:
    """Whether 1 lies at the patient's right and 2 at the left, and there is nothing else; one lung may be missing."""
    right, left = (np.count_nonzero(upright == side, axis=(0, 1)) for side in (RIGHT, LEFT))
    if upright.max() > LEFT:
        return False
    if not right.any() or not left.any():
        own, half = (right, slice(None, len(right) // 2)) if right.any() else (left[::-1], slice(None, len(left) // 2))
        return bool(own[half].sum() >= ONE_SIDED * own.sum())
    place = np.arange(upright.shape[2])
    return bool(np.average(place, weights=right) < np.average(place, weights=left))


def _parted(upright: NDArray[np.uint8]) -> NDArray[np.uint8]:
    columns = np.flatnonzero(upright.any(axis=(0, 1)))
    sides = np.where(2 * np.arange(upright.shape[2]) <= columns[0] + columns[-1], RIGHT, LEFT)
    return np.asarray((upright > 0) * sides, np.uint8)
