"""Counting and localizing lesions from clicks: LCFCN and CB-LCFCN (paper 000, section 4.4)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.losses.lcfcn import cb_lcfcn_terms
from groundglass.losses.lcfcn import lcfcn_loss
from groundglass.losses.lcfcn_weights import Variant
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings


class LesionCounting(Method):
    """A blob for each clicked lesion: LCFCN, with or without consistency under left-right mirroring.

    Args:
        network: See :class:`Method`.
        settings: See :class:`Method`. Enlarging (``zoom``) pushes clicks out of view and leaves their lesions in, which
            this loss takes for false positives; leave it at 1.
        variant: ``released`` or ``paper``; see :func:`groundglass.losses.lcfcn.lcfcn_loss`.
        consistency: Add the difference from the prediction of the mirrored image, mirrored back (CB-LCFCN).
        weight: Weight of the consistency term (1 in the release).
    """

    uses: ClassVar[tuple[str, ...]] = ("point", "region")

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        variant: Variant = "released",
        consistency: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(network=network, settings=settings)
        self.variant: Variant = variant
        self.consistency = consistency
        self.weight = weight

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of a batch; the consistency term needs no label at all."""
        image, target = batch["image"], batch["target"]
        if not self.consistency:
            return {"loss": lcfcn_loss(self.network(image), target, variant=self.variant)}
        # One pass over both halves: the same result as two except for batch norm, which sees both at once.
        logits, mirrored = self.network(torch.cat([image, image.flip(-1)])).chunk(2)
        return cb_lcfcn_terms(logits, mirrored.flip(-1), target, variant=self.variant, weight=self.weight)
