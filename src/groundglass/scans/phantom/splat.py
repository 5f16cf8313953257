"""Drawing thin pipes on a voxel grid with their exact volume, whatever the voxel size."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid
from groundglass.scans.phantom.trees import Branches

_PER_VOXEL = 16
# Steps of the R2 low-discrepancy sequence (Roberts, 2018), which spreads points evenly over a disc.
_STEP_ANGLE, _STEP_RADIUS = 0.7548776662, 0.5698402910


@dataclass(frozen=True, eq=False)
class Samples:
    """Points spread evenly through pipes: ``flat`` voxel number and ``part`` of that voxel each stands for."""

    flat: NDArray[np.intp]
    part: Floats

    def cover(self, start: int, stop: int) -> Floats:
        """Part of each voxel ``start..stop`` (flat numbers) that is filled, 0 to 1."""
        here = (self.flat >= start) & (self.flat < stop)
        filled = np.bincount(self.flat[here] - start, weights=self.part[here], minlength=stop - start)
        return np.minimum(filled, 1).astype(np.float32)


def sample_branches(branches: list[Branches], grid: Grid, *, hollow: bool) -> Samples:
    """Fill branches with evenly spread points.

    A pipe thinner than a voxel fills a part of it and is drawn faintly, as a scanner sees it.

    Args:
        branches: What to draw.
        grid: Where.
        hollow: Draw the wall around the lumen instead of the inside.
    """
    parts = [_sample(_near(b, grid), grid, hollow=hollow) for b in branches]
    return Samples(np.concatenate([p.flat for p in parts]), np.concatenate([p.part for p in parts]))


def _near(branches: Branches, grid: Grid) -> Branches:
    """The branches that may touch the field; a fine grid over a small field has to draw few."""
    ends = np.stack([branches.start, branches.control, branches.end])
    reach = (branches.radius.max(axis=1) + branches.wall)[:, None]
    first, last = ([float(axis[i]) for axis in (grid.z, grid.y, grid.x)] for i in (0, -1))
    near = ((ends.max(axis=0) + reach > first) & (ends.min(axis=0) - reach < last)).all(axis=1)
    return Branches(*(getattr(branches, field.name)[near] for field in fields(Branches)))


def _sample(branches: Branches, grid: Grid, *, hollow: bool) -> Samples:
    outer = branches.radius + branches.wall[:, None] if hollow else branches.radius
    inner = branches.radius if hollow else np.zeros_like(outer)
    length = np.linalg.norm(branches.end - branches.start, axis=1)
    volume = np.pi * length * (outer**2 - inner**2).mean(axis=1)
    count = np.ceil(_PER_VOXEL * volume / np.prod(grid.spacing) + 2 * length / min(grid.spacing)).astype(int)
    owner = np.repeat(np.arange(len(count)), count)
    order = np.arange(len(owner))
    number = order - np.repeat(np.cumsum(count) - count, count)
    t = ((number + 0.5) / count[owner])[:, None]
    start, control, end = (ends[owner] for ends in (branches.start, branches.control, branches.end))
    center = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    low, high = (r[owner, 0] + (r[owner, 1] - r[owner, 0]) * t[:, 0] for r in (inner, outer))
    radius = np.sqrt(low**2 + (order * _STEP_RADIUS % 1) * (high**2 - low**2))
    angle = 2 * np.pi * (order * _STEP_ANGLE % 1)
    first, second = (across[owner] for across in _across(branches.end - branches.start))
    points = center + (radius * np.cos(angle))[:, None] * first + (radius * np.sin(angle))[:, None] * second
    part = (volume / np.prod(grid.spacing) / count)[owner]
    voxel = np.rint((points - (grid.z[0], grid.y[0], grid.x[0])) / grid.spacing).astype(np.intp)
    inside = ((voxel >= 0) & (voxel < grid.shape)).all(axis=1)
    return Samples(np.ravel_multi_index(tuple(voxel[inside].T), grid.shape), part[inside].astype(np.float32))


def _across(direction: Floats) -> tuple[Floats, Floats]:
    """Two unit vectors per row, square to each ``direction`` ``(N, 3)`` and to each other."""
    ahead = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    helper = np.where(np.abs(ahead[:, :1]) < 0.9, np.array([[1.0, 0, 0]]), np.array([[0, 1.0, 0]]))
    first = np.cross(ahead, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    return first, np.cross(ahead, first)
