"""Smooth random fields: the texture of tissue and the bending of a body."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid


class Texture:
    """A periodic block of smooth noise, read at any scale; each ``channel`` is another, independent-looking field.

    Args:
        rng: Source of the noise.
        size: Cells along each side of the block.
        smoothness: Standard deviation of the smoothing, in cells.
    """

    def __init__(self, rng: np.random.Generator, size: int = 64, smoothness: float = 1.2) -> None:
        block = ndimage.gaussian_filter(rng.standard_normal((size,) * 3, dtype=np.float32), smoothness, mode="wrap")
        self.block = block / block.std()
        self.smoothness = smoothness
        self.offsets = rng.uniform(0, size, (32, 3, 1)).astype(np.float32)

    def __call__(self, points: Floats, scale: float, channel: int) -> Floats:
        """Noise of mean 0 and deviation 1 at ``points`` ``(3, N)`` mm, correlated over about ``scale`` mm."""
        cells = points * np.float32(self.smoothness / scale) + self.offsets[channel]
        values: Floats = ndimage.map_coordinates(self.block, cells, order=1, mode="grid-wrap", output=np.float32)
        return values


class Warp:
    """A smooth sideways displacement of the body, a sum of a few slow cosines along each axis.

    Args:
        rng: Source of the coefficients.
        amplitude: Standard deviation of the displacement in mm.
        waves: Cosines along each axis.
        extent: Half the length in mm over which they run.
    """

    def __init__(self, rng: np.random.Generator, amplitude: float, waves: int = 6, extent: float = 200.0) -> None:
        order = np.arange(waves)
        damping = np.exp(-(order[:, None, None] ** 2 + order[:, None] ** 2 + order**2) / 14.0)
        damping[0, 0, 0] = 0
        weights = rng.standard_normal((2, waves, waves, waves)) * damping
        self.weights = (weights * amplitude / np.sqrt((damping**2).sum() / 8)).astype(np.float32)
        self.waves, self.extent = waves, extent

    def __call__(self, grid: Grid) -> tuple[Floats, Floats]:
        """The bent coordinates ``(Y, X)``, each ``(D, H, W)`` mm."""
        bases = [self._basis(axis) for axis in (grid.z, grid.y, grid.x)]
        shift = [np.einsum("ijk,di,hj,wk->dhw", w, *bases, optimize=True) for w in self.weights]
        return shift[0] + grid.y[None, :, None], shift[1] + grid.x[None, None, :]

    def _basis(self, axis: Floats) -> Floats:
        phase = (axis[:, None] / self.extent + 1) * (np.pi / 2) * np.arange(self.waves)
        basis: Floats = np.cos(phase).astype(np.float32)
        return basis


def ramp(distance: Floats, width: float | Floats) -> Floats:
    """The part of a voxel ``width`` mm wide that lies inside a surface at signed ``distance`` mm (inside < 0)."""
    inside: Floats = np.clip(0.5 - distance / np.asarray(width, np.float32), 0, 1)
    return inside
