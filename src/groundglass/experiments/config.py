"""The schema of a recipe: what ``groundglass train`` takes from YAML and from the command line."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Literal

from groundglass.datasets.grid import Grid
from groundglass.errors import InputError
from groundglass.labels.growth import Growth
from groundglass.methods.settings import TrainingSettings
from groundglass.schema import converted


@dataclass(kw_only=True)
class Config:
    """A complete experiment. Every key can be set in a recipe and overridden on the command line.

    Args:
        method: Name of the method: points, consistency, full, cam, attention-fusion and others.
        method_options: Options of the method.
        network: Name of the network: unet, plain-unet, fcn8, light-unet, classifier, unet3d and others.
        network_options: Options of the network.
        labels: Kinds of label events to train on (point, region, mask, slice_tag, scan_tag); null for the method's own.
        grid: Size, window and crop of what the network sees.
        grow: How far clicks on lesions speak for what is around them, by its brightness, in slices whose lungs are
            known; null for not at all.
        settings: Optimizer and augmentation.
        epochs: Times the training slices are gone through.
        epoch_samples: Samples an epoch, drawn with replacement; null for every labeled slice once.
        draw: What is drawn with equal chances when ``epoch_samples`` is set: "slices"; "cases" and then one of their
            slices, so that a scan of many slices does not outweigh a single slice; "datasets", of several joined
            ones, and then their slices; "halves": slices with and slices without a labeled pixel; "lesions": slices
            with and slices without a pixel labeled lesion; or "tags": in turn a slice tagged "lesion" and one tagged
            "no lesion", so that every batch holds as many of one as of the other.
        batch_size: Slices a step.
        patience: Stop after this many epochs without a better validation score.
        validate_every: Validate each so many epochs.
        select: Keep the weights with the "best" validation score, or the "last".
        monitor: The validation score: "dice", global and at a threshold of 0.5; "best-dice", at whichever threshold is
            best, for heat maps, which know no 0.5; "precision", their average precision; "count", the error of the
            lesion count of a slice.
        orientations: Predictions of the finished run are averaged over this many flips and quarter turns: 1, 2 or 8.
        smooth_mm: Predictions of the finished run are smoothed across the slices of scans in HU, by a Gaussian of this
            standard deviation in mm; 0 for not at all.
        precision: "32", or "bf16" to multiply in bfloat16 where that does no harm: faster on processors with AMX or
            AVX512-BF16 and on GPUs, slower on others. Weights and losses stay in float32.
        seed: Seed of everything that is drawn.
    """

    method: str = "consistency"
    method_options: dict[str, Any] = field(default_factory=dict)
    network: str = "unet"
    network_options: dict[str, Any] = field(default_factory=dict)
    labels: list[str] | None = None
    grid: Grid = field(default_factory=Grid)
    grow: Growth | None = None
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    epochs: int = 50
    epoch_samples: int | None = None
    draw: Literal["slices", "cases", "datasets", "halves", "lesions", "tags"] = "slices"
    batch_size: int = 8
    patience: int = 100
    validate_every: int = 1
    select: Literal["best", "last"] = "best"
    monitor: Literal["dice", "best-dice", "precision", "count"] = "dice"
    orientations: Literal[1, 2, 8] = 1
    smooth_mm: float = 0.0
    precision: Literal["32", "bf16"] = "32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "epoch_samples", "batch_size", "patience", "validate_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"recipe: {name} must be 1 or more, not {value}")
        if self.draw != "slices" and self.epoch_samples is None:
            raise InputError(f"recipe: draw: {self.draw} needs epoch_samples, the number of slices drawn an epoch")
        if self.draw == "tags" and self.batch_size % 2:
            raise InputError(f"recipe: draw: tags needs an even batch_size, not {self.batch_size}: it draws pairs")
        if self.draw == "tags" and self.epoch_samples == 1:
            raise InputError("recipe: draw: tags needs epoch_samples of 2 or more: it draws pairs")
        if self.grow is not None and self.grid.depth is not None:
            raise InputError("recipe: grow is for slices; take it or grid.depth out")
        if not 0 <= self.smooth_mm < 100 or (self.smooth_mm and self.grid.depth is not None):
            raise InputError(f"recipe: smooth_mm {self.smooth_mm}: give 0 to 100 mm, and none for whole volumes")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"recipe: seed must be between 0 and {2**32 - 1}, not {self.seed}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in a recipe."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Config:
        """A recipe from plain values, checked and converted.

        Raises:
            InputError: If a key is unknown or a value is of the wrong kind.
        """
        for name in ("grid", "settings", "grow"):
            if not isinstance(content.get(name, {}), dict) and (name, content[name]) != ("grow", None):
                raise InputError(f"recipe: {name} holds 'key: value' lines, it cannot be {content[name]!r}")
        parsed = converted(cls, content, "recipe")
        parsed |= {"grid": Grid(**parsed["grid"]), "settings": TrainingSettings(**parsed["settings"])}
        return cls(**parsed | {"grow": None if parsed["grow"] is None else Growth(**parsed["grow"])})
