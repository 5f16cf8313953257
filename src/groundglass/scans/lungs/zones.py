"""Upper, middle and lower third of each lung."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.scan import Scan

UPPER, MIDDLE, LOWER = 1, 2, 3


def lung_zones(lungs: Scan) -> NDArray[np.uint8]:
    """Cut each lung into thirds of its own height, along the patient's axis from feet to head.

    Height is measured in mm in the patient, so the zones are the same however the scan is turned, flipped or tilted.

    Args:
        lungs: A mask as ``lung_mask`` makes it: 0 none, 1 right lung, 2 left lung, ``(D, H, W)``.

    Returns:
        ``(D, H, W)`` uint8: 0 outside, 1 upper, 2 middle, 3 lower third.
    """
    along_d, along_h, along_w = (lungs.affine[2, axis] * np.arange(size) for axis, size in enumerate(lungs.shape))
    zones = np.zeros(lungs.shape, np.uint8)
    in_plane = along_h[:, None] + along_w
    for lung in (1, 2):
        extents = [
            (in_plane[inside].min() + z, in_plane[inside].max() + z)
            for z, inside in zip(along_d, lungs.voxels == lung, strict=True)
            if inside.any()
        ]
        if not extents:
            continue
        bottom, top = min(low for low, _ in extents), max(high for _, high in extents)
        lower, upper = bottom + (top - bottom) / 3, top - (top - bottom) / 3
        for index, z in enumerate(along_d):
            height = in_plane + z
            third = np.where(height > upper, UPPER, np.where(height < lower, LOWER, MIDDLE))
            zones[index] += (third * (lungs.voxels[index] == lung)).astype(np.uint8)
    return zones
