"""Hand-made chests: a body of soft tissue with two lungs of air and tissue, on blocks of 3 mm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.scan import Scan

SHAPE, SPACING = (40, 72, 96), (5.0, 3.0, 3.0)
Place = tuple[float, float, float]


def affine_of(spacing: tuple[float, float, float] = SPACING) -> NDArray[np.float64]:
    """Slices feet to head, rows to the back, columns to the left."""
    affine = np.zeros((4, 4))
    affine[[2, 1, 0], [0, 1, 2]] = spacing
    affine[:, 3] = -100, -80, 20, 1
    return affine


def ellipsoid(center: Place, radii: Place) -> NDArray[np.bool_]:
    """``(D, H, W)``: the voxels in an ellipsoid given in mm about the middle of the grid, ``(z, y, x)``."""
    axes = [(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(SHAPE, SPACING, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.asarray(sum(((a - c) / r) ** 2 for a, c, r in zip((z, y, x), center, radii, strict=True)) < 1, bool)


RIGHT_LUNG = ellipsoid((0, 0, -50), (80, 60, 38))
LEFT_LUNG = ellipsoid((0, 0, 50), (80, 60, 38))


def with_noise(hu: NDArray[Any]) -> NDArray[np.int16]:
    return (hu + np.random.default_rng(0).normal(0, 15, hu.shape)).astype(np.int16)


def chest(*painted: tuple[NDArray[np.bool_], float], lungs: bool = True) -> Scan:
    """A body with two lungs; each mask is then painted with its HU, in that order."""
    hu = np.full(SHAPE, -1000.0)
    hu[ellipsoid((0, 0, 0), (1e6, 90, 125))] = 40
    if lungs:
        hu[RIGHT_LUNG | LEFT_LUNG] = -860
    for mask, value in painted:
        hu[mask] = value
    return Scan(with_noise(hu), affine_of(), "hu")
