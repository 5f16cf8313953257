"""Does a scan look like a chest CT, as far as its geometry and its values can tell?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from groundglass.scans.intensity import AIR_HU
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

FEW_SLICES = 20
THICK_MM = 5.0
COARSE_MM = 2.0
"""Pixels of a chest CT are 0.5 to 1 mm."""

FIELD_MM = (200.0, 600.0)
"""Width and depth of what a chest CT shows: the lungs at least, the bore of the scanner at most."""

HEIGHT_MM = (150.0, 800.0)
"""From apex to diaphragm, to chest, abdomen and pelvis together."""

MAX_PIXELS = 1024
"""Rows and columns of CT; X-rays have 2000 and more."""

TISSUE_HU = 4095
"""Above metal as 12-bit scanners write it."""

LUNG_HU = (-950, -500)
LUNG_SHARE = 0.01
"""Aerated lung takes a tenth of a chest CT, far less of a brain or an abdomen."""

NO_SIZE = (
    "Pictures do not state the size of their pixels and the distance of their slices: there are no figures in ml or "
    "mm, and shares of the lung hold only if all pixels are equally large and all slices equally far apart."
)

SAMPLE = 3
"""Every third voxel along each axis is enough to tell shares."""


def scan_warnings(scan: Scan) -> list[str]:
    """What speaks against a scan being a whole chest CT that a network could be trusted on, one sentence each.

    Nothing here forbids anything: a reader refuses what cannot be read, and only the lungs found in a scan prove it
    is a chest.

    Args:
        scan: In any orientation; HU or 8-bit.

    Returns:
        Sentences for a user; none for a usual chest CT.

    Raises:
        ValueError: If the scan is a mask.
    """
    if scan.intensity == "mask":
        raise ValueError("a mask has no values to check")
    return [*_shape_warnings(to_canonical(scan)), *_value_warnings(scan)]


def _shape_warnings(scan: Scan) -> Iterator[str]:
    slices, rows, columns = scan.shape
    if not scan.measured:
        yield NO_SIZE
    if slices > 1 and 1 in (rows, columns):
        yield "This is one coronal or sagittal image, not an axial scan: a localizer?"
        return
    if max(rows, columns) > MAX_PIXELS:
        kind = "an X-ray or a photograph" if slices == 1 else "resampled or not CT"
        yield f"{columns} x {rows} pixels are more than a CT slice has: {kind}?"
    if slices == 1:
        yield "This is a single slice, so volumes and shares of the lung hold for it alone."
    elif slices < FEW_SLICES:
        yield f"Only {slices} slices: part of a scan, or a localizer?"
    if scan.measured:
        yield from _size_warnings(scan)


def _size_warnings(scan: Scan) -> Iterator[str]:
    between, *within = scan.spacing
    if np.allclose(scan.spacing, 1):
        yield "All voxels are exactly 1 mm, as in files that do not state a spacing: volumes may be wrong."
    if between > THICK_MM and scan.shape[0] > 1:
        yield f"Slices lie {between:.3g} mm apart: small lesions between them are missed."
    if max(within) > COARSE_MM or max(within) > 1.05 * min(within):
        yield f"Pixels of {within[1]:.3g} x {within[0]:.3g} mm are not those of an axial CT: resampled or reformatted?"
    sides = [length * count for length, count in zip(scan.spacing, scan.shape, strict=True)]
    if scan.shape[0] >= FEW_SLICES and not HEIGHT_MM[0] <= sides[0] <= HEIGHT_MM[1]:
        yield f"{sides[0]:.0f} mm from feet to head is not the height of a chest: incomplete, or a wrong spacing?"
    if not FIELD_MM[0] <= min(sides[1:]) or not max(sides[1:]) <= FIELD_MM[1]:
        yield f"A field of view of {sides[2]:.0f} x {sides[1]:.0f} mm is not that of a chest: cropped, another organ?"


def _value_warnings(scan: Scan) -> Iterator[str]:
    if scan.intensity == "display":
        yield "8-bit grey values, not HU: densities such as ground-glass and consolidation cannot be measured."
        return
    if (high := float(scan.voxels.max())) > TISSUE_HU:
        yield f"The highest value, {high:g}, is above any tissue or metal in HU: a wrong rescale slope?"
    sample = scan.voxels[tuple(slice(None, None, SAMPLE if count > SAMPLE else 1) for count in scan.shape)]
    if float(sample.min()) > AIR_HU / 2:
        yield "There is no air, not even in the lungs: a wrong rescale intercept, or not a chest?"
    elif np.mean((sample > LUNG_HU[0]) & (sample < LUNG_HU[1])) < LUNG_SHARE:
        yield f"Less than {LUNG_SHARE:.0%} of it has the density of aerated lung: not a chest?"
