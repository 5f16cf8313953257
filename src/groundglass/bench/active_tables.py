"""Curves of active learning in a few numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.active.curve import seconds_to_reach
from groundglass.report.markdown import mean_sd

SHARE = 0.9
"""Of full supervision's Dice."""


def mean_dice(curve: Sequence[Sequence[float]], first: float | None = None, last: float | None = None) -> float:
    """Dice averaged over annotation time, by trapezoids.

    Args:
        curve: ``(seconds, Dice)``, rising in seconds.
        first: From when on, by default from the first training.
        last: Until when, by default until the last training; a curve that ended before keeps its last Dice.
    """
    seconds, dice = np.array(curve, np.float64).T
    first, last = seconds[0] if first is None else first, seconds[-1] if last is None else last
    if last <= first:
        return float(np.interp(first, seconds, dice))
    times = np.concatenate([[first], seconds[(seconds > first) & (seconds < last)], [last]])
    return float(np.trapezoid(np.interp(times, seconds, dice), times) / (last - first))


def share_of_cost(result: dict[str, Any]) -> float | None:
    """Share of the full cost at which 90 % of the full Dice is reached for the first time, or ``None``.

    Args:
        result: A result with ``curve``, ``full_dice`` and ``full_seconds``.
    """
    seconds = seconds_to_reach(result["curve"], SHARE * result["full_dice"])
    return None if seconds is None else round(seconds / result["full_seconds"], 4)


def mean_curve(results: Sequence[dict[str, Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds at which any seed was scored, ``(T,)``, and the Dice of each seed then, ``(seeds, T)``, interpolated."""
    seconds = np.array(sorted({seconds for one in results for seconds, _ in one["curve"]}))
    return seconds, np.array([np.interp(seconds, *np.array(one["curve"], np.float64).T) for one in results])


def _share_of_mean(results: Sequence[dict[str, Any]]) -> float | None:
    """The share at which the seeds' mean curve reaches 90 % of their mean full Dice.

    Where each seed first gets there is partly luck, early or late; the mean wavers less.
    """
    if not results:
        return None
    seconds, dice = mean_curve(results)
    return share_of_cost(
        {
            "curve": list(zip(seconds.tolist(), dice.mean(axis=0).tolist(), strict=True)),
            "full_dice": mean(one["full_dice"] for one in results),
            "full_seconds": results[0]["full_seconds"],
        }
    )


def at_threshold(result: dict[str, Any]) -> dict[str, Any]:
    """A result with the Dice at the threshold chosen on validation in place of that at 0.5."""
    return result | {"curve": result["curve_at_threshold"], "full_dice": result["full_dice_at_threshold"]}


def headline(results: Sequence[dict[str, Any]], acquisition: str = "entropy") -> dict[str, Any]:
    """The share of each seed, their mean (``None`` if a seed never gets there), that of the seeds' mean curve.

    Of random questions beside it.

    All at a threshold of 0.5, as in paper 001, and in ``at_threshold`` the same at the one chosen on validation.

    Args:
        results: Of the headline, all acquisitions and seeds.
        acquisition: Whose share is the headline.
    """
    return {
        "experiment": "headline",
        "acquisition": acquisition,
        "dataset": results[0]["dataset"],
        "full_seconds": results[0]["full_seconds"],
        **_shares(results, acquisition),
        "at_threshold": _shares([at_threshold(result) for result in results], acquisition),
    }


def shares_table(share: dict[str, Any]) -> str:
    """What :func:`headline` gives, in Markdown; a dash where 90 % is never reached."""
    seeds = list(share["per_seed"])
    titles = ["Dice", *[f"seed {seed}" for seed in seeds], "mean", "the seeds' mean curve"]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for title, one in (("at 0.5", share), ("at the threshold chosen on validation", share["at_threshold"])):
        figures = [*one["per_seed"].values(), one["fraction_of_full_cost_at_90_percent"], one["of_mean_curve"]]
        cells = ["-" if figure is None else f"{100 * figure:.1f} %" for figure in figures]
        lines.append(f"| {' | '.join([title, *cells])} |")
    return "\n".join(lines)


def _shares(results: Sequence[dict[str, Any]], acquisition: str) -> dict[str, Any]:
    shares: dict[str, dict[str, float | None]] = defaultdict(dict)
    for result in results:
        shares[result["acquisition"]][str(result["seed"])] = share_of_cost(result)
    means = {name: _mean(list(per_seed.values())) for name, per_seed in shares.items()}
    own = [result for result in results if result["acquisition"] == acquisition]
    return {
        "full_dice": {str(result["seed"]): result["full_dice"] for result in own},
        "fraction_of_full_cost_at_90_percent": means.get(acquisition),
        "per_seed": shares[acquisition],
        "of_mean_curve": _share_of_mean(own),
        "others": {name: {"mean": means[name], "per_seed": shares[name]} for name in means if name != acquisition},
    }


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(mean(known), 4) if known and len(known) == len(shares) else None


def summary(results: Sequence[dict[str, Any]]) -> str:
    """A line for each arm, mean ± sd over seeds; Dice is averaged over the same time for all of them.

    At 0.5 and at the threshold chosen on validation; the last line is full supervision.
    """
    arms: dict[tuple[str, int, str], list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        arms[result["acquisition"], result["regions"], result["answer"]].append(result)
    first = max(result["curve"][0][0] for result in results)
    last = max(first, *(result["curve"][-1][0] for result in results))
    titles = ["acquisition", "regions", "answer", "seeds", "ends at (s)"]
    for where in ("at 0.5", "at the threshold of validation"):
        titles += [f"Dice {where}, mean from {first:.0f} to {last:.0f} s", "the same, at the end"]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    for arm, group in sorted(arms.items()):
        end = f"{mean(one['curve'][-1][0] for one in group):.0f}"
        cells = [*_dice(group, first, last), *_dice([at_threshold(one) for one in group], first, last)]
        lines.append(f"| {' | '.join([*map(str, arm), str(len(group)), end, *cells])} |")
    full = list({one["seed"]: one for one in results}.values())
    dice, chosen = (mean_sd([one[key] for one in full]) for key in ("full_dice", "full_dice_at_threshold"))
    cost = f"{full[0]['full_seconds']:.0f}"
    return "\n".join([*lines, f"| every mask drawn | - | - | {len(full)} | {cost} | - | {dice} | - | {chosen} |"])


def _dice(group: Sequence[dict[str, Any]], first: float, last: float) -> list[str]:
    averages = mean_sd([mean_dice(one["curve"], first, last) for one in group])
    return [averages, mean_sd([one["curve"][-1][1] for one in group])]
