"""What methods with a critic have in common: two optimizers that take turns."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any
from typing import ClassVar

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.losses.wasserstein import adversarial_loss
from groundglass.losses.wasserstein import critic_distance
from groundglass.losses.wasserstein import gradient_penalty
from groundglass.methods.alternating import Alternating
from groundglass.methods.option_checks import at_least
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tagged import halves
from groundglass.methods.tagged import tagged_slices


class Adversarial(Alternating):
    """Base of decomposition, BL and VA-GAN: a network makes slices look normal to a critic (Wasserstein GAN).

    A batch holds slices tagged "lesion" and slices tagged "no lesion". Every batch trains the critic; every
    ``critic_steps``-th also trains the network, which is the optimizer's turn of :meth:`loss`.

    Args:
        network: See :class:`Alternating`.
        settings: See :class:`Alternating`.
        critic: Images and where their lungs are to scores, higher for normal ones; ``None`` for no critic at all.
        critic_steps: Critic steps for one of the network: 1 in paper 002's release, 5 in WGAN-GP.
        critic_start: Critic steps before the network's first.
        long_turns: Critic steps before each of the network's first 25 steps and every hundredth (VA-GAN: 100); 0 for
            none of that.
        penalty: Weight of the gradient penalty.
        critic_scale: Factor of the critic's whole loss (0.01 in paper 002's release).
        common_lungs: Show the critic a normal and a made slice only where both have lung, so that it cannot tell them
            apart by the size and shape of the lungs.
        relight: See :class:`Alternating`.

    Raises:
        InputError: If a number of steps is too small, or ``relight`` is below 0.
    """

    uses: ClassVar[tuple[str, ...]] = ("slice_tag", "scan_tag")
    critic_turns: Tensor
    network_turns: Tensor

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        critic: nn.Module | None,
        critic_steps: int = 1,
        critic_start: int = 0,
        long_turns: int = 0,
        penalty: float = 10.0,
        critic_scale: float = 1.0,
        common_lungs: bool = False,
        relight: float = 0.0,
    ) -> None:
        super().__init__(network=network, settings=settings, relight=relight)
        at_least(1, critic_steps=critic_steps)
        at_least(0, critic_start=critic_start, long_turns=long_turns, relight=relight)
        self.critic = critic
        self.critic_steps = critic_steps
        self.critic_start = critic_start
        self.long_turns = long_turns
        self.penalty = penalty
        self.critic_scale = critic_scale
        self.common_lungs = common_lungs
        # Buffers, so that a run that is resumed goes on in the middle of a turn.
        self.register_buffer("critic_turns", torch.tensor(0))
        self.register_buffer("network_turns", torch.tensor(0))

    @abstractmethod
    def normal_version(self, image: Tensor) -> Tensor:
        """What the network makes of images ``(B, 1, *spatial)`` in [-1, 1], in [-1, 1] too."""

    @abstractmethod
    def heat(self, image: Tensor) -> Tensor:
        """Where images ``(B, 1, *spatial)`` in [-1, 1] have lesions, in [0, 1]."""

    def usable(self, samples: SliceSamples) -> Tensor:
        """``(N,)`` bool: slices with a tag and with lung."""
        return tagged_slices(samples)

    def probabilities(self, image: Tensor) -> Tensor:
        """The heat map, zero where the image is black: outside the lungs."""
        return self.heat(2 * image - 1) * (image > 0)

    def scores(self, image: Tensor, lung: Tensor) -> Tensor:
        """The critic's scores ``(B,)`` in float32, of what is inside the lungs; outside is black."""
        assert self.critic is not None
        scores: Tensor = self.critic(torch.where(lung, image, -1.0), lung)
        return scores.float()

    def fakes(self, lesion: Sample, normal: Sample) -> Sample:
        """The slices of a batch whose normal version the critic is shown: those with a lesion."""
        return lesion

    def critic_loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of the critic's loss (paper 002, Eq. 3)."""
        lesion, normal = halves(batch)
        chosen = self.fakes(lesion, normal)
        with torch.no_grad():
            fake = self.normal_version(signed(chosen))
        real, fake, real_lung, fake_lung = self._paired(signed(normal), fake, normal["lung"], chosen["lung"])
        distance = critic_distance(self.scores(real, real_lung), self.scores(fake, fake_lung))
        either = real_lung | fake_lung
        with torch.autocast(real.device.type, enabled=False):  # second derivatives want float32
            penalty = gradient_penalty(lambda image: self.scores(image, either), real, fake)
        return {"loss": self.critic_scale * (distance + self.penalty * penalty), "distance": -distance}

    def opinion(self, fake: Tensor, chosen: Sample, normal: Sample) -> Tensor:
        """The critic's part in the network's loss (paper 002, Eq. 4).

        Args:
            fake: Normal versions of ``chosen``.
            chosen: What :meth:`fakes` gave.
            normal: The slices tagged "no lesion".
        """
        _, fake, _, lung = self._paired(signed(normal), fake, normal["lung"], chosen["lung"])
        return adversarial_loss(self.scores(fake, lung))

    def _paired(self, real: Tensor, fake: Tensor, real_lung: Tensor, fake_lung: Tensor) -> tuple[Tensor, ...]:
        """As many of one as of the other, and where they are shown to the critic."""
        order = torch.arange(max(len(real), len(fake)), device=real.device)
        first, second = order % len(real), order % len(fake)
        lungs = real_lung[first], fake_lung[second]
        if self.common_lungs:
            lungs = (lungs[0] & lungs[1],) * 2
        return real[first], fake[second], *lungs

    def training_step(self, batch: Sample, batch_idx: int) -> None:  # type: ignore[override]
        """Lightning's hook: a step of the critic and, if it is its turn, one of the network."""
        self.set_rates(batch_idx)
        batch = self.prepared(batch)
        network_optimizer, *others = self.all_optimizers()
        if self.critic is not None:
            terms = self.critic_loss(batch)
            self.step(others[0], terms["loss"])
            self.critic_turns += 1
            self.log_terms("critic", terms, len(batch["tag"]))
        if self.critic is None or self.critic_turns >= self._wanted():
            self.critic_turns.zero_()
            self.network_turns += 1
            self._network_step(network_optimizer, batch)

    def _network_step(self, optimizer: LightningOptimizer, batch: Sample) -> None:
        self.toggle_optimizer(optimizer)  # gradients go through the critic, not into it
        terms = self.loss(batch)
        self.step(optimizer, terms["loss"])
        self.untoggle_optimizer(optimizer)
        self.log_terms("train", terms, len(batch["tag"]))

    def steps_before(self) -> dict[str, int]:
        """Steps of a run before the network's first, by the option that asks for them."""
        if self.critic is None:
            return {}
        turns = {name: int(getattr(self, name)) for name in ("critic_start", "long_turns", "critic_steps")}
        longest = max(turns, key=lambda name: turns[name])
        return {longest: turns[longest] - 1}  # the network's is in the same step as the critic's last

    def starts_over(self, epoch: int) -> bool:
        """Until the network's first step, and in its epoch: what it scores before says nothing about the run."""
        return epoch <= self._first_epoch()

    def begins_stage(self, epoch: int) -> bool:
        """In the epoch of the network's first step."""
        return epoch == self._first_epoch()

    def _first_epoch(self) -> int:
        return sum(self.steps_before().values()) // int(self.trainer.num_training_batches)

    def on_fit_start(self) -> None:
        """Lightning's hook: see to one process, batches of both kinds, and steps enough to train the network.

        By chance alone some batch would be of one kind, sooner or later, and each time the run is resumed.

        Raises:
            InputError: If the recipe does not.
        """
        if self.trainer.world_size > 1:
            raise InputError("this method trains two networks in turn and in one process; use --devices 1")
        steps, before = int(self.trainer.estimated_stepping_batches), self.steps_before()
        if sum(before.values()) >= steps:
            name = max(before, key=lambda one: before[one])
            raise InputError(
                f"recipe: the network would not be trained in any of the run's {steps} steps, as "
                f"method_options.{name} is {getattr(self, name)}; lower it, or raise epochs or epoch_samples"
            )
        loader: Any = self.trainer.train_dataloader
        if loader.sampler.pair is None:
            raise InputError("recipe: this method compares slices tagged lesion with others; set draw: tags")

    def _wanted(self) -> int:
        """Critic steps before the network's next."""
        done = int(self.network_turns)
        first = self.critic_start if done == 0 else 0
        long = self.long_turns if done < 25 or done % 100 == 0 else 0
        return max(self.critic_steps, first, long)

    def trained_parts(self) -> list[nn.Module]:
        """What has an optimizer of its own: the network, then the critic, if there is one."""
        return [self.network] if self.critic is None else [self.network, self.critic]


def signed(batch: Sample) -> Tensor:
    """The images of a batch in [-1, 1]."""
    return 2 * batch["image"] - 1
