"""Where pneumonia takes hold: a landscape whose highest ground is diseased."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from groundglass.scans.phantom.disease import Disease
from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid


@dataclass(frozen=True, eq=False)
class Landscape:
    """Heights in mm on a coarse grid; the slope is about 1, so a height is a distance to the edge of a lesion.

    Args:
        disease: What is spread.
        grid: The coarse grid.
        heights: ``(D, H, W)`` on it.
        size: Typical radius of a lesion in mm.
    """

    disease: Disease
    grid: Grid
    heights: Floats
    size: float

    def at(self, points: Floats) -> Floats:
        """Height ``(N,)`` in mm at ``points`` ``(3, N)`` mm, ragged at three scales."""
        corner = np.array([[self.grid.z[0]], [self.grid.y[0]], [self.grid.x[0]]])
        cells = (points - corner) / np.array(self.grid.spacing)[:, None]
        smooth = ndimage.map_coordinates(self.heights, cells, order=1, mode="nearest", output=np.float32)
        rough, medium, fine = (self.disease.texture(points, scale, i) for i, scale in enumerate((14, 6, 3)))
        ragged = self.disease.raggedness * self.size * (0.45 * rough + 0.35 * medium + 0.18 * fine)
        height: Floats = smooth + ragged.astype(np.float32)
        return height


def spread(rng: np.random.Generator, disease: Disease, grid: Grid, lungs: NDArray[np.uint8]) -> Landscape:
    """Lay out the seeds of a disease: near the pleura, to the back, low, and in both lungs.

    Args:
        rng: Source of their places and sizes.
        disease: What is spread.
        grid: A coarse grid.
        lungs: ``(D, H, W)`` on that grid: 1 right, 2 left.
    """
    depth, nearest = ndimage.distance_transform_edt(lungs == 0, grid.spacing, return_indices=True)
    near, side = np.flatnonzero(depth < 9), lungs[tuple(nearest)]
    depth = ndimage.distance_transform_edt(lungs, grid.spacing).astype(np.float32).ravel()[near]
    points, side = grid.points(near).T, side.ravel()[near]
    liking = _liking(points, depth) * np.where(side == disease.worse_side, 1, disease.other_side)
    chance = np.where(lungs.ravel()[near] > 0, liking, 0).astype(float)
    sizes = _sizes(rng, disease, np.count_nonzero(lungs) * float(np.prod(grid.spacing)))
    heights = np.full(len(near), -200, np.float32)
    for seed, size in zip(rng.choice(len(near), size=len(sizes), p=chance / chance.sum()), sizes, strict=True):
        if rng.random() < disease.crescent:
            rise = _crescent(rng, points - points[seed], depth, size)
        else:
            rise = _ball(rng, points - points[seed], size)
        np.maximum(heights, rise - 60 * (side != side[seed]), out=heights)
    field = np.full(lungs.shape, -260, np.float32)
    field.ravel()[near] = heights + 6 * np.log(np.maximum(liking, 1e-3))
    return Landscape(disease, grid, field, float(np.clip(np.median(sizes), 6, 22)))


def _sizes(rng: np.random.Generator, disease: Disease, lung_volume: float) -> Floats:
    """Radii in mm whose balls together have the diseased volume; a large burden has at least three seeds."""
    count = max(disease.seeds, 3) if disease.burden > 0.08 else disease.seeds
    sizes = rng.lognormal(0, 0.45, count)
    sizes *= (disease.burden * lung_volume / (4.2 * (sizes**3).sum())) ** (1 / 3)
    radii: Floats = np.clip(sizes, 5, 70).astype(np.float32)
    return radii


def _liking(points: Floats, depth: Floats) -> Floats:
    """How readily disease begins at ``points`` ``(N, 3)`` mm, ``depth`` mm from the pleura."""
    back, low = 1 / (1 + np.exp(-(points[:, 1] - 20) / 16)), 1 / (1 + np.exp((points[:, 0] + 10) / 32))
    liking: Floats = np.exp(-depth / 11) * (0.08 + back) * (0.15 + low)
    return liking


def _stretch(rng: np.random.Generator) -> Floats:
    stretch = rng.uniform(0.65, 1.5, 3)
    even: Floats = (stretch / stretch.prod() ** (1 / 3)).astype(np.float32)
    return even


def _crescent(rng: np.random.Generator, offset: Floats, depth: Floats, size: np.float32) -> Floats:
    """How far (mm) each voxel lies inside a band along the pleura."""
    along = np.sqrt(((offset / _stretch(rng)) ** 2).sum(axis=1)) / (1.5 * size)
    band = (depth - 2) / np.float32(size * rng.uniform(0.3, 0.7) + 3)
    rise: Floats = 0.7 * size * (1 - np.sqrt(along**2 + band**2))
    return rise


def _ball(rng: np.random.Generator, offset: Floats, size: np.float32) -> Floats:
    """How far (mm) each voxel lies inside a turned, stretched ball."""
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    rise: Floats = size - np.sqrt((((offset @ turn.astype(np.float32)) / _stretch(rng)) ** 2).sum(axis=1))
    return rise
