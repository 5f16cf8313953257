"""GASNet (paper 003): a segmenter taught by a generator that heals volumes and a discriminator that must not notice."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch import nn

from groundglass.datasets.group_loader import Draw
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.methods.adversaries import Adversaries
from groundglass.methods.augment import augment
from groundglass.methods.collapse import FIGURES
from groundglass.methods.collapse import CollapseWarnings
from groundglass.methods.collapse import lesion_share
from groundglass.methods.gasnet_optimizers import GasnetOptimizers
from groundglass.methods.gasnet_optimizers import damped
from groundglass.methods.gasnet_weights import FADE
from groundglass.methods.gasnet_weights import SYNTHETIC_FROM
from groundglass.methods.gasnet_weights import Variant
from groundglass.methods.mil import DISEASED
from groundglass.methods.mil import HEALTHY
from groundglass.methods.mil import LABELED
from groundglass.methods.mil import MultipleInstance
from groundglass.methods.mil import take
from groundglass.methods.restoration import synthesize
from groundglass.methods.settings import TrainingSettings

Terms = dict[str, Tensor]


class GASNet(MultipleInstance):
    """Segmenter S, generator G and discriminator D, trained against each other.

    In each step S and G are updated once and D ``critic_steps`` times with fresh volumes. ``paper``: S and G follow one
    sum of all terms. ``released``: they follow the adversarial, reconstruction and synthetic terms, then S alone the
    other segmentation terms.

    Args:
        network: The segmenter; see :class:`Method`.
        settings: See :class:`Method`; ``lr`` is the segmenter's.
        variant: ``released`` or ``paper``: losses, weights and schedules; what follows overrides it.
        weights: Weights of single terms; see :class:`groundglass.methods.gasnet_weights.Weights`.
        generator: Options of :class:`groundglass.networks.gasnet_generator.GasnetGenerator`.
        discriminator: Options of :class:`groundglass.networks.gasnet_discriminator.GasnetDiscriminator`.
        optimizers: Options of :class:`GasnetOptimizers`.
        critic_steps: Updates of D for each of S and G (the paper's theta_i).
        lung_in_composite: Replace tissue within the lungs only (as released) or wherever S says (the paper's Eq. 1).
        synthetic_from: Step from which synthetic volumes are trained on (paper 7,000, released 5,000).
        fade: Steps over which D stops being shown generated volumes (released 150,000, paper never).
        xi: Half the width of the band of probabilities left out in synthetic labels.
        dead_zone: As released, nearly stop a player whose loss is low; see :func:`damped`.
        balanced: Weigh what D learns; see :class:`Adversaries`.
        mil_share: See :class:`MultipleInstance`.
        labeled_batch: See :class:`MultipleInstance`.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        variant: Variant = "released",
        weights: Mapping[str, float] | None = None,
        generator: Mapping[str, Any] | None = None,
        discriminator: Mapping[str, Any] | None = None,
        optimizers: Mapping[str, Any] | None = None,
        critic_steps: int = 5,
        lung_in_composite: bool | None = None,
        synthetic_from: int | None = None,
        fade: int | None = None,
        xi: float = 0.3,
        dead_zone: bool = False,
        balanced: bool = False,
        mil_share: float = 0.0,
        labeled_batch: int = 1,
    ) -> None:
        shared = {"variant": variant, "weights": weights, "mil_share": mil_share, "labeled_batch": labeled_batch}
        super().__init__(network=network, settings=settings, **shared)  # type: ignore[arg-type]
        if critic_steps < 1 or not 0 <= xi <= 0.5:
            raise InputError(f"critic_steps must be 1 or more and xi from 0 to 0.5, not {critic_steps} and {xi}")
        self.automatic_optimization = False
        self.adversaries = Adversaries(
            generator=generator or {},
            discriminator=discriminator or {},
            weights=self.weights,
            variant=variant,
            lung_in_composite=variant == "released" if lung_in_composite is None else lung_in_composite,
            fade=FADE[variant] if fade is None else fade,
            dead_zone=dead_zone,
            balanced=balanced,
        )
        self.schedule = GasnetOptimizers.of(optimizers or {})
        self.critic_steps = critic_steps
        self.synthetic_from = SYNTHETIC_FROM[variant] if synthetic_from is None else synthetic_from
        self.xi = xi
        self.dead_zone = dead_zone
        self.collapse = CollapseWarnings()
        self.steps: Tensor
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def draws(self, samples: SliceSamples, batch_size: int) -> list[Draw]:
        """What :class:`MultipleInstance` draws, and fresh diseased and healthy volumes for each update of D."""
        first = super().draws(samples, batch_size)
        rounds = range(1, self.critic_steps + 1)
        return first + [Draw(one.chosen, one.count, one.part + 2 * number) for number in rounds for one in first[-2:]]

    def training_step(self, batch: Sample, batch_idx: int) -> None:  # type: ignore[override]
        """Lightning's hook: one update of S and G, ``critic_steps`` of D, one step of the schedules."""
        batch = augment(batch, self.settings)
        batch["image"] = batch["image"].contiguous(memory_format=torch.channels_last_3d)
        logged = self._update_players(batch)
        critic = [self._update_discriminator(batch, 2 * number) for number in range(1, self.critic_steps + 1)]
        logged |= {key: torch.stack([one[key] for one in critic]).mean() for key in critic[0]}
        self.steps += 1
        schedules: Any = self.lr_schedulers()
        for schedule in schedules:
            schedule.step()
        named = {f"train_{key}": value.detach() for key, value in logged.items()}
        self.log_dict(named, on_step=False, on_epoch=True, batch_size=int((batch["part"] == DISEASED).sum()))

    def on_train_epoch_end(self) -> None:
        """Lightning's hook: say it if the training has collapsed."""
        self.collapse.say(self.trainer.callback_metrics, self.current_epoch + 1)

    def configure_optimizers(self) -> OptimizerLRScheduler:  # type: ignore[override]
        """Lightning's hook: optimizers and schedules of S, G and D, in this order."""
        players = (self.network, self.adversaries.generator, self.adversaries.discriminator)
        total = max(int(self.trainer.estimated_stepping_batches), 1)
        return self.schedule.build(players, self.settings, total)

    def restorer(self) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
        """:meth:`restore`."""
        return self.restore

    def restore(self, image: Tensor, lung: Tensor) -> dict[str, Tensor]:
        """The volumes of the paper's Fig. 8, each ``(B, 1, *spatial)``: ``mask``, ``generated``, ``synthetic``.

        Args:
            image: ``(B, 1, *spatial)`` in [0, 1].
            lung: Its lung mask, bool.
        """
        mask = self.probabilities(image)
        generated, composite = self.adversaries.restore(image, mask, lung)
        return {"mask": mask, "generated": generated, "synthetic": composite}

    def _update_players(self, batch: Sample) -> Terms:
        """Update S and G; gives the terms and what is watched."""
        parts = [take(batch, number) for number in (LABELED, DISEASED, HEALTHY)]
        self.adversaries.discriminator.requires_grad_(False)
        update = self._update_together if self.variant == "paper" else self._update_in_turn
        terms, logits = update(parts)
        self.adversaries.discriminator.requires_grad_(True)
        pairs = zip(FIGURES[:2], logits[1:], parts[1:], strict=True)
        watched = {name: lesion_share(one, part["lung"]) for name, one, part in pairs}
        return {"loss": sum(terms.values(), start=logits[1].new_zeros(())), **terms, **watched}

    def _update_together(self, parts: Sequence[Sample]) -> tuple[Terms, Sequence[Tensor]]:
        """Algorithm 1 of the paper: one sum of all terms."""
        logits = self.segment(parts)
        terms = self._adversarial_terms(logits[1], *parts) | self.segmentation_terms(parts, logits)
        self._minimize(terms, (0, 1), 0.16, 1e-3)
        return terms, logits

    def _update_in_turn(self, parts: Sequence[Sample]) -> tuple[Terms, Sequence[Tensor]]:
        """The release: S and G by what the discriminator sees and synthetic volumes, then S by the others."""
        terms = self._adversarial_terms(self.network(parts[1]["image"]), *parts)
        self._minimize(terms, (0, 1), 0.16, 1e-3)
        logits = self.segment(parts)
        others = self.segmentation_terms(parts, logits)
        self._minimize(others, (0,), 0.064, 1e-2)
        return terms | others, logits

    def _adversarial_terms(self, logits: Tensor, labeled: Sample, diseased: Sample, healthy: Sample) -> Terms:
        mask = logits.sigmoid()
        terms = self.adversaries.healing_terms(mask, diseased, healthy)
        if self.weights.synthetic > 0 and int(self.steps) >= self.synthetic_from:
            terms["synthetic"] = self.weights.synthetic * self._synthetic(diseased["image"], mask, healthy, self.xi)
        if self.weights.transplanted > 0 and len(labeled["image"]):
            drawn = (labeled["target"] == 1).to(mask)
            terms["transplanted"] = self.weights.transplanted * self._synthetic(labeled["image"], drawn, healthy, 0.0)
        return terms

    def _synthetic(self, diseased: Tensor, mask: Tensor, healthy: Sample, xi: float) -> Tensor:
        """Loss of lesions set into healthy lungs, of as many volumes as there are of both."""
        count = min(len(diseased), len(healthy["image"]))
        host, lung = healthy["image"][:count], healthy["lung"][:count]
        images, target = synthesize(host, diseased[:count], mask[:count], lung, xi=xi)
        return self.cross_entropy(self.network(images), target)

    def _update_discriminator(self, batch: Sample, offset: int) -> Terms:
        """Update D with the volumes drawn for it; gives its loss and how often it is right."""
        diseased, healthy = take(batch, DISEASED + offset), take(batch, HEALTHY + offset)
        with torch.no_grad():
            mask = self.probabilities(diseased["image"])
        loss, right = self.adversaries.discriminator_loss(mask, diseased, healthy, int(self.steps))
        self._minimize({"d_loss": loss}, (2,), 0.16, 1e-6)
        return {"d_loss": loss, **right}

    def _minimize(self, terms: Terms, players: Sequence[int], below: float, factor: float) -> None:
        """Update S (0), G (1) or D (2) by the sum of some terms, which may all have been left out."""
        if not terms:
            return
        optimizers: Any = self.optimizers()
        loss = torch.stack(list(terms.values())).sum()
        for player in players:
            optimizers[player].zero_grad()
        self.manual_backward(damped(loss, below, factor) if self.dead_zone else loss)
        for player in players:
            optimizers[player].step()
