"""Multiple-instance learning on volumes: paper 003's baseline, and the segmenter's own losses in GASNet."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import ClassVar
from typing import Literal

import torch
from torch import Tensor
from torch import nn

from groundglass.datasets.group_loader import Draw
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.losses.gasnet_focal import balanced_focal_bce
from groundglass.losses.gasnet_focal import focal_bce
from groundglass.losses.points import point_loss
from groundglass.losses.tags import lesion_somewhere
from groundglass.methods.gasnet_weights import Variant
from groundglass.methods.gasnet_weights import resolve_weights
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.volume_groups import VolumeGroups

LABELED, DISEASED, HEALTHY = 0, 1, 2
"""Parts of a batch."""


class MultipleInstance(Method):
    """Labeled volumes by their mask, healthy ones as empty, and some voxel of a diseased one as lesion (L_MIL).

    ``released``: focal losses; the last term within the lungs. ``paper``: cross-entropy; anywhere in the volume.

    Args:
        network: See :class:`Method`; of volumes.
        settings: See :class:`Method`.
        variant: ``released`` or ``paper``.
        weights: Weights of ``labeled``, ``healthy`` and ``mil`` that differ from the variant's; 0 leaves a term out.
        mil_share: Part of the voxels that must be lesion at least in a diseased volume; 0 for the single highest one,
            as the paper has it.
        labeled_batch: Labeled volumes a step.
    """

    uses: ClassVar[tuple[str, ...]] = ("mask", "scan_tag")
    dimensions: ClassVar[tuple[Literal[2, 3], ...]] = (3,)

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        variant: Variant = "released",
        weights: Mapping[str, float] | None = None,
        mil_share: float = 0.0,
        labeled_batch: int = 1,
    ) -> None:
        super().__init__(network=network, settings=settings)
        if not 0 <= mil_share < 1 or labeled_batch < 1:
            raise InputError(
                f"mil_share must be from 0 to below 1 and labeled_batch 1 or more, not {mil_share} and {labeled_batch}"
            )
        self.variant: Variant = variant
        self.weights = resolve_weights(variant, weights)
        self.mil_share = mil_share
        self.labeled_batch = labeled_batch

    def draws(self, samples: SliceSamples, batch_size: int) -> list[Draw]:
        """Labeled volumes, if there are any, then as many diseased as healthy ones.

        Raises:
            InputError: If a group is missing.
        """
        groups = VolumeGroups.of(samples)
        draws = [Draw(groups.diseased, batch_size, DISEASED), Draw(groups.healthy, batch_size, HEALTHY)]
        if len(groups.labeled) and self.weights.labeled > 0:
            draws.insert(0, Draw(groups.labeled, self.labeled_batch, LABELED))
        return draws

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of a batch with ``part``, weighted: ``labeled``, ``healthy`` and ``mil``."""
        parts = [take(batch, number) for number in (LABELED, DISEASED, HEALTHY)]
        logits = self.segment(parts)
        terms = self.segmentation_terms(parts, logits)
        return {"loss": torch.stack([*terms.values(), logits[0].sum() * 0.0]).sum(), **terms}

    def segment(self, parts: Sequence[Sample]) -> Sequence[Tensor]:
        """Logits of several parts of a batch, by one pass."""
        logits: Tensor = self.network(torch.cat([part["image"] for part in parts]))
        return torch.split(logits, [len(part["image"]) for part in parts])

    def segmentation_terms(self, parts: Sequence[Sample], logits: Sequence[Tensor]) -> dict[str, Tensor]:
        """The terms by name, weighted, without those whose weight is 0 or that have no volume.

        Args:
            parts: Labeled, diseased and healthy volumes.
            logits: The segmenter's, of each.
        """
        labeled, diseased, healthy = parts
        labeled_logits, diseased_logits, healthy_logits = logits
        weights, terms = self.weights, {}
        if weights.labeled > 0 and len(labeled_logits):
            terms["labeled"] = weights.labeled * self._by_mask(labeled_logits, labeled["target"])
        if weights.healthy > 0:
            nothing = torch.zeros_like(healthy["target"])
            terms["healthy"] = weights.healthy * self.cross_entropy(healthy_logits, nothing)
        if weights.mil > 0:
            where = diseased["lung"] if self.variant == "released" else torch.ones_like(diseased["lung"])
            terms["mil"] = weights.mil * lesion_somewhere(diseased_logits, where, share=self.mil_share)
        return terms

    def cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of healthy and synthetic volumes."""
        return focal_bce(logits, target) if self.variant == "released" else point_loss(logits, target)

    def _by_mask(self, logits: Tensor, target: Tensor) -> Tensor:
        return balanced_focal_bce(logits, target) if self.variant == "released" else point_loss(logits, target)


def take(batch: Sample, part: int) -> Sample:
    """The samples of one part of a batch."""
    chosen = batch["part"] == part
    return {key: value[chosen] for key, value in batch.items()}
