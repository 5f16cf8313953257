"""Ribs, shoulder blades, spine, breastbone and collar bones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundglass.scans.phantom.fields import ramp
from groundglass.scans.phantom.grid import Floats
from groundglass.scans.phantom.lungs import spine_y
from groundglass.scans.phantom.person import Person
from groundglass.scans.phantom.shapes import Frame
from groundglass.scans.phantom.shapes import smooth_min
from groundglass.scans.phantom.shapes import tube

CORTEX, MARROW, CARTILAGE, DISC, CORD, MUSCLE = 780.0, 190.0, 115.0, 85.0, 28.0, 50.0
_RIB_PITCH, _VERTEBRA = 25.0, 24.0


def paint_bones(hu: Floats, frame: Frame, person: Person, wall: Floats) -> None:
    """Blend all bones into ``hu`` ``(D, H, W)``; ``wall`` is the distance to the inside of the rib cage."""
    _paint_shell(hu, frame, person, wall)
    _paint_spine(hu, frame, person)
    _paint_sternum(hu, frame, person, wall)
    for side in (-1, 1):
        collar = tube([(side * 18, -66, 98), (side * 60, -62, 112), (side * 110, -30, 122), (side * 170, 0, 126)], 6)
        for box, distance in collar.distances(frame, person, 4):
            _blend(hu, box, distance, frame, MARROW, 2.5)


def _blend(hu: Floats, box: tuple[slice, ...] | NDArray[np.intp], distance: Floats, frame: Frame, core: float | Floats,
           cortex: float) -> None:  # fmt: skip
    """Blend bone in where ``distance`` is negative: a dense shell ``cortex`` mm thick around a spongy core."""
    shell = ramp(-distance - cortex, 1.5)
    bone = core + (CORTEX - core) * shell
    hu[box] += (bone - hu[box]) * ramp(distance, 1.2 * frame.grid.spacing[2])


def _paint_shell(hu: Floats, frame: Frame, person: Person, wall: Floats) -> None:
    """Ribs, which fall from the spine to the front, and shoulder blades: both follow the rib cage."""
    near = np.flatnonzero((wall > -1) & (wall < 36))
    out, x, y = wall.ravel()[near], np.abs(frame.x.ravel()[near]), frame.y.ravel()[near]
    z = np.broadcast_to(frame.z, frame.x.shape).ravel()[near]
    around = np.arctan2(x, y - 5) / np.float32(np.pi)
    turns = (z + person.rib_drop * around**1.3 * (1.6 - 0.6 * around) - person.rib_phase) / _RIB_PITCH
    rib = (np.hypot((out - 6) / 3.8, (turns - np.round(turns)) * (_RIB_PITCH / 6.2)) - 1) * 4
    is_cartilage = around > 0.84
    flat = hu.ravel()
    ribs = np.flatnonzero(~is_cartilage & (rib < 3))
    _blend(flat, near[ribs], rib[ribs], frame, MARROW, 1.2)
    cartilage = np.flatnonzero(is_cartilage & (rib < 3))
    flat[near[cartilage]] += (CARTILAGE - flat[near[cartilage]]) * ramp(rib[cartilage], 2)
    half = 0.16 * np.clip((z + 20) / 80, 0, 1) * (z < 122)
    blade = np.maximum(np.abs(out - 24 - 25 * np.abs(around - 0.3)) - 2.2, (np.abs(around - 0.3) - half) * 220)
    blades = np.flatnonzero(blade < 3)
    _blend(flat, near[blades], blade[blades], frame, 350.0, 1.5)


def _paint_spine(hu: Floats, frame: Frame, person: Person) -> None:
    box = frame.near(person, np.array([-45.0, 10, -400]), np.array([45.0, 130, 400]))
    x, y = np.abs(frame.x[box]), frame.y[box] - spine_y(frame.z)
    level = frame.z / _VERTEBRA + 0.004 * y
    phase = np.abs(level - np.round(level)) * _VERTEBRA
    body = (np.sqrt((x / 17) ** 2 + (y / 14.5) ** 2) - 1) * 15
    disc = ramp(phase - 2.5, 2)
    core = MARROW + (DISC - MARROW) * disc
    hu[box] += (MUSCLE - hu[box]) * ramp(np.hypot(x, y - 20) - 16, 4)
    _blend(hu, box, body, frame, core, 1.8)
    canal = np.hypot(x / 1.15, y - 22) - 8.5
    arch = np.maximum(np.abs(canal - 2.5) - 2.5, phase - 9.5)
    process = np.hypot(np.maximum(x - 2.5, 0), np.maximum(np.abs(y - 44) - 9, 0)) - 1.8
    wing = np.hypot(np.maximum(np.abs(x - 22) - 10, 0), y - 22 - 0.35 * (x - 12)) - 4.5
    wing = np.maximum(wing, 1.4 * phase - 12.8)
    bone = smooth_min(smooth_min(arch, np.maximum(process, phase - 10), 3), wing, 3)
    _blend(hu, box, np.maximum(bone, -canal), frame, MARROW, 2.0)
    hu[box] += (CORD - hu[box]) * ramp(np.maximum(canal, -body), 2)


def _paint_sternum(hu: Floats, frame: Frame, person: Person, wall: Floats) -> None:
    box = frame.near(person, np.array([-40.0, -180, -70]), np.array([40.0, 0, 102]))
    z = frame.z[box[0]]
    half = np.interp(z, [-70, -50, 60, 75, 100], [4, 15, 13, 25, 27]).astype(np.float32)
    flat = np.maximum(np.abs(wall[box] - 9) - 5, np.abs(z - 15) - 80)
    _blend(hu, box, np.maximum(flat, np.abs(frame.x[box]) - half), frame, MARROW, 1.5)
