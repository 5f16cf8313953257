"""One person's pneumonia: the numbers that make one look unlike the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.scans.phantom.fields import Texture


@dataclass(frozen=True, eq=False)
class Disease:
    """Extent, pattern and density of one pneumonia; mm and HU.

    Args:
        burden: Part of the lungs that is diseased, 0 to 0.9.
        seeds: Number of places where it begins.
        crescent: Part of the seeds that spread along the pleura instead of as a ball.
        worse_side: The lung that has more of it: 1 right, 2 left.
        other_side: How readily it begins in the other lung, 0 to 1.
        density: Density of ground-glass.
        patchiness: Variation of that density.
        reticulation: Extra density of thickened septa ("crazy paving").
        raggedness: How far the edge strays from smooth.
        edge: Width over which ground-glass fades into healthy lung.
        consolidated: Part of the diseased lung that is consolidation.
        fluid: Thickness of pleural fluid on the right and the left, 0 for none.
        texture: Noise that shapes it.
    """

    burden: float
    seeds: int
    crescent: float
    worse_side: int
    other_side: float
    density: float
    patchiness: float
    reticulation: float
    raggedness: float
    edge: float
    consolidated: float
    fluid: tuple[float, float]
    texture: Texture


def sample_disease(rng: np.random.Generator, burden: float | None) -> Disease:
    """Draw a disease; ``burden`` replaces the drawn extent and nothing else."""
    drawn = float(np.clip(rng.lognormal(np.log(0.09), 1.0), 0.004, 0.75))
    return Disease(
        burden=drawn if burden is None else burden,
        seeds=int(np.clip(rng.lognormal(np.log(9), 0.8), 1, 45)),
        crescent=rng.uniform(0.1, 0.9),
        worse_side=int(rng.integers(1, 3)),
        other_side=rng.uniform(0.35, 1.0) if rng.random() < 0.85 else 0.02,
        density=rng.uniform(-690, -440),
        patchiness=rng.uniform(40, 110),
        reticulation=rng.uniform(80, 230) if rng.random() < 0.6 else 0.0,
        raggedness=rng.uniform(0.4, 1.7),
        edge=rng.uniform(1.5, 6.0),
        consolidated=float(rng.beta(1.2, 3.5)) if rng.random() < 0.6 else 0.0,
        fluid=_sample_fluid(rng),
        texture=Texture(rng),
    )


def _sample_fluid(rng: np.random.Generator) -> tuple[float, float]:
    """Pleural fluid in about one of seven, in half of them on both sides."""
    present, side, both = rng.random() < 0.15, int(rng.integers(2)), rng.random() < 0.5
    right, left = rng.uniform(12, 34, 2)
    return right * (present and (both or side == 0)), left * (present and (both or side == 1))
