"""How often grown clicks are right: one click on each lesion slice, compared with the drawn mask."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import asdict
from pathlib import Path

import numpy as np

from groundglass.active.oracle import Oracle
from groundglass.active.pool import Pool
from groundglass.active.regions import Regions
from groundglass.bench.image_level_data import covidcell
from groundglass.datasets.grid import Grid
from groundglass.files import write_text
from groundglass.labels.events import Label
from groundglass.labels.growth import Growth
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.training.machine import versions

GRID = Grid(size=(96, 96), crop="lungs")
REGIONS = 64

GROWTHS = {
    "default": Growth(),
    "twice the radius": Growth(radius=0.17),
    "no limit": Growth(radius=1.0),
    "down to half the brightness": Growth(lesion=0.5),
    "vessels too": Growth(brightest=1e6),
    "wider throughout": Growth(radius=0.125, lesion=0.5, brightest=1.6, background=0.2),
}
"""The default, and what each of its limits is for."""


def click_growth(root: Path, output: Path, work: Path) -> str:
    """Measure and write it.

    Args:
        root: Folder with covidcell.
        output: The ``click-growth.json`` to write.
        work: Where the dataset is prepared.

    Returns:
        The figures, as JSON.
    """
    folder = covidcell(root, work)
    drawn = [case for case in folder.split.training if case.label is not None]
    pool = Pool(folder, drawn, GRID, Regions.of(GRID.size, REGIONS))
    clicks = one_click_a_slice(pool)
    found = {name: asdict(growth) | measure(_growing(pool, growth), clicks) for name, growth in GROWTHS.items()}
    record = {"dataset": folder.name, "part": "training", "clicks": len(clicks), "growth": found}
    record |= {"versions": versions(), "command": f"groundglass bench click-growth --root {root.name}"}
    content = json.dumps(record, indent=1) + "\n"
    write_text(output, content)
    return content


def one_click_a_slice(pool: Pool, *, seed: int = 0) -> list[Label]:
    """The answer about one region with lesion, drawn by chance, of every slice that has one."""
    oracle, rng = Oracle(pool), np.random.default_rng(seed)
    with_lesion = pool.regions.reduce(pool.masks.astype(np.float32)) > 0
    return [
        label
        for image in np.flatnonzero(with_lesion.any(axis=1))
        for label in oracle.ask(int(image), int(rng.choice(np.flatnonzero(with_lesion[image]))))
    ]


def measure(pool: Pool, clicks: list[Label]) -> dict[str, float]:
    """Pixels that each click is worth beside its own, and the share of them that is right."""
    pool.add(clicks)
    target = pool.samples.tensors["target"][:, 0].numpy()
    new = target != IGNORE_INDEX
    lesion, background = (target == 1), (target == 0)
    return {
        "lesion_pixels": round((lesion.sum() - len(clicks)) / len(clicks), 2),
        "lesion_right": round((lesion & pool.masks).sum() / max(lesion.sum(), 1), 4),
        "background_pixels": round(background.sum() / len(clicks), 2),
        "background_right": round((background & ~pool.masks).sum() / max(background.sum(), 1), 4),
        "clicks_that_say_nothing_else": round(float((new.sum(axis=(1, 2)) == 1).sum()) / len(clicks), 4),
    }


def _growing(pool: Pool, growth: Growth) -> Pool:
    """A pool without answers that grows clicks so, with the images, masks and lungs that the given one has read."""
    other = copy(pool)
    other.grow, other.answers, other.samples = growth, [[] for _ in pool.answers], copy(pool.samples)
    other.samples.tensors = {**pool.samples.tensors, "target": pool.samples.tensors["target"].clone()}
    return other
