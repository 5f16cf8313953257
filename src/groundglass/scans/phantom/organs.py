"""What lies between the lungs: heart, great vessels, gullet and airways, as solids in reference mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.person import Person
from groundglass.scans.phantom.shapes import Ellipsoid
from groundglass.scans.phantom.shapes import Solid
from groundglass.scans.phantom.shapes import Tube
from groundglass.scans.phantom.shapes import tube

HILA = {1: (-49.0, 10.0, 4.0), 2: (50.0, 22.0, 8.0)}
"""Where vessels and bronchi enter the right (1) and the left (2) lung, ``(x, y, z)`` reference mm."""


@dataclass(frozen=True, eq=False)
class Organ:
    """A solid with its density in HU and the fat (mm) that parts it from the lung."""

    solid: Solid
    hu: float
    margin: float


def organs(person: Person) -> list[Organ]:
    """Heart, vessels and gullet, in painting order."""
    heart = [Organ(solid, hu, person.mediastinal_fat) for solid, hu in _heart(person)]
    vessels = [Organ(pipe.scaled(scale), person.blood, 1.5) for pipe, scale in _vessels(person)]
    gullet = Organ(tube([(2, 28, 150), (4, 34, 60), (6, 34, 0), (12, 26, -90)], 6, 8), 38.0, 2.0)
    return [*heart, gullet, *vessels]


def abdomen() -> list[Organ]:
    """Stomach with its bubble of air, spleen, and the aorta's neighbors below the diaphragm."""
    stomach = Ellipsoid(np.array([48, -12, -118.0]), np.array([42, 52, 36.0]), np.eye(3))
    bubble = Ellipsoid(np.array([52, -40, -114.0]), np.array([26, 16, 22.0]), np.eye(3))
    spleen = Ellipsoid(np.array([94, 36, -112.0]), np.array([28, 46, 40.0]), np.eye(3))
    return [Organ(stomach, 30.0, 0.0), Organ(bubble, -980.0, 0.0), Organ(spleen, 52.0, 0.0)]


def airways() -> list[Tube]:
    """The lumen of windpipe and main bronchi."""
    windpipe = tube([(1, -4, 160), (1, 4, 100), (0, 12, 52), (0, 14, 42)], 8.5, 8.5, 8.0)
    right = tube([(0, 14, 45), (-14, 14, 30), (-30, 14, 18), (-40, 16, 2)], 7.5, 7, 6, 4.5)
    left = tube([(0, 14, 45), (16, 15, 28), (34, 18, 16), (44, 20, 2)], 6.5, 6, 5.5, 4)
    upper = [tube([(-24, 14, 23), (-42, 12, 30)], 4.5, 3), tube([(32, 18, 17), (46, 12, 26)], 4.5, 3)]
    return [windpipe, right, left, *upper]


def _heart(person: Person) -> list[tuple[Solid, float]]:
    s, turn = person.heart, person.heart_turn
    chamber = 45.0 if person.blood < 60 else 0.75 * person.blood
    tip = _axes((56 + turn, -34, -42))
    ventricles = Ellipsoid(np.array([24 + turn / 2, -32, -50]), np.array([62, 44, 42]) * s, tip)
    cavity = Ellipsoid(np.array([28 + turn / 2, -33, -48]), np.array([42, 24, 22]) * s, tip)
    right_atrium = Ellipsoid(np.array([-22, -14, -34]), np.array([26, 30, 36]) * s, np.eye(3))
    left_atrium = Ellipsoid(np.array([6, 18, -12]), np.array([38, 20, 24]) * s, np.eye(3))
    outflow = Ellipsoid(np.array([6, -38, 4]), np.array([30, 26, 36]) * s, np.eye(3))
    return [(ventricles, 48.0), (cavity, chamber), (right_atrium, chamber), (outflow, chamber), (left_atrium, chamber)]


def _vessels(person: Person) -> list[tuple[Tube, float]]:
    arch = [(-8, -22, 0), (-16, -26, 30), (-12, -22, 58), (2, -4, 74), (14, 18, 70), (20, 34, 52), (22, 38, 20)]
    aorta = tube([*arch, (20, 40, -40), (10, 38, -150)], 14, 14, 13, 12, 11, 10)
    trunk = tube([(14, -34, 8), (16, -20, 26), (20, 2, 30)], 14, 13)
    right = tube([(18, -12, 28), (-6, -4, 26), (-32, 2, 20), (-49, 8, 8), (-53, 14, -14)], 11, 10, 7, 5)
    left = tube([(18, -8, 28), (30, 10, 32), (46, 24, 24), (54, 27, -4)], 11, 10, 7.5, 5)
    cava = tube([(-24, -22, 110), (-26, -18, 60), (-28, -12, 0)], 8, 10, 11)
    lower_cava = tube([(-22, 2, -70), (-22, 8, -150)], 12)
    veins = [tube([(s * 12, 14, -12), (s * 40, 12, -14)], 8, 5) for s in (-1, 1)]
    brachial = tube([(-24, -22, 92), (0, -26, 84), (30, -18, 106), (50, -10, 122)], 7)
    branches = [((-10, -14, 70), (-20, -4, 110), (-44, 2, 138)), ((3, -6, 76), (16, -2, 108), (20, -2, 150))]
    arteries = [tube(list(b), 6, 4.5) for b in (*branches, ((11, 10, 74), (28, 12, 108), (52, 8, 132)))]
    pipes = [trunk, right, left, cava, lower_cava, *veins, brachial, *arteries]
    return [(pipe, 1.0) for pipe in pipes] + [(aorta, person.aorta)]


def _axes(direction: tuple[float, float, float]) -> Floats:
    """Three orthonormal rows, the first along ``direction``."""
    first = np.array(direction, float) / np.linalg.norm(direction)
    second = np.cross(first, (0.0, 0.0, 1.0))
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)])
