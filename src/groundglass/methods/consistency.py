"""Point supervision with consistency under flips and rotations: CB(Flip)+PL and CB(Flip,Rot)+PL (paper 000)."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal

import torch
from torch import Tensor
from torch import nn

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.augmentation import Transforms
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.losses.consistency import Space
from groundglass.losses.consistency import consistency_loss
from groundglass.losses.points import Reduction
from groundglass.losses.points import point_loss
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings

Variant = Literal["released", "paper"]


class PointConsistency(Method):
    """Point loss on an image and on its transform, and the difference of the two predictions (paper 000, Eqs. 1-3).

    The text and the release disagree. ``released``: means over pixels, logits compared. ``paper``: sums over pixels,
    probabilities compared. ``space`` and ``reduction`` override what the variant says.

    Args:
        network: See :class:`Method`.
        settings: See :class:`Method`.
        transforms: What is drawn for each image: ``flip`` and ``flip-rot`` as released, ``uniform`` as the text of
            the paper has it, ``dihedral`` for all eight; see :meth:`Dihedral.sample`.
        variant: ``released`` or ``paper``.
        weight: Weight of the consistency term (the paper's lambda, which it never gives; 1 in the release).
        reduction: How labeled pixels are put together; ``balanced`` where whole slices are labeled background, which
            would else outweigh the clicks. See :func:`groundglass.losses.points.point_loss`.
        space: Compare ``logits`` or ``probabilities``; by default as the variant has it.
        unlabeled: Train on slices without a label too, for which only the consistency term says anything.
    """

    uses: ClassVar[tuple[str, ...]] = ("point", "region")

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        transforms: Transforms = "flip-rot",
        variant: Variant = "released",
        weight: float = 1.0,
        reduction: Reduction | None = None,
        space: Space | None = None,
        unlabeled: bool = False,
    ) -> None:
        super().__init__(network=network, settings=settings)
        self.unlabeled = unlabeled
        self.transforms: Transforms = transforms
        self.sums: Literal["mean", "sum"] = "mean" if variant == "released" else "sum"
        self.reduction: Reduction = reduction or self.sums
        self.space: Space = space or ("logits" if variant == "released" else "probabilities")
        self.weight = weight

    def usable(self, samples: SliceSamples) -> Tensor:
        """``(N,)`` bool: slices with a labeled pixel, or all."""
        return torch.ones_like(samples.labeled) if self.unlabeled else samples.labeled

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of a batch; the consistency term needs no label at all."""
        image, target = batch["image"], batch["target"]
        moved = Dihedral.sample(len(image), self.transforms)
        # One pass over both halves: the same result as two except for batch norm, which sees both at once.
        logits, moved_logits = self.network(torch.cat([image, moved.apply(image)])).chunk(2)
        points = point_loss(logits, target, reduction=self.reduction)
        moved_points = point_loss(moved_logits, moved.apply(target), reduction=self.reduction)
        consistency = consistency_loss(logits, moved.invert(moved_logits), space=self.space, reduction=self.sums)
        return {
            "loss": points + moved_points + self.weight * consistency,
            "points": points,
            "consistency": consistency,
        }
