"""A scan: voxels, where they lie in the patient, and what their numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Intensity = Literal["hu", "display", "mask"]


@dataclass(frozen=True, eq=False)
class Scan:
    """Voxels with their geometry. Geometry lives here and nowhere else.

    Every array of the package is ordered ``(D, H, W)`` and every affine maps a voxel index ``(d, h, w, 1)`` to
    patient coordinates ``(x, y, z, 1)`` in **LPS millimeters** (x to the left, y to the back, z to the head).
    A file's own axis order is kept when it is read, so a mask made on a scan lies on the grid of the file.

    Args:
        voxels: Array ``(D, H, W)``; Hounsfield units, 8-bit grey values or mask classes.
        affine: ``(4, 4)`` voxel index to LPS mm.
        intensity: ``"hu"``, ``"display"`` (8-bit grey, 0..255) or ``"mask"``.
        path: The file or folder it came from, for messages only.
        measured: Whether the size of a voxel is known; a picture does not state it and has 1 mm for want of better.

    Raises:
        ValueError: If the voxels are not 3-D or the affine is not an invertible 4 x 4 matrix.

    Example:
        >>> scan = Scan(np.zeros((2, 3, 4)), np.diag([5.0, 1.0, 1.0, 1.0]), "hu")
        >>> scan.spacing
        (5.0, 1.0, 1.0)
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    intensity: Intensity
    path: Path | None = None
    measured: bool = True

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3:
            raise ValueError(f"voxels must be (D, H, W), not of shape {self.voxels.shape}")
        if self.affine.shape != (4, 4) or not abs(np.linalg.det(self.affine)) >= 1e-9:  # NaN is not
            raise ValueError("affine must be an invertible 4 x 4 matrix")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along ``(D, H, W)``."""
        depth, height, width = self.voxels.shape
        return depth, height, width

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along ``(D, H, W)``."""
        depth, height, width = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(depth), float(height), float(width)

    def with_voxels(self, voxels: NDArray[Any], intensity: Intensity | None = None) -> Scan:
        """The same grid with other voxels, for instance a mask of this scan."""
        if voxels.shape != self.voxels.shape:
            raise ValueError(f"voxels of shape {voxels.shape} do not fit the grid {self.voxels.shape}")
        return replace(self, voxels=voxels, intensity=intensity or self.intensity)

    def slab(self, first: int, last: int) -> Scan:
        """Slices ``first`` to ``last - 1``, at their place in the patient."""
        affine = self.affine.copy()
        affine[:3, 3] += first * affine[:3, 0]
        return replace(self, voxels=self.voxels[first:last], affine=affine)

    def to_mm(self, indices: NDArray[Any]) -> NDArray[np.float64]:
        """Voxel indices ``(N, 3)`` in ``(d, h, w)`` order to LPS mm ``(N, 3)``."""
        return apply_affine(self.affine, indices)

    def to_indices(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """LPS mm ``(N, 3)`` to fractional voxel indices ``(N, 3)``."""
        return apply_affine(np.linalg.inv(self.affine), points)


def apply_affine(affine: NDArray[np.floating[Any]], points: NDArray[Any]) -> NDArray[np.float64]:
    """Map points ``(N, 3)`` by a ``(4, 4)`` affine."""
    return np.asarray(np.asarray(points, float) @ affine[:3, :3].T + affine[:3, 3], float)


def resized_affine(
    affine: NDArray[np.floating[Any]], shape: tuple[int, ...], new_shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """The affine of the same box of tissue cut into ``new_shape`` instead of ``shape`` voxels.

    Voxel *edges* stay where they are (``align_corners=False``), so the first center moves by half the difference.
    """
    factor = np.asarray(shape, float) / np.asarray(new_shape, float)
    resized = np.array(affine, float)
    resized[:3, :3] = affine[:3, :3] * factor
    resized[:3, 3] = affine[:3, 3] + affine[:3, :3] @ ((factor - 1) / 2)
    return resized
