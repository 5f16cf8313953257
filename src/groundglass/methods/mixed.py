"""Whatever labels there are, in one training: masks, clicks, regions, and slices known to be with or without lesion."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch import nn

from groundglass.datasets.augmentation import Dihedral
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.losses.consistency import consistency_loss
from groundglass.losses.points import point_loss
from groundglass.losses.tags import lesion_somewhere
from groundglass.losses.weighted_bce_iou import weighted_bce_iou
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings


class MixedLabels(Method):
    """Each slice gives the loss its label allows; the network learns from all of them at once.

    A slice whose every pixel is labeled, and one tagged "no lesion", gives the full supervision's loss; one with
    clicks or regions the point loss; one tagged "lesion" must be lesion somewhere in the lungs. What is not labeled
    pixel by pixel must look the same after mirroring and turning (paper 000's consistency), whatever its label.

    Args:
        network: See :class:`Method`.
        settings: See :class:`Method`.
        consistency: Weight of the consistency term; 0 leaves it out, and with it half of the time.
        tags: Weight of the term of slices tagged "lesion".
    """

    uses: ClassVar[tuple[str, ...]] = ("mask", "point", "region", "slice_tag", "scan_tag")

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        consistency: float = 1.0,
        tags: float = 0.3,
    ) -> None:
        super().__init__(network=network, settings=settings)
        self.consistency = consistency
        self.tags = tags

    def usable(self, samples: SliceSamples) -> Tensor:
        """``(N,)`` bool: slices with a labeled pixel or a tag of their own."""
        return samples.labeled | (samples.tensors["tag"] >= 0)

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of a batch: ``masks``, ``points``, ``tags`` and ``consistency``."""
        image, target, whole, tagged = batch["image"], *_kinds(batch)
        moved = Dihedral.sample(len(image), "flip-rot")
        # Only what is not labeled everywhere needs a second look.
        second = ~whole if self.consistency > 0 else torch.zeros_like(whole)
        logits = self.network(torch.cat([image, moved.apply(image)[second]]))
        logits, again = logits[: len(image)], logits[len(image) :]
        partly = ~whole
        terms = {
            "masks": weighted_bce_iou(logits[whole], target[whole]),
            "points": point_loss(logits[partly], target[partly]),
            "tags": self.tags * lesion_somewhere(logits[tagged], batch["lung"][tagged]),
        }
        if second.any():
            back = Dihedral(moved.flips[second], moved.turns[second])
            difference = consistency_loss(logits[second], back.invert(again), space="logits", reduction="mean")
            terms["points"] = terms["points"] + point_loss(again, back.apply(target[second]))
            terms["consistency"] = self.consistency * difference * second.float().mean()
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}


def _kinds(batch: Sample) -> tuple[Tensor, Tensor, Tensor]:
    """The target with slices tagged "no lesion" as background, which slices are labeled whole, which only tagged."""
    target, tag = batch["target"].clone(), batch["tag"]
    empty = (target == IGNORE_INDEX).flatten(1).all(dim=1)
    target[empty & (tag == 0)] = 0
    whole = (target != IGNORE_INDEX).flatten(1).all(dim=1)
    return target, whole, (tag == 1) & empty
