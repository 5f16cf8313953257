"""What the active-learning benchmarks train and ask: the arms of paper 001's figures, and how far each goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundglass.errors import InputError

RECIPE: dict[str, Any] = {
    "epochs": 1,
    "draw": "lesions",
    "select": "last",
    "precision": "bf16",
    "method_options": {"unlabeled": True},
    "settings": {"average": 0.98},
}
"""Consistency on all slices of the pool, asked or not, and the running mean of the weights."""

SETTINGS: dict[str, Any] = {
    "initial_images": 0,
    "initial_regions": 64,
    "query_size": 104,
    "warm_start": False,
    "lungs_only": True,
    "draws": 8,
    "candidates": 184,
}
"""All arms begin with the same 64 regions from anywhere (192 s): whole slices at the start cost the paper 960 s. Few
cycles, each from ImageNet's weights: going on with the weights of the cycle before gave less on validation."""

GRIDS: dict[str, dict[str, Any]] = {
    "covidcell": {"size": [96, 96], "crop": "lungs"},
    "medseg100": {"size": [96, 96]},
}
"""What the network sees of each pool: small enough for a run in half an hour on one core."""
POOLS = tuple(GRIDS)
PER_IMAGE = {"covidcell": 1, "medseg100": 3}
"""Regions a cycle may ask in one slice: medseg100 has 45, so with one each it could not ask the 104 of a cycle."""


STEPS = {"covidcell": 500, "medseg100": 250}
"""Of training in each cycle: with 150, the arms of covidcell's 368 slices could not be told apart; medseg100 has 45."""

HEADLINE = 2688.0
"""Annotation seconds: 7.6 % of what it costs to draw covidcell's pool, 62 % of medseg100's, whose slices are each of
another patient."""
FIGURES = 1128.0
"""Annotation seconds; paper 001 compares answers at 600 to 1000. The headline's arms are taken from there."""


@dataclass(frozen=True)
class Arm:
    """One curve of a figure."""

    acquisition: str = "entropy"
    regions: int = 64
    answer: str = "point"

    @property
    def name(self) -> str:
        """As in the name of its result."""
        return f"{self.acquisition}-k{self.regions}-{self.answer}"


EXPERIMENTS: dict[str, tuple[Arm, ...]] = {
    "fig5": tuple(Arm(acquisition=name) for name in ("random", "entropy", "bald", "entropy-released")),
    "fig6": tuple(Arm(regions=count) for count in (1, 4, 9, 16, 36, 64, 81)),
    "fig7": (Arm(answer="point"), Arm(answer="pixels")),
    "headline": (Arm(), Arm(acquisition="random")),
}
"""Arms of each experiment."""


def chosen_arms(experiment: str, names: Sequence[str]) -> list[Arm]:
    """The arms of an experiment with these names, or all of them.

    Raises:
        InputError: If it has no such arm.
    """
    arms = {arm.name: arm for arm in EXPERIMENTS[experiment]}
    if unknown := [name for name in names if name not in arms]:
        raise InputError(f"{experiment} has no pool or arm {unknown[0]!r}; choose from {', '.join([*POOLS, *arms])}")
    return [arms[name] for name in names or arms]
