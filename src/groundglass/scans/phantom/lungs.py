"""The space of the lungs: rib cage, less what lies between the lungs, above the diaphragm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from groundglass.scans.phantom.fields import ramp
from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.organs import airways
from groundglass.scans.phantom.organs import organs
from groundglass.scans.phantom.person import Person
from groundglass.scans.phantom.shapes import Frame
from groundglass.scans.phantom.shapes import smooth_min

# Reference adult by height z (mm): half-width, half-depth and middle (y) of the rib cage's inside.
_CAGE = np.array([
    [-160, 130, 92, 0], [-90, 135, 95, -2], [-30, 134, 94, -2], [20, 128, 88, 0],
    [60, 117, 79, 5], [90, 102, 68, 11], [112, 86, 57, 17], [140, 66, 44, 22],
])  # fmt: skip
# Half-width of the wall between the lungs by depth y: at mid-chest, and above the aortic arch.
_WALL = np.array([
    [-110, 26, 34], [-92, 12, 26], [-78, 3.5, 20], [-55, 6, 22], [-30, 14, 23], [-5, 20, 24], [15, 22, 24],
    [38, 18, 21], [50, 20, 21], [62, 22, 23], [74, 26, 27], [84, 34, 33], [100, 60, 60],
])  # fmt: skip


@dataclass(frozen=True, eq=False)
class LungSpace:
    """Signed distances in mm, negative inside, each ``(D, H, W)``, and the lungs that follow.

    Args:
        wall: To the inside of the rib cage.
        middle: To the mediastinum, positive outside it.
        above: Height above the diaphragm, positive above it.
        side: 1 on the right of the wall between the lungs, 2 on the left.
        cover: Part of each voxel that is lung or pleural space, 0 to 1.
    """

    wall: Floats
    middle: Floats
    above: Floats
    side: NDArray[np.uint8]
    cover: Floats

    def labels(self) -> NDArray[np.uint8]:
        """``(D, H, W)``: 0 none, 1 right lung, 2 left lung."""
        return self.side * (self.cover >= 0.5)


def lung_space(frame: Frame, person: Person) -> LungSpace:
    """The space of both lungs on a grid."""
    wall, middle, above = cage_distance(frame, person), _middle_distance(frame, person), _diaphragm(frame, person)
    dz, _, dx = frame.grid.spacing
    heart = np.exp(-(((frame.z + 45) / 40) ** 2)) * (frame.y < 20)
    cover = ramp(wall, 1.2 * dx)
    np.minimum(cover, ramp(-middle, 1.2 * dx + person.motion * heart), out=cover)
    np.minimum(cover, ramp(-above, max(dz, 1.2 * dx) + person.motion / 2), out=cover)
    np.minimum(cover, ramp(_apex(frame, person), dz), out=cover)
    return LungSpace(wall, middle, above, np.where(frame.x < 0, 1, 2).astype(np.uint8), cover)


def cage_distance(frame: Frame, person: Person) -> Floats:
    """Distance to the inside of the rib cage, along rays from its middle."""
    half_width, half_depth, middle = (_by_height(frame, column) for column in (1, 2, 3))
    notch = 7 * np.exp(-((frame.x / 24) ** 2)) * (frame.y < 0)
    y = frame.y - middle
    u, v = (frame.x / half_width) ** 2, (y / (half_depth - notch)) ** 2
    mix = np.float32(0.15 + 0.35 * person.squareness)
    norm = (1 - mix) * np.sqrt(u + v) + mix * np.sqrt(np.sqrt(u * u + v * v))
    distance: Floats = np.sqrt(frame.x**2 + y * y) * (1 - 1 / np.maximum(norm, 1e-3))
    return distance


def spine_y(z: Floats) -> Floats:
    """Depth of the middle of the vertebral bodies at height ``z``: the back is bent."""
    bend: Floats = 59 - 14 * ((z - 0) / 130) ** 2 * np.where(z > 0, 1.0, 0.35)
    return bend.astype(np.float32)


def _by_height(frame: Frame, column: int) -> Floats:
    values: Floats = PchipInterpolator(_CAGE[:, 0], _CAGE[:, column])(np.clip(frame.z, -160, 140)).astype(np.float32)
    return values


def _middle_distance(frame: Frame, person: Person) -> Floats:
    distance: Floats = np.abs(frame.x) - _wall_half_width(frame)
    for organ in organs(person):
        for box, solid in organ.solid.distances(frame, person, organ.margin + 12):
            distance[box] = smooth_min(distance[box], solid - np.float32(organ.margin), 10)
    for lumen in airways():
        for box, solid in lumen.distances(frame, person, 12):
            distance[box] = smooth_min(distance[box], solid - np.float32(2.8), 5)
    _add_fat_lobules(distance, frame, person)
    return distance


def _add_fat_lobules(distance: Floats, frame: Frame, person: Person) -> None:
    """Make the surface bumpy, as the fat around the heart is."""
    near = np.flatnonzero(np.abs(distance) < 8)
    points = frame.grid.points(near)
    distance.ravel()[near] -= (0.5 + 0.35 * person.mediastinal_fat) * person.texture(points, 13, 8)


def _wall_half_width(frame: Frame) -> Floats:
    """Half-width ``(D, H, W)`` of the wall between the lungs: thin in front at mid-chest, thick above and behind."""
    depth = frame.y + (59 - spine_y(frame.z)) * np.clip((frame.y + 20) / 50, 0, 1)
    high = 1 / (1 + np.exp(-(frame.z - 76) / 7))
    low = 1 / (1 + np.exp((frame.z + 30) / 9))
    wedge = low * (4 + 14 * np.exp(-(((frame.y + 82) / 24) ** 2)))
    middle, top = (np.interp(depth, _WALL[:, 0], _WALL[:, i]).astype(np.float32) for i in (1, 2))
    half_width: Floats = middle + (top - middle) * high + wedge * (frame.y < 0)
    return half_width.astype(np.float32)


def _diaphragm(frame: Frame, person: Person) -> Floats:
    """Height above the diaphragm: two domes, steep at the sides and the back, flat towards the heart."""
    right, left = (_dome(frame, top, sign) for top, sign in zip(person.domes, (-1, 1), strict=True))
    return frame.z - np.where(frame.x < 0, right, left)


def _dome(frame: Frame, top: float, sign: int) -> Floats:
    across = sign * frame.x - 58
    u = across / np.where(across > 0, 76, 150)
    v = (frame.y + 12) / np.where(frame.y > -12, 96, 84)
    steep = np.clip((u * u + v * v), 0, 1.4) ** 1.5
    dome: Floats = (top - (36 + 34 * (frame.y > -12) * np.clip(v, 0, 1)) * steep).astype(np.float32)
    return dome


def _apex(frame: Frame, person: Person) -> Floats:
    """Height over the rounded tips of the lungs."""
    over = (np.abs(frame.x) - 50) ** 2 + (frame.y - 20) ** 2
    height: Floats = (frame.z - np.float32(person.apex) + over / 70) * np.float32(0.6)
    return height
