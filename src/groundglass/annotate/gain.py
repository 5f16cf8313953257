"""What a minute of annotation bought: validation Dice from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from groundglass.training.history import read_history


@dataclass(frozen=True)
class Gain:
    """From one run to the next.

    Args:
        run: Name of the later run.
        dice: Its best validation Dice.
        minutes: Annotation time of the labels it had and the run before it had not.
        per_minute: Gain in Dice per minute.
    """

    run: str
    dice: float
    minutes: float
    per_minute: float


def gains(runs: Sequence[Path]) -> list[Gain]:
    """Gains from each run to the next, as far as there are validation masks and the later one had more labels.

    Args:
        runs: Finished runs, oldest first.
    """
    figures = [(run.name, dice, seconds) for run in runs for dice, seconds in [_figures(run)] if dice is not None]
    found = []
    for (_, dice_before, seconds_before), (name, dice, seconds) in pairwise(figures):
        minutes = (seconds - seconds_before) / 60
        if minutes > 0:
            found.append(Gain(name, dice, minutes, (dice - dice_before) / minutes))
    return found


def _figures(run: Path) -> tuple[float | None, float]:
    """Best validation Dice and seconds of labels of a run."""
    dices = [float(row["val_dice_global"]) for row in read_history(run / "history.csv") if row.get("val_dice_global")]
    result = json.loads((run / "result.json").read_text("utf-8"))
    return max(dices, default=None), float(result.get("label_seconds", 0.0))
