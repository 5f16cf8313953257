"""Lung tissue without vessels: aerated, denser towards the back, with fissures and, in some, emphysema."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid
from groundglass.scans.phantom.person import Person


@dataclass(frozen=True, eq=False)
class LungVoxels:
    """Voxels that hold some lung, as flat arrays of length N.

    Args:
        grid: The slab they lie in.
        flat: Flat voxel number within the slab.
        side: 1 right, 2 left.
        depth: Distance from the rib cage, mm.
        cover: Part of the voxel that is lung or pleural space, 0 to 1.
        air: Part of the voxel that is lung, 0 to 1; less than ``cover`` where there is pleural fluid.
    """

    grid: Grid
    flat: NDArray[np.intp]
    side: NDArray[np.uint8]
    depth: Floats
    cover: Floats
    air: Floats

    @property
    def points(self) -> Floats:
        """``(3, N)`` mm, rows ``z, y, x``; worked out anew at each call, to hold less."""
        return self.grid.points(self.flat)

    @property
    def is_fluid(self) -> NDArray[np.bool_]:
        """Voxels of the pleural space that fluid has taken from the lung."""
        taken: NDArray[np.bool_] = (self.cover >= 0.5) & (self.air < 0.5)
        return taken

    @property
    def is_lung(self) -> NDArray[np.bool_]:
        """Voxels of which at least half is lung."""
        inside: NDArray[np.bool_] = self.air >= 0.5
        return inside


def parenchyma_hu(voxels: LungVoxels, person: Person) -> Floats:
    """Density ``(N,)`` in HU of one person's healthy lung tissue."""
    noise, points = person.texture, voxels.points
    z, y, _ = points
    lobules, fine = noise(points, 16, 4), noise(points, 3, 5)
    hu = person.lung + person.gravity * y / 150 + 16 * lobules + 16 * fine + 22 * np.maximum(fine, 0) ** 2
    if person.emphysema:
        lost = 1 / (1 + np.exp(-9 * (noise(points, 8, 6) + lobules - 2.0 + 2 * person.emphysema + z / 150)))
        hu += (-975 - hu) * lost
    hu += _dependent(voxels.depth, y, z, person, lobules)
    hu += _fissures(points, voxels, person)
    tissue: Floats = hu.astype(np.float32)
    return tissue


def _dependent(depth: Floats, y: Floats, z: Floats, person: Person, lobules: Floats) -> Floats:
    """Dependent opacity: collapsed lung along the back of a person who lies on it; no disease."""
    back = 1 / (1 + np.exp(-(y - 62 * person.depth) / 7)) / (1 + np.exp((z - 10) / 30))
    thickness = 4 + 4 * np.clip(1 + 0.6 * lobules, 0, 3)
    opacity: Floats = person.dependent * 420 * back * np.exp(-np.maximum(depth, 0) / thickness)
    return opacity


def _fissures(points: Floats, voxels: LungVoxels, person: Person) -> Floats:
    """Thin sheets between the lobes: oblique on both sides, level on the right in front."""
    z, y, x = points
    sway = 4 * person.texture(points, 45, 7)
    oblique = (z + 8 - 0.95 * y + sway - 0.0015 * x * x) / 1.38
    level = np.where((voxels.side == 1) & (oblique > 0), z - 12 + 0.08 * np.abs(x) + sway, 99.0)
    slice_mm = voxels.grid.spacing[0]
    # A sheet 0.9 mm thick spreads over the extent of a voxel along its normal.
    extent = (max(0.6 * slice_mm, 2.0), max(slice_mm, 2.0))
    sheets = [0.9 / e * np.maximum(1 - np.abs(d) / e, 0) for d, e in zip((oblique, level), extent, strict=True)]
    density: Floats = 600 * np.maximum(sheets[0], sheets[1])
    return density
