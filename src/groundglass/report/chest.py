"""The lungs of a scan with what is marked in them, turned to one orientation and cut to their box."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.report.crop import box_around
from groundglass.report.crop import cropped
from groundglass.report.measurements import LUNGS
from groundglass.scans.lungs import lung_zones
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan


@dataclass(frozen=True, eq=False)
class Chest:
    """The box around the lungs, ``(D, H, W)`` from feet to head, front to back, patient right to left.

    Args:
        lungs: 1 = right, 2 = left lung.
        lesions: 1 = lesion within the lungs.
        zones: 1 = upper, 2 = middle, 3 = lower third.
        hu: Hounsfield units; ``None`` for an 8-bit scan.
        probabilities: In [0, 1]; ``None`` where none were given.
        first: The slice of the whole scan that the box begins with.
        depth: Slices of the whole scan.
        middle: Row and column of the middle of the whole scan, counted from the box.
        outside_voxels: Number of voxels marked as lesion outside the lungs.
    """

    lungs: Scan
    lesions: Scan
    zones: NDArray[np.uint8]
    hu: NDArray[Any] | None
    probabilities: NDArray[Any] | None
    first: int
    depth: int
    middle: tuple[float, float]
    outside_voxels: int

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel."""
        return float(abs(np.linalg.det(self.lungs.affine[:3, :3]))) / 1000

    @property
    def pixel_cm2(self) -> float:
        """Area of a voxel in its axial slice."""
        _, row, column = self.lungs.affine[:3, :3].T
        return float(np.linalg.norm(np.cross(row, column))) / 100

    @property
    def slice_z_mm(self) -> NDArray[np.float64]:
        """``(depth,)``: LPS z of the middle of every slice of the scan, feet to head."""
        indices = np.empty((self.depth, 3))
        indices[:, 0] = np.arange(self.depth) - self.first
        indices[:, 1:] = self.middle
        return self.lungs.to_mm(indices)[:, 2]


def cut_chest(scan: Scan, lesions: Scan, lungs: Scan, probabilities: Scan | None = None) -> Chest:
    """Cut the lungs out of a scan and its masks, which lie on one grid.

    Raises:
        InputError: If the lung mask is empty or has other classes than 0, 1, 2.
        ValueError: If the shapes differ.
    """
    if any(other.shape != scan.shape for other in (lesions, lungs, probabilities) if other is not None):
        raise ValueError("scan, lesions, lungs and probabilities must have one shape")
    _check_lungs(lungs)
    box = box_around(lungs.voxels)
    lung, lesion = to_canonical(cropped(lungs, box)), to_canonical(cropped(lesions, box))
    within = ((lesion.voxels > 0) & (lung.voxels > 0)).view(np.uint8)
    low, high = _extent(scan, lung)
    return Chest(
        lungs=lung,
        lesions=lesion.with_voxels(within, "mask"),
        zones=lung_zones(lung),
        hu=_canonical(scan, box) if scan.intensity == "hu" else None,
        probabilities=None if probabilities is None else _canonical(probabilities, box),
        first=int(-low[0]),
        depth=int(high[0] - low[0]) + 1,
        middle=(float(low[1] + high[1]) / 2, float(low[2] + high[2]) / 2),
        outside_voxels=int(np.count_nonzero(lesions.voxels) - np.count_nonzero(within)),
    )


def _canonical(scan: Scan, box: tuple[slice, slice, slice]) -> NDArray[Any]:
    voxels = to_canonical(cropped(scan, box)).voxels
    return np.nan_to_num(voxels, copy=False) if voxels.dtype.kind == "f" else voxels


def _extent(scan: Scan, lung: Scan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last voxel ``(d, h, w)`` of the whole scan, counted from the box."""
    corners = scan.to_mm(np.array(list(product(*((0, n - 1) for n in scan.shape)))))
    indices = np.rint(lung.to_indices(corners))
    return indices.min(axis=0), indices.max(axis=0)


def _check_lungs(lungs: Scan) -> None:
    name = "lung mask" if lungs.path is None else str(lungs.path)
    top = int(lungs.voxels.max(initial=0))
    if top == 0:
        raise InputError(f"{name}: holds no lung, so nothing can be measured; check that the scan shows the chest")
    if top > max(LUNGS) or lungs.voxels.min() < 0:
        raise InputError(f"{name}: has class {top}; give 0 outside, 1 in the right lung, 2 in the left one")
