"""Curves of active learning in a few numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import mean
from typing import Any

from groundglass.active.curve import seconds_to_reach
from groundglass.bench.results import mean_sd

SHARE = 0.9
"""Of full supervision's Dice."""


def mean_dice(curve: Sequence[Sequence[float]]) -> float:
    """Dice averaged over the annotation time from the first to the last training, by trapezoids."""
    if len(curve) == 1:
        return float(curve[0][1])
    pairs = list(pairwise(curve))
    area = sum((after[0] - before[0]) * (after[1] + before[1]) / 2 for before, after in pairs)
    return float(area / (curve[-1][0] - curve[0][0]))


def share_of_cost(result: dict[str, Any], which: str = "") -> float | None:
    """Share of the full cost at which 90 % of the full Dice is reached for the first time, or ``None``.

    Args:
        result: A result with ``curve``, ``full_dice`` and ``full_seconds``.
        which: ``_at_threshold`` for the Dice at the threshold chosen on validation.
    """
    seconds = seconds_to_reach(result[f"curve{which}"], SHARE * result[f"full_dice{which}"])
    return None if seconds is None else round(seconds / result["full_seconds"], 4)


def headline(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The share of each seed and their mean, ``None`` if a seed never gets there."""
    record: dict[str, Any] = {"experiment": "headline", "full_seconds": results[0]["full_seconds"]}
    for which in ("", "_at_threshold"):
        shares = [share_of_cost(result, which) for result in results]
        known = [share for share in shares if share is not None]
        record[f"fraction_of_full_cost_at_90_percent{which}"] = (
            round(mean(known), 4) if len(known) == len(shares) else None
        )
        record[f"per_seed{which}"] = {str(result["seed"]): share for result, share in zip(results, shares, strict=True)}
    return record


def summary(results: Sequence[dict[str, Any]]) -> str:
    """A line for each arm, mean ± sd over seeds."""
    arms: dict[tuple[str, int, str], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        arms[result["acquisition"], result["regions"], result["answer"]].append(result)
    titles = ["acquisition", "regions", "answer", "seeds", "mean Dice over the time", "Dice at the end"]
    titles += ["seconds", "share of the full cost at 90 %", "full Dice"]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for arm, group in sorted(arms.items()):
        cells = [mean_sd([mean_dice(one["curve"]) for one in group]), mean_sd([one["curve"][-1][1] for one in group])]
        cells += [f"{mean(one['curve'][-1][0] for one in group):.0f}", mean_sd([share_of_cost(one) for one in group])]
        cells.append(mean_sd([one["full_dice"] for one in group]))
        lines.append(f"| {' | '.join([*map(str, arm), str(len(group)), *cells])} |")
    return "\n".join(lines)
