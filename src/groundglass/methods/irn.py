"""IRN: activation maps spread up to learned class boundaries (Ahn et al., CVPR 2019; baseline of paper 004)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.errors import InputError
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.losses.affinity import affinity_loss
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.heat_maps import heat_map
from groundglass.methods.heat_maps import relative
from groundglass.methods.heat_maps import resized
from groundglass.methods.option_checks import at_least
from groundglass.methods.random_walk import random_walk
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.stages import TwoStages
from groundglass.methods.tag_method import class_loss

LESION, BACKGROUND = 0.30, 0.05
"""Heat above and below which a place is surely lesion or background, as released."""

GROUPS = 4
"""Of the boundary branch's normalization."""


class IRN(TwoStages):
    """A classifier, then on its frozen features a boundary map, up to which its heat spreads by random walk.

    What is left out of the published IRN: the displacement field, which tells lesions from each other and has no part
    in the walk; several image sizes; the CRF before the sure places are chosen.

    Args:
        network: See :class:`TagMethod`.
        settings: See :class:`Method`.
        stage1_epochs: Epochs of the classifier; the others train the boundary map.
        width: Channels of the boundary branch for each level of features; a multiple of 4.
        radius: How far apart the places of a pair lie, on the boundary map.
        steps: Steps of the random walk.

    Raises:
        InputError: If an option makes no sense.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        stage1_epochs: int = 8,
        width: int = 32,
        radius: int = 5,
        steps: int = 64,
    ) -> None:
        super().__init__(network=network, settings=settings, stage1_epochs=stage1_epochs)
        if width < GROUPS or width % GROUPS:
            raise InputError(f"method_options.width must be a multiple of {GROUPS}, not {width}")
        at_least(1, radius=radius)
        at_least(0, steps=steps)
        self.boundary = BoundaryBranch(self.network.channels, width)
        self.radius = radius
        self.steps = steps

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Cross-entropy of the tags, then the affinity loss on slices with a lesion."""
        if not self.segmenting:
            return {"loss": class_loss(self.network(batch["image"]), batch["tag"])}
        self.network.eval()
        image = batch["image"][batch["tag"] == 1]
        if not len(image):
            return {"loss": torch.stack([one.sum() for one in self.boundary.parameters()]).sum() * 0.0}
        with torch.no_grad():
            features = self.network.features(image)
            scores = self.network.scores(features[-1]).float()
        boundary = self.boundary(features)
        return {"loss": affinity_loss(boundary, sure_places(scores, image, boundary.shape[2:]), radius=self.radius)}

    def probabilities(self, image: Tensor) -> Tensor:
        """The walked heat as a share of its maximum, times the probability of the class; in stage 1 that of CAM."""
        features = self.network.features(image)
        scores = self.network.scores(features[-1]).float()
        maps = scores
        if self.segmenting:
            boundary = self.boundary(features)
            heat = relative(resized(scores, boundary.shape[2:]))
            maps = random_walk(heat, boundary, radius=self.radius, steps=self.steps)
        return heat_map(maps, image, class_logits(scores), scale="relative")


class BoundaryBranch(nn.Module):
    """Features of all levels, brought to stride 4 (or the deepest the network has), to one boundary map in (0, 1).

    Args:
        channels: Channels of each level.
        width: Channels each is reduced to; a multiple of 4.
    """

    def __init__(self, channels: Sequence[int], width: int) -> None:
        super().__init__()
        self.reduce = nn.ModuleList(
            nn.Sequential(nn.Conv2d(have, width, 1, bias=False), nn.GroupNorm(GROUPS, width), nn.ReLU(inplace=True))
            for have in channels
        )
        self.level = min(1, len(channels) - 1)
        self.join = nn.Conv2d(width * len(channels), 1, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Feature maps to ``(B, 1, h, w)``, of the size of the second map."""
        size = features[self.level].shape[2:]
        levels = [resized(reduce(one), size) for reduce, one in zip(self.reduce, features, strict=True)]
        boundary: Tensor = self.join(torch.cat(levels, dim=1)).float().sigmoid()
        return boundary


def sure_places(scores: Tensor, image: Tensor, size: tuple[int, ...]) -> Tensor:
    """``(B, 1, *size)`` uint8: 1 surely lesion, 0 surely background (black too), 255 neither, by activation maps."""
    black = F.adaptive_avg_pool2d((image > 0).float(), (size[0], size[1])) < 0.5
    heat = relative(resized(scores, size) * ~black)
    target = torch.full_like(heat, IGNORE_INDEX, dtype=torch.uint8)
    target[heat > LESION] = 1
    target[heat < BACKGROUND] = 0
    return target
