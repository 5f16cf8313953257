"""Lesions in lung tissue: ground-glass, consolidation and, now and then, pleural fluid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.scans.phantom.disease import Disease
from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.lungs import LungSpace
from groundglass.scans.phantom.parenchyma import LungVoxels
from groundglass.scans.phantom.shapes import Frame
from groundglass.scans.phantom.spread import Landscape

GROUND_GLASS, CONSOLIDATION, EFFUSION = 1, 2, 3
_SPECK_MM3 = 150.0


@dataclass(frozen=True, eq=False)
class Growth:
    """How deep in disease each lung voxel lies; flat arrays ``(N,)`` in mm.

    Args:
        height: In the landscape of the disease.
        solidity: Tendency to consolidate.
    """

    height: Floats
    solidity: Floats

    def at(self, picked: NDArray[np.bool_]) -> Growth:
        """The same for some of the voxels."""
        return Growth(self.height[picked], self.solidity[picked])


@dataclass(frozen=True)
class Levels:
    """Height above which lung is diseased, and solidity above which it is consolidated."""

    height: float
    solidity: float


def growth(landscape: Landscape, points: Floats) -> Growth:
    """Consolidation forms deep inside a lesion, in clumps of its own; ``points`` is ``(3, N)`` mm."""
    height, noise = landscape.at(points), landscape.disease.texture
    solidity = 0.6 * height + 7 * noise(points, 11, 10) + 3.5 * noise(points, 3.5, 11)
    return Growth(height, solidity.astype(np.float32))


def levels(disease: Disease, lung: Growth) -> Levels:
    """The levels that give the wanted burden, from the growth at every lung voxel of the scan."""
    height = float(np.quantile(lung.height, 1 - disease.burden))
    inside = lung.solidity[lung.height > height]
    if not inside.size or disease.consolidated == 0:
        return Levels(height, np.inf)
    return Levels(height, float(np.quantile(inside, 1 - disease.consolidated)))


def classify(voxels: LungVoxels, grown: Growth, level: Levels) -> NDArray[np.uint8]:
    """Class ``(N,)`` of each voxel: 0 healthy, 1 ground-glass, 2 consolidation."""
    diseased = voxels.is_lung & (grown.height > level.height)
    kind = np.where(grown.solidity > level.solidity, CONSOLIDATION, GROUND_GLASS) * diseased
    return kind.astype(np.uint8)


def specks(lesions: NDArray[np.uint8], voxel_mm3: float) -> NDArray[np.bool_]:
    """Lesion components ``(D, H, W)`` under 0.15 ml, which no reader would mark."""
    names, _ = ndimage.label(lesions > 0)
    small = np.bincount(names.ravel()) * voxel_mm3 < _SPECK_MM3
    small[0] = False
    is_speck: NDArray[np.bool_] = small[names]
    return is_speck


def diseased_hu(hu: Floats, disease: Disease, points: Floats, grown: Growth, level: Levels) -> Floats:
    """Density ``(N,)`` in HU of lung tissue ``hu`` with its lesions; edges are soft about the edge of the mask."""
    noise = disease.texture
    wide, patch = noise(points, 22, 4), 0.7 * noise(points, 7, 5) + 0.8 * noise(points, 2.5, 7)
    glass = disease.density + 0.6 * disease.patchiness * wide + disease.patchiness * patch
    if disease.reticulation:
        glass += disease.reticulation * np.exp(-((noise(points, 6, 6) / 0.25) ** 2)) - 30
    glass = np.maximum(np.clip(glass, -770, -260), hu + 40)
    inside = grown.height - level.height
    opacity = np.clip(0.5 + inside / (2 * disease.edge * np.clip(0.8 + 0.5 * wide, 0.3, 2)), 0, 1)
    solid = np.clip(0.5 + (grown.solidity - level.solidity) / 4, 0, 1) * np.clip(1 + inside / 2, 0, 1)
    sick: Floats = hu + opacity * (glass - hu)
    sick += solid * (-15 + 22 * patch + 12 * wide - sick)
    return sick


def aerated_cover(disease: Disease | None, frame: Frame, space: LungSpace) -> Floats:
    """Part of each voxel ``(D, H, W)`` that is lung: pleural fluid lies along the back and keeps lung from the wall."""
    if disease is None or not any(disease.fluid):
        return space.cover
    thickness = np.where(space.side == 1, *disease.fluid) * np.clip((50 - frame.z) / 110, 0, 1)
    layer = thickness * np.clip((frame.y - 8) / 55, 0, 1)
    free = np.clip(0.5 + (-space.wall - layer) / frame.grid.spacing[2], 0, 1)
    cover: Floats = np.where(layer > 0, np.minimum(space.cover, free), space.cover).astype(np.float32)
    return cover
