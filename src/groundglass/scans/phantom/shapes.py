"""Signed distances (mm, negative inside) to simple solids, worked out only near the solid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.grid import Grid
from groundglass.scans.phantom.person import Person

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Frame:
    """A grid seen in the coordinates of the reference adult: scaled and bent for one person.

    Args:
        grid: Where the voxels are.
        z: ``(D, 1, 1)`` reference mm.
        y: ``(D, H, W)`` reference mm.
        x: ``(D, H, W)`` reference mm.
    """

    grid: Grid
    z: Floats
    y: Floats
    x: Floats

    @classmethod
    def of(cls, grid: Grid, person: Person) -> Frame:
        """The frame of ``person`` on ``grid``."""
        y, x = person.warp(grid)
        z = (grid.z / person.height)[:, None, None]
        return cls(grid, z, y / np.float32(person.depth), x / np.float32(person.width))

    def near(self, person: Person, low: Floats, high: Floats) -> Box:
        """The voxels that may lie between two reference corners ``(x, y, z)``, bending included."""
        scale = np.array([person.width, person.depth, person.height])
        return self.grid.box(low * scale - (16, 16, 1), high * scale + (16, 16, 1))


@dataclass(frozen=True, eq=False)
class Tube:
    """A bent pipe: points ``(N, 3)`` as ``(x, y, z)`` reference mm with a radius at each."""

    points: Floats
    radii: Floats

    def scaled(self, factor: float, add: float = 0.0) -> Tube:
        """The same course with other radii."""
        return Tube(self.points, self.radii * factor + add)

    def distances(self, frame: Frame, person: Person, margin: float) -> Iterator[tuple[Box, Floats]]:
        """Distance to each piece of the pipe, in the box that reaches ``margin`` mm around the piece."""
        for a, b, ra, rb in zip(self.points, self.points[1:], self.radii, self.radii[1:], strict=False):
            reach = max(ra, rb) + margin
            box = frame.near(person, np.minimum(a, b) - reach, np.maximum(a, b) + reach)
            if frame.x[box].size:
                yield box, _cone(frame, box, a, b, ra, rb)


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """An ellipsoid: center and radii ``(x, y, z)`` reference mm; rows of ``axes`` are its directions."""

    center: Floats
    radii: Floats
    axes: Floats

    def distances(self, frame: Frame, person: Person, margin: float) -> Iterator[tuple[Box, Floats]]:
        """Distance to the surface (first order), in the box that reaches ``margin`` mm around it."""
        reach = np.abs(self.axes.T) @ self.radii + margin
        box = frame.near(person, self.center - reach, self.center + reach)
        if frame.x[box].size:
            offset = [frame.x[box] - self.center[0], frame.y[box] - self.center[1], frame.z[box[0]] - self.center[2]]
            along = [sum(o * np.float32(c) for o, c in zip(offset, axis, strict=True)) for axis in self.axes]
            k0 = sum((a / np.float32(r)) ** 2 for a, r in zip(along, self.radii, strict=True)) ** 0.5
            k1 = sum((a / np.float32(r * r)) ** 2 for a, r in zip(along, self.radii, strict=True)) ** 0.5
            yield box, k0 * (k0 - 1) / np.maximum(k1, 1e-6)


Solid = Tube | Ellipsoid


def tube(points: list[tuple[float, float, float]], *radii: float) -> Tube:
    """A pipe through ``(x, y, z)`` points; radii are spread evenly along it."""
    course = np.array(points, float)
    return Tube(course, np.interp(np.linspace(0, 1, len(course)), np.linspace(0, 1, len(radii)), radii))


def smooth_min(a: Floats, b: Floats, blend: float) -> Floats:
    """Minimum of two distances with the crease rounded over ``blend`` mm (Quilez, polynomial smooth minimum)."""
    h = np.maximum(blend - np.abs(a - b), 0) / np.float32(blend)
    joined: Floats = np.minimum(a, b) - h * h * np.float32(blend / 4)
    return joined


def _cone(frame: Frame, box: Box, a: Floats, b: Floats, ra: float, rb: float) -> Floats:
    x, y, z = (v - np.float32(c) for v, c in zip((frame.x[box], frame.y[box], frame.z[box[0]]), a, strict=True))
    u, v, w = (b - a).astype(np.float32)
    t = np.clip((x * u + y * v + z * w) / np.float32((b - a) @ (b - a) + 1e-6), 0, 1)
    distance: Floats = np.sqrt((x - t * u) ** 2 + (y - t * v) ** 2 + (z - t * w) ** 2) - (ra + t * np.float32(rb - ra))
    return distance
