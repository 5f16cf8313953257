"""GASNet's generator and discriminator, and what each is to gain (paper 003, sections III-A and III-B)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.methods.gasnet_optimizers import damped
from groundglass.methods.gasnet_weights import Variant
from groundglass.methods.gasnet_weights import Weights
from groundglass.methods.method import in_float32
from groundglass.methods.restoration import compose
from groundglass.networks import AUXILIARY

HEALTHY, OTHER = 0, 1
"""What the discriminator calls a real healthy volume, and anything else."""


class Adversaries(nn.Module):
    """The generator heals volumes, the discriminator tells real healthy volumes from all others.

    Args:
        generator: Options of the generator.
        discriminator: Options of the discriminator.
        weights: Weights of the terms.
        variant: ``released``: reconstruction by L1; ``paper``: by its square.
        lung_in_composite: Replace tissue within the lungs only.
        fade: Steps over which the discriminator stops being shown generated volumes; ``None`` for never.
        dead_zone: Hardly train the discriminator while its loss is low.
        balanced: Weigh real healthy volumes as much as all others together: else a discriminator that calls everything
            unhealthy is right three times out of four, and does for hundreds of steps.
    """

    def __init__(
        self,
        *,
        generator: Mapping[str, Any],
        discriminator: Mapping[str, Any],
        weights: Weights,
        variant: Variant,
        lung_in_composite: bool,
        fade: int | None,
        dead_zone: bool,
        balanced: bool = False,
    ) -> None:
        super().__init__()
        self.generator: nn.Module = AUXILIARY.build("gasnet-generator", dict(generator))
        self.discriminator: nn.Module = AUXILIARY.build("gasnet-discriminator", dict(discriminator))
        for player in (self.generator, self.discriminator):
            player.to(memory_format=torch.channels_last_3d)
            player.register_forward_hook(in_float32)
        self.weights = weights
        self.variant: Variant = variant
        self.lung_in_composite = lung_in_composite
        self.fade = fade
        self.dead_zone = dead_zone
        self.balanced = balanced

    def restore(self, image: Tensor, mask: Tensor, lung: Tensor) -> tuple[Tensor, Tensor]:
        """The generated volume and the composite ``I_s``; all ``(B, 1, *spatial)``."""
        generated: Tensor = self.generator(image)
        return generated, self.composite(generated, image, mask, lung)

    def composite(self, generated: Tensor, image: Tensor, mask: Tensor, lung: Tensor) -> Tensor:
        """Eq. 1, as released with the lung mask in it or without."""
        return compose(generated, image, mask * lung if self.lung_in_composite else mask)

    def healing_terms(self, mask: Tensor, diseased: Sample, healthy: Sample) -> dict[str, Tensor]:
        """What segmenter and generator are to lower: ``adversarial``, ``ig_to_d`` and ``recons``, weighted.

        What has no weight is not computed.

        Args:
            mask: Lesion probabilities of the diseased volumes.
            diseased: Their images and lungs.
            healthy: Healthy images.
        """
        weights, count = self.weights, len(mask)
        images = torch.cat([diseased["image"], healthy["image"]])
        generated, again = self.generator(images).split([count, len(images) - count])
        shown: dict[str, Tensor] = {}
        if weights.adversarial > 0:
            shown["adversarial"] = self.composite(generated, diseased["image"], mask, diseased["lung"])
        if weights.ig_to_d > 0:
            shown["ig_to_d"] = generated
        terms: dict[str, Tensor] = {}
        if shown:
            fooled = torch.split(_bce(self.discriminator(torch.cat(list(shown.values()))), HEALTHY), count)
            terms = {name: getattr(weights, name) * one.mean() for name, one in zip(shown, fooled, strict=True)}
        if weights.recons > 0:
            distance = F.l1_loss if self.variant == "released" else F.mse_loss
            # On the networks' own scale, [-1, 1], which the weights are made for.
            terms["recons"] = weights.recons * distance(2 * again - 1, 2 * healthy["image"] - 1)
        return terms

    def discriminator_loss(
        self, mask: Tensor, diseased: Sample, healthy: Sample, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the discriminator is to lower, and how often it is right about each kind of volume."""
        with torch.no_grad():
            generated, composite = self.restore(diseased["image"], mask, diseased["lung"])
        shown = [composite, generated, diseased["image"], healthy["image"]]
        answers: Tensor = self.discriminator(torch.cat(shown))
        made, wholly, real, normal = torch.split(answers, [len(images) for images in shown])
        generated_weight, real_weight = self.weights.ig_to_d * self._faded(step), self.weights.id_to_d
        term = real_weight * _bce(real, OTHER).mean()
        others = _bce(made, OTHER).mean() + generated_weight * _bce(wholly, OTHER).mean()
        others = others + (damped(term, 0.1, 1e-4) if self.dead_zone else term)
        share = 1 + generated_weight + real_weight if self.balanced else 1.0
        loss = others + share * _bce(normal, HEALTHY).mean()
        right = {"d_right_diseased": real > 0, "d_right_healthy": normal < 0, "d_right_composite": made > 0}
        return loss, {name: one.float().mean() for name, one in right.items()}

    def _faded(self, step: int) -> float:
        return 1.0 if self.fade is None else max(1 - step / self.fade, 0.0)


def _bce(logits: Tensor, label: int) -> Tensor:
    """Cross-entropy of each volume."""
    return F.softplus(logits if label == HEALTHY else -logits)
