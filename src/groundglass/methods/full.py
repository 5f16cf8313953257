"""Full supervision: the upper bound, and whatever masks there are."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from groundglass.datasets.samples import Sample
from groundglass.losses.weighted_bce_iou import weighted_bce_iou
from groundglass.methods.method import Method


class FullSupervision(Method):
    """Border-weighted cross-entropy and IoU on drawn masks (paper 000, section 4.2: its fully supervised baseline)."""

    uses: ClassVar[tuple[str, ...]] = ("mask",)

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Loss of a batch; slices without a label are left out."""
        return {"loss": weighted_bce_iou(self.network(batch["image"]), batch["target"])}
