"""What the tests of the tables train on: a folder in the layout of COVID-SemiSeg, and settings that finish at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from groundglass.bench.plan import Plan

SMALL = {"network_options": {"channels": [4, 8]}, "grid": {"size": [32, 32]}, "epochs": 2, "batch_size": 4}


def semiseg(root: Path) -> Path:
    """A folder in the layout of COVID-SemiSeg: ten training and three test slices with two lesions each."""
    rng = np.random.default_rng(0)
    for part, count in (("TrainingSet/LungInfection-Train/Doctor-label", 10), ("TestingSet/LungInfection-Test", 3)):
        for folder in ("Imgs", "GT"):
            (root / part / folder).mkdir(parents=True)
        for number in range(count):
            mask = np.zeros((40, 44), np.uint8)
            mask[5 + number : 14 + number, 6:14] = mask[22:30, 26:36] = 255
            image = (mask // 2 + rng.integers(0, 60, mask.shape)).astype(np.uint8)
            Image.fromarray(image).save(root / part / "Imgs" / f"{number}.jpg")
            Image.fromarray(mask).save(root / part / "GT" / f"{number}.png")
    return root


def small_plan(tmp_path: Path, **changes: Any) -> Plan:
    """Rows of a small network on :func:`semiseg`."""
    plan: dict[str, Any] = {"root": semiseg(tmp_path / "medseg100"), "output": tmp_path / "results"}
    plan |= {"work": tmp_path / "work", "networks": ["plain-unet"], "overrides": SMALL, "quiet": True}
    return Plan(**plan | changes)
