"""Whether points lie in their image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.scans.scan import apply_affine

EDGE = 0.5
"""Pixels are squares around their centers: a scan ends half a pixel beyond its first and last center."""


def check_inside(
    points: Sequence[Point], *, case: str, affine: NDArray[np.float64], shape: tuple[int, int, int]
) -> None:
    """Whether all points of a case lie in its image.

    Args:
        points: The points.
        case: Name of the case, for the message.
        affine: ``(4, 4)`` index to LPS mm.
        shape: ``(D, H, W)``.

    Raises:
        InputError: If not, with their number and the first.
    """
    if not points:
        return
    indices = apply_affine(np.linalg.inv(affine), np.array([point.position for point in points]))
    outside = ~((indices >= -EDGE) & (indices <= np.array(shape) - EDGE)).all(axis=1)
    if outside.any():
        x, y, z = points[int(np.argmax(outside))].position
        raise InputError(
            f"{int(outside.sum())} of {len(points)} points lie outside the image of case {case}, the first at "
            f"{x:.6g}, {y:.6g}, {z:.6g} mm LPS; choose their case, or check their coordinate system"
        )
