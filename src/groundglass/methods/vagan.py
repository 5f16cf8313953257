"""VA-GAN: the change that makes a slice with lesion look normal (Baumgartner et al., CVPR 2018)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.errors import InputError
from groundglass.methods.adversarial import Adversarial
from groundglass.methods.adversarial import signed
from groundglass.methods.heat import Cleaning
from groundglass.methods.heat import heat_map
from groundglass.methods.option_checks import at_least
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tagged import halves
from groundglass.networks.vagan import MapGenerator
from groundglass.networks.vagan import VaganCritic


class VisualAttribution(Adversarial):
    """The network gives a map ``M``; ``tanh(x + M)`` must look normal to the critic, with as little change as can be.

    Args:
        network: A :class:`MapGenerator`.
        settings: See :class:`Adversarial`.
        sparsity: Weight of the mean absolute change.
        critic_steps: See :class:`Adversarial`.
        critic_start: See :class:`Adversarial`.
        long_turns: See :class:`Adversarial`; 100 in the release.
        heat: ``map``, the size of the map, as released; ``difference`` or ``positive`` between the slice and what was
            made of it; see :func:`heat_map`. Where nothing is changed the map is ``atanh(x) - x``, which is not 0.
        median: Take the heat map's own median inside the lungs away from it; see :func:`above_median`.
        relight: See :class:`Adversarial`.
        opening: Take thin structures away from it; see :class:`Cleaning`.
        smooth: Standard deviation, in pixels of the network's grid, of a Gaussian over the heat map; 0 for none.

    Raises:
        InputError: If the network is another, or an option makes no sense.
    """

    network: MapGenerator

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        sparsity: float = 100.0,
        critic_steps: int = 5,
        critic_start: int = 0,
        long_turns: int = 100,
        heat: Literal["map", "difference", "positive"] = "map",
        median: bool = False,
        opening: int = 1,
        relight: float = 0.0,
        smooth: float = 0.0,
    ) -> None:
        if not isinstance(network, MapGenerator):
            raise InputError("method vagan needs network: map-generator")
        at_least(0, sparsity=sparsity)
        super().__init__(
            network=network,
            settings=settings,
            critic=VaganCritic(),
            critic_steps=critic_steps,
            critic_start=critic_start,
            relight=relight,
            long_turns=long_turns,
        )
        self.sparsity = sparsity
        self.reading: Literal["map", "difference", "positive"] = heat
        self.cleaning = Cleaning(median, opening, smooth)

    def normal_version(self, image: Tensor) -> Tensor:
        """See :class:`Adversarial`."""
        return torch.tanh(image + self.network(image))

    def heat(self, image: Tensor) -> Tensor:
        """The size of the map ``|M|``, where 1 and more is white, or what was changed."""
        inside = image > -1
        if self.reading == "map":
            heat = self.network(image).abs().clamp(max=1)
        else:
            normal = self.normal_version(image)
            heat = heat_map(image, normal, torch.zeros_like(normal), self.reading)
        return self.cleaning(heat * inside, inside)

    def views(self, image: Tensor) -> dict[str, Tensor]:
        """Normal version and heat map, in [0, 1], of images in [0, 1]."""
        return {"normal version": (self.normal_version(2 * image - 1) + 1) / 2, **super().views(image)}

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of the network's loss: ``adversarial`` and ``sparsity``."""
        lesion, normal = halves(batch)
        image = signed(lesion)
        fake = self.normal_version(image)
        terms = {
            "adversarial": self.opinion(fake, lesion, normal),
            "sparsity": self.sparsity * (fake - image).abs().mean(),
        }
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}
