"""BL: biomarker localization by a classifier and a GAN together (Zhang et al., MICCAI 2019), paper 002's baseline."""

from __future__ import annotations

import logging
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.errors import InputError
from groundglass.losses.edge_weights import edge_weights
from groundglass.losses.weighted_distance import weighted_distance
from groundglass.methods.adversarial import Adversarial
from groundglass.methods.adversarial import signed
from groundglass.methods.heat import Cleaning
from groundglass.methods.heat import Heat
from groundglass.methods.heat import heat_map
from groundglass.methods.option_checks import at_least
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tagged import halves
from groundglass.networks.critic import MultiScaleCritic
from groundglass.networks.encoder_decoder import Norm
from groundglass.networks.vagan import MapGenerator

logger = logging.getLogger(__name__)

CHANCE = math.log(2)
"""Cross-entropy of a classifier that has learned nothing."""
HARDLY_LEARNED = 0.6


class BiomarkerLocalization(Adversarial):
    """An encoder and decoder make a slice that a classifier calls normal, a critic finds real, and that is still alike.

    The classifier learns from the tags first, in the same run, and is then left as it is. Known from the paper's
    abstract and from leftovers in paper 002's release alone; how the parts are joined is a reconstruction.

    Args:
        network: A :class:`MapGenerator`; its output goes through tanh, but see ``change``.
        settings: See :class:`Adversarial`.
        adversarial: Weight of the critic's opinion.
        reconstruction: Weight of the distance from the slice, more at edges.
        classification: Weight of the classifier's opinion.
        classifier_steps: Steps the classifier is trained before anything else.
        critic_channels: Of critic and classifier; see :class:`MultiScaleCritic`.
        critic_norm: Of the critic.
        critic_steps: See :class:`Adversarial`.
        critic_start: See :class:`Adversarial`.
        common_lungs: See :class:`Adversarial`.
        change: The network gives a change, added to the slice, and starts from none; else the whole image.
        heat: ``difference`` or ``positive``; see :func:`heat_map`.
        median: Take the heat map's own median inside the lungs away from it; see :func:`above_median`.
        relight: See :class:`Adversarial`.
        opening: Take thin structures away from it; see :class:`Cleaning`.
        smooth: Standard deviation, in pixels of the network's grid, of a Gaussian over the heat map; 0 for none.

    Raises:
        InputError: If the network is another, or an option makes no sense.
    """

    network: MapGenerator
    classifier_turns: Tensor
    recent_loss: Tensor

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        adversarial: float = 0.01,
        reconstruction: float = 100.0,
        classification: float = 10.0,
        classifier_steps: int = 300,
        critic_channels: tuple[int, ...] = (16, 32, 64, 128),
        critic_norm: Norm = "instance",
        critic_steps: int = 1,
        critic_start: int = 0,
        common_lungs: bool = False,
        change: bool = False,
        heat: Heat = "difference",
        median: bool = False,
        opening: int = 1,
        relight: float = 0.0,
        smooth: float = 0.0,
    ) -> None:
        if not isinstance(network, MapGenerator):
            raise InputError("method bl needs network: map-generator")
        if heat == "lesion":
            raise InputError("method bl has no lesion version; set heat: difference or positive")
        at_least(0, adversarial=adversarial, reconstruction=reconstruction, classification=classification)
        at_least(0, classifier_steps=classifier_steps)
        super().__init__(
            network=network,
            settings=settings,
            critic=MultiScaleCritic(channels=critic_channels, norm=critic_norm, inside=common_lungs),
            critic_steps=critic_steps,
            critic_start=critic_start,
            relight=relight,
            common_lungs=common_lungs,
        )
        # A mean over a batch of both kinds would tell the classifier apart what one slice does not: per image.
        self.classifier = MultiScaleCritic(channels=critic_channels, norm="layer")
        self.register_buffer("classifier_turns", torch.tensor(0))
        self.register_buffer("recent_loss", torch.tensor(CHANCE), persistent=False)
        self.adversarial = adversarial
        self.reconstruction = reconstruction
        self.classification = classification
        self.classifier_steps = classifier_steps
        self.change = change
        if change:
            for one in network.head.parameters():
                nn.init.zeros_(one)
        self.reading: Heat = heat
        self.cleaning = Cleaning(median, opening, smooth)

    def normal_version(self, image: Tensor) -> Tensor:
        """See :class:`Adversarial`."""
        made = self.network(image).float()
        return (image + made).clamp(-1, 1) if self.change else torch.tanh(made)

    def heat(self, image: Tensor) -> Tensor:
        """What was changed; see :func:`heat_map`."""
        normal, inside = self.normal_version(image), image > -1
        heat = heat_map(image, normal, torch.zeros_like(normal), self.reading) * inside
        return self.cleaning(heat, inside)

    def views(self, image: Tensor) -> dict[str, Tensor]:
        """Normal version and heat map, in [0, 1], of images in [0, 1]."""
        return {"normal version": (self.normal_version(2 * image - 1) + 1) / 2, **super().views(image)}

    def training_step(self, batch: Sample, batch_idx: int) -> None:  # type: ignore[override]
        """Lightning's hook: a step of the classifier while it is learning, then as in :class:`Adversarial`."""
        if self.classifier_turns >= self.classifier_steps:
            super().training_step(batch, batch_idx)
            return
        self.classifier_turns += 1
        self.set_rates(batch_idx)
        batch = self.prepared(batch)
        logits = self.lesion_logits(signed(batch), batch["lung"])
        loss = F.binary_cross_entropy_with_logits(logits, batch["tag"].float())
        self.step(self.all_optimizers()[2], loss)
        self.log_terms("classifier", {"loss": loss}, len(logits))
        self.recent_loss.lerp_(loss.detach(), 0.1)
        if self.classifier_turns == self.classifier_steps and not self.recent_loss < HARDLY_LEARNED:
            logger.warning(
                "the classifier tells lesion slices from others hardly better than by chance (loss %.2f, chance %.2f), "
                "so it teaches nothing; raise method_options.classifier_steps, or lower settings.lr",
                *(float(self.recent_loss), CHANCE),
            )

    def steps_before(self) -> dict[str, int]:
        """Those of :class:`Adversarial`, after the classifier's."""
        return {"classifier_steps": self.classifier_steps, **super().steps_before()}

    def lesion_logits(self, image: Tensor, lung: Tensor) -> Tensor:
        """The classifier's logits ``(B,)`` of "there is a lesion"."""
        logits: Tensor = self.classifier(torch.where(lung, image, -1.0))
        return logits.float()

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of the network's loss: ``classification``, ``adversarial`` and ``reconstruction``."""
        lesion, normal = halves(batch)
        version = self.normal_version(signed(batch))
        distance = weighted_distance(version, signed(batch), edge_weights(batch["image"]))
        fake = version[batch["tag"] == 1]
        logits = self.lesion_logits(fake, lesion["lung"])
        opinion = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))
        terms = {
            "classification": self.classification * opinion,
            "adversarial": self.adversarial * self.opinion(fake, lesion, normal),
            "reconstruction": self.reconstruction * distance,
        }
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def trained_parts(self) -> list[Any]:
        """The parts of :class:`Adversarial`, and the classifier."""
        return [*super().trained_parts(), self.classifier]
