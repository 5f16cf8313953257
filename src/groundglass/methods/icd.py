"""ICD: within slices with a lesion, lesion against the rest (Fan et al., CVPR 2020; "IDC" in paper 004)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.errors import InputError
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.heat_maps import heat_map
from groundglass.methods.option_checks import at_least
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tag_method import TagMethod
from groundglass.methods.tag_method import class_loss

SURE = 0.2
"""Score beyond which a place teaches the top-down branch, as released."""

MOMENTUM = 0.9


class ICD(TagMethod):
    """A classifier, and on its features an intra-class discriminator.

    Bottom-up, one direction in feature space is learned that spreads the places of slices with a lesion as far apart
    as it can (their first principal component); the activation maps say which of its ends is lesion. Top-down, a
    1 x 1 convolution learns from the places the direction is sure about.

    Differences from the release: the score is the cosine between direction and normalized feature, black places
    (outside the lungs) have no part, or else lung against black would be the direction; no superpixels; the top-down
    branch sees the deepest features alone; the branches see the features without passing a gradient back.

    Args:
        network: See :class:`TagMethod`.
        settings: See :class:`Method`.
        warm_up: Epochs before the top-down branch learns.

    Raises:
        InputError: If ``warm_up`` is below 0.
    """

    side: Tensor
    """Running mean of how much more activation the direction's positive end has than its negative one."""

    def __init__(self, *, network: nn.Module, settings: TrainingSettings, warm_up: int = 2) -> None:
        super().__init__(network=network, settings=settings)
        at_least(0, warm_up=warm_up)
        width = self.network.channels[-1]
        self.norm = nn.BatchNorm1d(width, affine=False)
        # Its length has no meaning; a short one turns quickly.
        self.direction = nn.Parameter(torch.randn(width) / width)
        self.top_down = nn.Linear(width, 1)
        self.warm_up = warm_up
        self.register_buffer("side", torch.tensor(0.0))

    def on_fit_start(self) -> None:
        """Lightning's hook: see that there is time for the top-down branch, whose answer is the heat map.

        Raises:
            InputError: If not.
        """
        if (self.trainer.max_epochs or 0) <= self.warm_up:
            raise InputError(
                f"recipe: epochs {self.trainer.max_epochs} leave none for the top-down branch; set it above "
                f"method_options.warm_up, {self.warm_up}"
            )

    def starts_over(self, epoch: int) -> bool:
        """While the top-down branch does not learn, and at the first epoch in which it does."""
        return epoch <= self.warm_up

    def begins_stage(self, epoch: int) -> bool:
        """At the first epoch in which it does."""
        return epoch == self.warm_up

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Cross-entropy of the tags, and on the places of slices with a lesion the two branches' terms."""
        feature = self.network.features(batch["image"])[-1]
        scores = self.network.scores(feature).float()
        inside = _places(batch["image"], scores.shape[2:]) & (batch["tag"] == 1).view(-1, 1, 1)
        terms = {"classes": class_loss(scores, batch["tag"])}
        terms |= self._discriminate(_vectors(feature.detach())[inside], scores.detach()[:, 0][inside])
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def _discriminate(self, vectors: Tensor, activation: Tensor) -> dict[str, Tensor]:
        """Terms of places' features ``(n, C)`` and their activation ``(n,)``."""
        nothing = (self.direction.sum() + self.top_down(vectors).sum() + self.top_down.weight.sum()) * 0.0
        if len(vectors) < 2:
            return {"bottom_up": nothing, "top_down": nothing}
        score = self.score(vectors)
        self._choose_side(score.detach(), activation)
        chosen = score.detach().abs() > SURE
        if self.current_epoch < self.warm_up or not chosen.any():
            return {"bottom_up": -score.square().mean(), "top_down": nothing}
        target = (score.detach() * self.side.sign() > 0).float()[chosen]
        top_down = F.binary_cross_entropy_with_logits(self.top_down(vectors[chosen])[:, 0], target)
        return {"bottom_up": -score.square().mean(), "top_down": top_down}

    def score(self, vectors: Tensor) -> Tensor:
        """Cosine between the direction and each normalized feature, ``(n, C)`` to ``(n,)``."""
        return F.normalize(self.norm(vectors), dim=1) @ F.normalize(self.direction, dim=0)

    def _choose_side(self, score: Tensor, activation: Tensor) -> None:
        positive = score > 0
        if self.training and positive.any() and not positive.all():
            more = activation[positive].mean() - activation[~positive].mean()
            self.side.mul_(MOMENTUM).add_((1 - MOMENTUM) * more)

    def probabilities(self, image: Tensor) -> Tensor:
        """The positive part of the top-down logits as a share of its maximum, times the probability of the class."""
        feature = self.network.features(image)[-1]
        logits = class_logits(self.network.scores(feature).float())
        lesion = self.top_down(_vectors(feature)).float().permute(0, 3, 1, 2)
        return heat_map(lesion, image, logits, scale="relative")


def _vectors(feature: Tensor) -> Tensor:
    """``(B, C, h, w)`` to ``(B, h, w, C)`` in float32."""
    return feature.float().permute(0, 2, 3, 1)


def _places(image: Tensor, size: tuple[int, ...]) -> Tensor:
    """``(B, *size)`` bool: places of which at least half is not black."""
    return F.adaptive_avg_pool2d((image > 0).float(), (size[0], size[1]))[:, 0] >= 0.5
