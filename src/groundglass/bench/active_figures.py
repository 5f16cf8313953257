"""Curves of active learning as pictures: the seeds' mean of each arm, and how far they are apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from groundglass.bench.active_arms import Arm
from groundglass.bench.active_tables import SHARE
from groundglass.bench.active_tables import at_threshold
from groundglass.bench.active_tables import mean_curve
from groundglass.files import replacing

TITLES = {
    "fig5": "Which question",
    "fig6": "How many regions a slice (K)",
    "fig7": "Clicks or drawn masks",
    "headline": "The whole curve",
}
Results = Sequence[dict[str, Any]]


def draw_experiments(experiments: Mapping[str, Results], path: Path) -> None:
    """Plots of the experiments side by side, as a PNG: above at 0.5, below at the threshold chosen on validation.

    Args:
        experiments: Results of each, with ``curve`` (seconds and Dice), ``full_dice``, and both at the threshold.
        path: The picture to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.2 + 4.3 * len(experiments), 6.6), layout="constrained")
    above, below = figure.subplots(2, len(experiments), sharex="col", sharey=True, squeeze=False)
    for (experiment, results), half, chosen in zip(experiments.items(), above, below, strict=True):
        _draw_arms(half, _arms(experiment, results))
        _draw_arms(chosen, _arms(experiment, [at_threshold(one) for one in results]))
        half.set(title=TITLES.get(experiment, experiment))
        chosen.set(xlabel="annotation time (min)")
    above[0].set(ylabel="test Dice (global) at 0.5", ylim=(0, None))
    below[0].set(ylabel="at the threshold chosen on validation")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _arms(experiment: str, results: Results) -> dict[str, list[dict[str, Any]]]:
    """Results by what the experiment compares, with the number of seeds; first what is in all, for the same color."""
    key = {"fig6": "regions", "fig7": "answer"}.get(experiment, "acquisition")
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    usual = vars(Arm())[key]
    for result in sorted(results, key=lambda one: (one[key] != usual, one[key])):
        groups[result[key]].append(result)
    prefix = "K = " if key == "regions" else ""
    return {f"{prefix}{name} ({len(group)} seed{'s'[: len(group) > 1]})": group for name, group in groups.items()}


def _draw_arms(axis: Any, arms: dict[str, list[dict[str, Any]]]) -> None:
    for number, (name, group) in enumerate(arms.items()):
        _draw_arm(axis, f"C{number}", name, group)
    full = mean(one["full_dice"] for group in arms.values() for one in group)
    axis.axhline(full, color="0.4", linestyle="--", linewidth=1, label="all masks")
    axis.axhline(SHARE * full, color="0.7", linestyle=":", linewidth=1, label="90 % of that")
    axis.grid(color="0.92")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="lower right", fontsize="small")


def _draw_arm(axis: Any, color: str, name: str, group: Results) -> None:
    seconds, dice = mean_curve(group)
    minutes = seconds / 60
    axis.plot(minutes, dice.mean(axis=0), color=color, label=name, marker="o", markersize=3)
    if len(group) > 1:
        spread = dice.std(axis=0, ddof=1)
        axis.fill_between(minutes, dice.mean(axis=0) - spread, dice.mean(axis=0) + spread, color=color, alpha=0.15)
