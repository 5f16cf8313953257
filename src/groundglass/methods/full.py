"""Full supervision: the upper bound, and whatever masks there are; of slices or of volumes."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal

from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.losses.gasnet_focal import balanced_focal_bce
from groundglass.losses.points import point_loss
from groundglass.losses.weighted_bce_iou import weighted_bce_iou
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings

MaskLoss = Literal["border", "focal", "cross-entropy"]


class FullSupervision(Method):
    """Training on drawn masks alone.

    Args:
        network: See :class:`Method`.
        settings: See :class:`Method`.
        loss: ``border``: border-weighted cross-entropy and IoU of each slice (paper 000, section 4.2: its fully
            supervised baseline). ``focal`` or ``cross-entropy``: as GASNet's labeled volumes (paper 003, as released
            and in the text).
    """

    uses: ClassVar[tuple[str, ...]] = ("mask",)
    dimensions: ClassVar[tuple[Literal[2, 3], ...]] = (2, 3)

    def __init__(self, *, network: nn.Module, settings: TrainingSettings, loss: MaskLoss = "border") -> None:
        super().__init__(network=network, settings=settings)
        self.mask_loss: MaskLoss = loss

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Loss of a batch; slices without a label are left out."""
        logits, target = self.network(batch["image"]), batch["target"]
        if self.mask_loss == "focal":
            return {"loss": balanced_focal_bce(logits, target)}
        if self.mask_loss == "cross-entropy":
            return {"loss": point_loss(logits, target)}
        # Slices of a volume one by one: (B, 1, D, H, W) to (B D, 1, H, W).
        return {"loss": weighted_bce_iou(logits.flatten(0, -3).unsqueeze(1), target.flatten(0, -3).unsqueeze(1))}
