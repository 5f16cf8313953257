"""Point supervision (PL): cross-entropy on the clicked pixels alone."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.losses.points import Reduction
from groundglass.losses.points import point_loss
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings


class PointSupervision(Method):
    """The point loss of paper 000, Eq. 2; its simplest baseline.

    Args:
        network: See :class:`Method`.
        settings: See :class:`Method`.
        reduction: How the labeled pixels of a batch are put together; see
            :func:`groundglass.losses.points.point_loss`.
    """

    uses: ClassVar[tuple[str, ...]] = ("point", "region")

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(network=network, settings=settings)
        self.reduction: Reduction = reduction

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Loss of a batch; slices without a label are left out."""
        return {"loss": point_loss(self.network(batch["image"]), batch["target"], reduction=self.reduction)}
