"""Dice against annotation time: what an active-learning run is judged by, as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundglass.active.cycle import ActiveLearning
from groundglass.active.state import Cycle
from groundglass.datasets.folder import DatasetFolder
from groundglass.files import replacing
from groundglass.files import write_text
from groundglass.training.machine import machine
from groundglass.training.machine import versions

Curve = list[tuple[float, float]]

RECORD = "curve.json"


def curve(cycles: Sequence[Cycle], name: str = "dice_global") -> Curve:
    """``(seconds, Dice)`` after each training; cycles without a Dice are left out."""
    points = [(cycle.seconds, getattr(cycle, name)) for cycle in cycles]
    return [(seconds, dice) for seconds, dice in points if dice is not None]


def seconds_to_reach(points: Curve, dice: float) -> float | None:
    """Annotation time after which a Dice is reached for the first time, or ``None``."""
    return next((seconds for seconds, reached in points if reached >= dice - 1e-9), None)


def curve_record(learning: ActiveLearning, folder: DatasetFolder) -> dict[str, Any]:
    """What is known of a run so far."""
    state, settings = learning.state, learning.settings
    return {
        "acquisition": settings.acquisition,
        "regions": settings.regions,
        "answer": settings.answer,
        "dataset": folder.name,
        "split_hash": folder.split.hash,
        "seed": settings.seed,
        "pool_slices": len(learning.pool),
        "full_seconds": learning.full_seconds,
        "curve": curve(state.cycles),
        "curve_at_threshold": curve(state.cycles, "dice_global_at_threshold"),
        "finished": state.finished,
        "cycles": [vars(cycle) for cycle in state.cycles],
        "settings": settings.to_dict(),
        "recipe": learning.config.to_dict(),
        "machine": machine(),
        "versions": versions(),
    }


def write_curve(record: dict[str, Any], output: Path) -> None:
    """``curve.json`` and, if anything was scored, ``figures/curve.png`` in a run folder."""
    write_text(output / RECORD, json.dumps(record, indent=1) + "\n")
    if record["curve"]:
        curves = {"at 0.5": record["curve"], "at the threshold chosen on validation": record["curve_at_threshold"]}
        _draw_curves({name: points for name, points in curves.items() if points}, output / "figures" / "curve.png")


def _draw_curves(curves: dict[str, Curve], path: Path) -> None:
    """Curves, ``(seconds, Dice)`` by their names, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    for name, points in curves.items():
        seconds, dice = zip(*points, strict=True)
        axis.plot([one / 60 for one in seconds], dice, label=name, marker="o", markersize=3)
    axis.set(xlabel="annotation time (min)", ylabel="Dice on the test cases (global)", ylim=(0, 1))
    axis.grid(color="0.92")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="best")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
