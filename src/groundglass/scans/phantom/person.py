"""One person: the numbers that make one chest differ from the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.scans.phantom.fields import Texture
from groundglass.scans.phantom.fields import Warp


@dataclass(frozen=True, eq=False)
class Person:
    """Size, shape and tissue of one person; mm and HU.

    Args:
        width: Scale of the chest from right to left; 1 is the reference adult.
        depth: Scale from front to back.
        height: Scale from feet to head.
        squareness: 0 for an elliptic chest, 1 for a boxy one.
        fat: Thickness of the fat under the skin.
        breast: How far the breasts reach out.
        heart: Scale of the heart.
        heart_turn: Sideways shift of the heart's tip.
        aorta: Scale of the aorta's radius.
        mediastinal_fat: Fat around heart and great vessels.
        domes: Height of the right and the left dome of the diaphragm, z.
        apex: Height of the tips of the lungs, z.
        blood: Blood density; high after contrast medium.
        rib_phase: Where along z the ribs begin.
        rib_drop: How far a rib falls from spine to sternum.
        lung: Density of lung tissue at mid-depth.
        gravity: Rise of the lung's density from front to back.
        dependent: Strength of dependent (positional) opacity along the back, 0 to 1.
        emphysema: Part of the upper lungs that is destroyed, 0 to 1.
        motion: Blur of heart and diaphragm.
        table: Distance of the table below the middle.
        warp: Smooth bending of everything.
        texture: Noise that all tissue is made of.
    """

    width: float
    depth: float
    height: float
    squareness: float
    fat: float
    breast: float
    heart: float
    heart_turn: float
    aorta: float
    mediastinal_fat: float
    domes: tuple[float, float]
    apex: float
    blood: float
    rib_phase: float
    rib_drop: float
    lung: float
    gravity: float
    dependent: float
    emphysema: float
    motion: float
    table: float
    warp: Warp
    texture: Texture


def sample_person(rng: np.random.Generator) -> Person:
    """Draw a person; every number is drawn from one generator, so a seed names a person."""
    dome = rng.uniform(-88, -62)
    return Person(
        width=rng.uniform(0.88, 1.1),
        depth=rng.uniform(0.86, 1.12),
        height=rng.uniform(0.9, 1.08),
        squareness=rng.uniform(0.1, 0.6),
        fat=float(np.clip(rng.lognormal(2.5, 0.5), 4, 38)),
        breast=rng.uniform(8, 30) if rng.random() < 0.45 else 0.0,
        heart=rng.uniform(0.88, 1.2),
        heart_turn=rng.uniform(-10, 12),
        aorta=rng.uniform(0.85, 1.35),
        mediastinal_fat=rng.uniform(2, 8),
        domes=(dome, dome - rng.uniform(-2, 16)),
        apex=rng.uniform(120, 134),
        blood=rng.uniform(110, 230) if rng.random() < 0.2 else rng.uniform(34, 48),
        rib_phase=rng.uniform(0, 25),
        rib_drop=rng.uniform(55, 85),
        lung=rng.uniform(-905, -830),
        gravity=rng.uniform(45, 130),
        dependent=rng.uniform(0.3, 1.0) if rng.random() < 0.55 else 0.0,
        emphysema=rng.uniform(0.1, 0.5) if rng.random() < 0.15 else 0.0,
        motion=rng.uniform(0, 6),
        table=rng.uniform(2, 10),
        warp=Warp(rng, rng.uniform(2.0, 4.0)),
        texture=Texture(rng),
    )
