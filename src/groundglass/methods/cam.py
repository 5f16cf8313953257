"""Class activation maps of a slice classifier (Zhou et al., CVPR 2016; a baseline of papers 002 and 004)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.methods.dense_crf import DenseCRF
from groundglass.methods.heat_maps import Scale
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.heat_maps import heat_map
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tag_method import TagMethod
from groundglass.methods.tag_method import class_loss

Refine = Literal["none", "crf"]


class CAM(TagMethod):
    """A classifier trained on tags; its heat map is how much each place adds to "lesion".

    Args:
        network: See :class:`TagMethod`.
        settings: See :class:`Method`.
        scale: How the map becomes a heat map; see :func:`heat_map`.
        refine: ``crf`` lets a dense CRF bring the heat map to the edges in the image; see :class:`DenseCRF`.
    """

    def __init__(
        self, *, network: nn.Module, settings: TrainingSettings, scale: Scale = "relative", refine: Refine = "none"
    ) -> None:
        super().__init__(network=network, settings=settings)
        self.scale: Scale = scale
        self.crf = DenseCRF() if refine == "crf" else None

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Cross-entropy of the tags."""
        return {"loss": class_loss(self.network(batch["image"]), batch["tag"])}

    def probabilities(self, image: Tensor) -> Tensor:
        """The heat map ``(B, 1, H, W)`` of images ``(B, 1, H, W)``."""
        heat = self.heat(image)
        return heat if self.crf is None else self.crf.refine(heat, image)

    def heat(self, image: Tensor) -> Tensor:
        """The heat map before refinement."""
        scores = self.network(image)
        return heat_map(scores, image, class_logits(scores), scale=self.scale)
