"""Everything but the lungs: body wall, table, what lies between the lungs, and the upper abdomen."""

from __future__ import annotations

import numpy as np

from groundglass.scans.phantom.bones import paint_bones
from groundglass.scans.phantom.fields import ramp
from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.lungs import LungSpace
from groundglass.scans.phantom.organs import abdomen
from groundglass.scans.phantom.organs import airways
from groundglass.scans.phantom.organs import organs
from groundglass.scans.phantom.person import Person
from groundglass.scans.phantom.shapes import Frame
from groundglass.scans.phantom.shapes import Solid

AIR, FAT, SKIN, MUSCLE, LIVER = -1000.0, -102.0, 15.0, 52.0, 58.0
_BRONCHIAL_WALL = 1.3
# Reference body by height z (mm): half-width, half-depth and middle (y), without the fat under the skin.
_BODY = np.array([
    [-160, 150, 112, 2], [-60, 156, 115, 0], [0, 160, 111, 2], [50, 170, 104, 6], [90, 195, 92, 12], [140, 225, 78, 18],
])  # fmt: skip


def body_hu(frame: Frame, person: Person, space: LungSpace) -> Floats:
    """Density ``(D, H, W)`` in HU of a body whose lungs are still filled with soft tissue."""
    hu = np.full(frame.x.shape, AIR, np.float32)
    _paint_table(hu, frame, person)
    _paint_wall(hu, frame, person, space)
    _paint_inside(hu, frame, person, space)
    paint_bones(hu, frame, person, space.wall)
    return hu


def _outline(frame: Frame, person: Person) -> Floats:
    """Distance to the skin, along rays from the middle."""
    half_width, half_depth, middle = (np.interp(frame.z, *_BODY[:, [0, i]].T).astype(np.float32) for i in (1, 2, 3))
    half_width, half_depth = half_width + 0.8 * person.fat, half_depth + 0.6 * person.fat
    y = frame.y - middle
    if person.breast:
        bump = np.exp(-(((np.abs(frame.x) - 84) / 50) ** 2 + ((frame.z + 10) / 52) ** 2)) * (y < 0)
        half_depth = half_depth + np.float32(person.breast) * bump
    furrow = 5 * np.exp(-((frame.x / 14) ** 2)) * (y > 0)
    u, v = (frame.x / half_width) ** 2, (y / (half_depth - furrow)) ** 2
    norm = 0.55 * np.sqrt(u + v) + 0.45 * np.sqrt(np.sqrt(u * u + v * v))
    distance: Floats = np.sqrt(frame.x**2 + y * y) * (1 - 1 / np.maximum(norm, 1e-3))
    return distance


def _paint_wall(hu: Floats, frame: Frame, person: Person, space: LungSpace) -> None:
    """Skin, fat, and muscle with fat between its layers."""
    skin = _outline(frame, person)
    shell = np.flatnonzero((skin < 2) & (space.wall > -2))
    depth, points = -skin.ravel()[shell], frame.grid.points(shell)
    coarse, fine = person.texture(points, 16, 0), person.texture(points, 5, 1)
    fat_depth = person.fat * (1 + 0.25 * coarse) + 3
    planes = np.minimum(np.abs(depth - fat_depth - 13 - 4 * coarse), 6 * np.abs(coarse + 0.3))
    tissue = MUSCLE + 8 * fine + (FAT - MUSCLE) * np.maximum(0.8 * ramp(planes - 0.8, 3), ramp(2.2 - fine, 1))
    tissue += (FAT + 6 * fine - tissue) * ramp(depth - fat_depth, 2.5)
    if person.breast:
        front = frame.y.ravel()[shell] + 70
        tissue += (25 - tissue) * ramp(0.4 - coarse - 0.4 * fine, 1) * ramp(front, 10) * ramp(6 - depth, 4)
    tissue += (SKIN - tissue) * ramp(depth - 1.5, 1.5)
    cover = ramp(-depth, 1.2 * frame.grid.spacing[2])
    flat = hu.ravel()
    flat[shell] += (tissue - flat[shell]) * cover


def _paint_inside(hu: Floats, frame: Frame, person: Person, space: LungSpace) -> None:
    """Fat and organs between the lungs; liver, stomach and spleen below the diaphragm."""
    inside = np.flatnonzero((space.wall < 1) & (space.cover < 1))
    fine = person.texture(frame.grid.points(inside), 6, 2)
    below = ramp(space.above.ravel()[inside] + 3, 4)
    fat = FAT + 25 * np.maximum(fine, 0) + 90 * ramp(-space.wall.ravel()[inside] - 2, 3)
    liver = ramp(frame.x.ravel()[inside] - 24 + 6 * fine, 6)
    tissue = fat + below * (FAT + (LIVER - FAT) * liver + 4 * fine - fat)
    hu.ravel()[inside] = tissue + (MUSCLE - tissue) * ramp(np.abs(space.above.ravel()[inside]) - 1.5, 2)
    for organ in abdomen():
        _paint(hu, frame, person, organ.solid, organ.hu, space.above + 4)
    for organ in organs(person):
        _paint(hu, frame, person, organ.solid, organ.hu, None)
    for lumen in airways():
        _paint(hu, frame, person, lumen.scaled(1.0, _BRONCHIAL_WALL), 30.0, None)
    for lumen in airways():
        _paint(hu, frame, person, lumen, AIR, None)


def _paint(hu: Floats, frame: Frame, person: Person, solid: Solid, value: float, outside: Floats | None) -> None:
    """Blend one solid in, where ``outside`` is negative."""
    width = 1.2 * frame.grid.spacing[2]
    for box, distance in solid.distances(frame, person, 4):
        limited = distance if outside is None else np.maximum(distance, outside[box])
        hu[box] += (np.float32(value) - hu[box]) * ramp(limited, width)


def _paint_table(hu: Floats, frame: Frame, person: Person) -> None:
    """Two curved sheets with foam between; they stay put while bodies differ."""
    grid = frame.grid
    top = person.depth * (113 + 0.6 * person.fat) + 6 + person.table
    height = grid.y[:, None] - top + grid.x[None, :] ** 2 / 2000
    hu += (60 * ramp(np.abs(height - 14) - 13, 2) + 750 * ramp(np.abs(height) - 1, 2 * grid.spacing[1]))[None]
    hu += (600 * ramp(np.abs(height - 28) - 1, 2 * grid.spacing[1]))[None]
