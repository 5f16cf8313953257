"""The voxel grid of a phantom, in millimeters about the middle of the chest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxel centers along each axis; the origin is the middle of the chest.

    Args:
        z: ``(D,)`` mm, feet to head.
        y: ``(H,)`` mm, front to back.
        x: ``(W,)`` mm, patient right to left.
        spacing: Voxel size in mm along ``(D, H, W)``.
    """

    z: Floats
    y: Floats
    x: Floats
    spacing: tuple[float, float, float]

    @classmethod
    def centered(cls, shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Grid:
        """A grid of ``shape`` voxels whose middle is the origin."""
        z, y, x = (((np.arange(n) - (n - 1) / 2) * mm).astype(np.float32) for n, mm in zip(shape, spacing, strict=True))
        return cls(z, y, x, spacing)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along ``(D, H, W)``."""
        return len(self.z), len(self.y), len(self.x)

    @property
    def affine(self) -> NDArray[np.float64]:
        """``(4, 4)`` voxel index ``(d, h, w)`` to LPS mm ``(x, y, z)``."""
        affine = np.zeros((4, 4))
        affine[[2, 1, 0], [0, 1, 2]] = self.spacing
        affine[:, 3] = self.x[0], self.y[0], self.z[0], 1
        return affine

    def slabs(self, voxels: int = 3_000_000) -> Iterator[tuple[slice, Grid]]:
        """Cut along ``D`` into slabs of about ``voxels``, so that temporaries stay small."""
        depth = max(1, voxels // (len(self.y) * len(self.x)))
        for start in range(0, len(self.z), depth):
            part = slice(start, min(start + depth, len(self.z)))
            yield part, Grid(self.z[part], self.y, self.x, self.spacing)

    def box(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[slice, slice, slice]:
        """The voxels between two corners, each given as ``(x, y, z)`` mm; a slice may be empty."""
        axes = zip((self.z, self.y, self.x), low[::-1], high[::-1], strict=True)
        a, b, c = (slice(*np.searchsorted(axis, (lo, hi)).tolist()) for axis, lo, hi in axes)
        return a, b, c

    def points(self, flat: NDArray[np.intp]) -> Floats:
        """Flat voxel numbers ``(N,)`` to ``(3, N)`` mm, rows ``z, y, x``."""
        d, h, w = np.unravel_index(flat, self.shape)
        return np.stack([self.z[d], self.y[h], self.x[w]])
