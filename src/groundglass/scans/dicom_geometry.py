"""From the positions of DICOM slices to one affine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.dicom_slice import Slice

SAME_PLACE_MM = 0.01
JITTER = 0.05
"""Tolerated deviation of a step from the usual step, as a share of it."""

ROUNDING_MM = 0.11
"""Tolerated in any case: some scanners write positions with one decimal."""


def order_slices(slices: list[Slice]) -> list[Slice]:
    """Sort by position along the normal, never by name or number; upwards for the usual axial orientation."""
    along = np.array([one.position for one in slices]) @ slices[0].normal
    return [slices[index] for index in np.argsort(along, kind="stable")]


def at_same_place(one: Slice, other: Slice) -> bool:
    """Whether two slices lie in the same plane."""
    return bool(abs((one.position - other.position) @ one.normal) < SAME_PLACE_MM)


def stack_affine(slices: list[Slice], path: Path) -> NDArray[np.float64]:
    """The affine of ordered slices stacked to ``(D, H, W)``, to LPS mm.

    The slice axis runs from the first to the last position, so a gantry tilt becomes the shear that it is.

    Raises:
        InputError: If slices are missing or not evenly spaced.
    """
    first, last = slices[0], slices[-1]
    affine = np.eye(4)
    affine[:3, 1], affine[:3, 2], affine[:3, 3] = first.down, first.across, first.position
    if len(slices) == 1:
        affine[:3, 0] = first.normal * first.thickness
    else:
        _check_steps(slices, path)
        affine[:3, 0] = (last.position - first.position) / (len(slices) - 1)
    return affine


def _check_steps(slices: list[Slice], path: Path) -> None:
    steps = np.diff([one.position for one in slices], axis=0)
    usual = np.median(steps, axis=0)
    deviation = np.linalg.norm(steps - usual, axis=1)
    spacing = float(np.linalg.norm(usual))
    uneven = np.flatnonzero(deviation > max(JITTER * spacing, ROUNDING_MM))
    if uneven.size == 0:
        return
    before = slices[uneven[0]]
    gap = float(steps[uneven[0]] @ before.normal)
    missing = gap / float(usual @ before.normal) - 1
    if missing > 0.5 and abs(missing - round(missing)) < JITTER * (missing + 1):
        what = f"{round(missing)} missing, as the others are {spacing:g} mm apart"
    else:
        what = f"the others are {spacing:g} mm apart"
    raise InputError(
        f"{path}: slices are unevenly spaced: after {Path(before.file.name).name} (z = {before.position[2]:g} mm) "
        f"there is a step of {gap:g} mm ({what}); add the missing files or export the series again"
    )
