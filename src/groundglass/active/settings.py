"""How an experiment in active learning is run."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

from groundglass.active.regions import Reduction
from groundglass.active.regions import Remainder
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.schema import converted

Answer = Literal["point", "pixels"]
Rule = Literal["paper", "paper-2", "released", "released-2"]
RankImages = Literal["region", "image"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds an answer takes (paper 001, section 4, and its code).

    Args:
        click: A point on a lesion or on background.
        nothing: "Nothing here" for a region.
        vertex: A vertex of the polygon drawn around the lesion in a region.
        few_pixels: A pixel, where the lesion in a region has no more than two.
        empty: A region without lesion, when lesions are drawn.
        slice_mask: A slice drawn completely: what full labeling costs, and a drawn lesion where a region is a slice.
    """

    click: float = 3.0
    nothing: float = 3.0
    vertex: float = 3.0
    few_pixels: float = 2.0
    empty: float = 4.0
    slice_mask: float = 96.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise InputError(f"cost.{name} must be above 0 seconds, not {value}")


@dataclass(frozen=True, kw_only=True)
class ActiveSettings:
    """What is asked, by which rule it is answered, and when to stop.

    Args:
        budget_seconds: Annotation time to spend; no answer is bought that would go beyond it.
        acquisition: Name of how pixels are scored: random, entropy, entropy-released, bald, bald-released.
        reduction: A region's score is the ``mean`` or the ``max`` of its pixels' scores.
        regions: Regions a slice, a perfect square.
        remainder: What becomes of pixels left over; see :meth:`Regions.of`.
        answer: A ``point`` or the lesion's ``pixels``.
        rule: How the simulated annotator answers by points; see :class:`groundglass.active.oracle.Oracle`.
        cost: What answers cost.
        query_size: Regions asked a cycle.
        per_image: Most regions of a slice in a cycle, or null for any number.
        rank_images: ``region``: the regions with the highest scores are asked; ``image``: those of the slices whose
            mean score is highest (the paper's code).
        diverse: Ask no two neighbors in a cycle while there are others.
        draws: Passes of the network with dropout.
        at_threshold: Score uncertainty about the decision at the threshold chosen on validation, instead of at 0.5.
        initial_images: Slices that are asked completely at the start.
        initial_with_lesion: Draw those from slices with lesion, as the paper's code does.
        initial_regions: Regions asked at the start besides, from anywhere.
        lungs_only: Ask no region that shows less than a tenth of lung, where a lung mask is known.
        candidates: Score that many slices a cycle, drawn anew each time; null for the whole pool.
        warm_start: Go on with the weights of the cycle before, instead of starting each cycle anew.
        max_cycles: Stop after so many, whatever is left of the budget.
        seed: Seed of everything that is drawn.
    """

    budget_seconds: float
    acquisition: str = "entropy"
    reduction: Reduction = "mean"
    regions: int = 64
    remainder: Remainder = "shared"
    answer: Answer = "point"
    rule: Rule = "paper"
    cost: Cost = field(default_factory=Cost)
    query_size: int = 5
    per_image: int | None = 1
    rank_images: RankImages = "region"
    diverse: bool = True
    draws: int = 20
    at_threshold: bool = True
    initial_images: int = 5
    initial_with_lesion: bool = False
    initial_regions: int = 0
    lungs_only: bool = False
    candidates: int | None = None
    warm_start: bool = True
    max_cycles: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.budget_seconds < float("inf"):
            raise InputError(f"the budget must be above 0 seconds, not {self.budget_seconds:g}")
        for name in ("query_size", "per_image", "draws", "candidates", "max_cycles"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be 1 or more, not {value}")
        for name in ("initial_images", "initial_regions", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if self.initial_images + self.initial_regions == 0:
            raise InputError("there is nothing to start from; set initial_images or initial_regions to 1 or more")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


DEFAULT_RECIPE = "active"


def active_recipe(recipe: str | None, overrides: dict[str, Any] | None = None) -> Config:
    """What is trained in each cycle: a recipe, by default ``active``, with some keys changed.

    Raises:
        InputError: If there is no such recipe, or a key is unknown.
    """
    return load_recipe(recipe or DEFAULT_RECIPE, overrides)


def active_settings(content: dict[str, Any]) -> ActiveSettings:
    """Settings from plain values, checked and converted.

    Raises:
        InputError: If a key is unknown or a value is of the wrong kind.
    """
    parsed = converted(ActiveSettings, content, "active learning")
    return ActiveSettings(**{**parsed, "cost": Cost(**parsed["cost"])})
