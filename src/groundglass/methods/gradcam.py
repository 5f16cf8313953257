"""Grad-CAM of a slice classifier (Selvaraju et al., ICCV 2017; a baseline of paper 002)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.methods.cam import CAM
from groundglass.methods.cam import Refine
from groundglass.methods.heat_maps import Scale
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.heat_maps import heat_map
from groundglass.methods.settings import TrainingSettings


class GradCAM(CAM):
    """The classifier of :class:`CAM`, looked at through the gradient of its logit at any of its feature maps.

    Args:
        network: See :class:`TagMethod`.
        settings: See :class:`Method`.
        scale: See :func:`heat_map`.
        refine: See :class:`CAM`.
        level: Which feature maps: -1 the deepest, whose Grad-CAM is CAM but for a constant; -2 the level above.

    Raises:
        InputError: If the network has no such level.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        scale: Scale = "relative",
        refine: Refine = "none",
        level: int = -2,
    ) -> None:
        super().__init__(network=network, settings=settings, scale=scale, refine=refine)
        count = len(self.network.channels)
        if not -count <= level < count:
            raise InputError(f"method_options.level {level}: the network has levels {-count} to {count - 1}")
        self.level = level

    def heat(self, image: Tensor) -> Tensor:
        """The heat map before refinement."""
        maps, logits = self.gradient_maps(image)
        return heat_map(maps, image, logits, scale=self.scale)

    def gradient_maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Feature maps weighed by the mean of the logit's gradient on each, ``(B, 1, h, w)``, and the logits."""
        with torch.inference_mode(False), torch.enable_grad():
            features = self.network.features(image.clone())
            scores = self.network.scores(features[-1])
            logits, feature = class_logits(scores), features[self.level]
            (gradient,) = torch.autograd.grad(logits.sum(), feature)
        # The logit is a mean over places: times their number, the map is of the size of what each place adds to it.
        weights = gradient.float().mean(dim=(2, 3), keepdim=True) * scores[0].numel()
        maps = (weights * feature.detach().float()).sum(dim=1, keepdim=True)
        return maps, logits.detach().float()
