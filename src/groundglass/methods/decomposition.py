"""Lesion decomposition: an image as its normal version plus its lesion version, from slice tags (paper 002)."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Literal

import torch
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
from groundglass.methods.opacities import paste_opacities
from groundglass.methods.option_checks import at_least
from groundglass.methods.option_checks import share
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tagged import halves
from groundglass.networks.critic import MultiScaleCritic
from groundglass.networks.decomposition import DecompositionNet
from groundglass.networks.encoder_decoder import Norm


@dataclass(frozen=True)
class Weights:
    """What paper and release disagree on."""

    adversarial: float
    reconstruction: float
    fidelity: float
    critic_scale: float
    edges: bool
    together: bool
    """All slices are one set: for the critic, and for the distance of the sum."""


VARIANTS = {
    "paper": Weights(0.01, 100, 100, 1.0, edges=False, together=True),
    "released": Weights(0.01, 200, 200, 0.01, edges=True, together=False),
}


class LesionDecomposition(Adversarial):
    """Normal version G1 and lesion version G2 of a slice, from one encoder, with a critic on the normal version.

    Both add up to the slice (Eq. 1), of a slice without lesion the normal version alone is the slice (Eq. 2), and the
    normal version of a slice with lesion looks normal to the critic (Eqs. 3 and 4).

    Args:
        network: A :class:`DecompositionNet`.
        settings: See :class:`Adversarial`.
        variant: ``paper``: the critic is shown normal versions of all slices, no weights at edges, L1 or L2 with 100.
            ``released``: normal versions of lesion slices alone, more weight at edges, L1 with 200, and the critic's
            loss times 0.01; its terms of normal and of lesion slices are means of their own.
        adversarial: Weight of the critic's opinion; ``None`` for the variant's. 0 leaves the critic out (ablation).
        reconstruction: Weight of the sum's distance from the slice; ``None`` for the variant's.
        fidelity: Weight of the normal version's distance from a normal slice; ``None`` for the variant's, 0 without.
        lesion_decoder: Without it the lesion version is nothing (ablation): the normal version alone must be the slice.
        edges: More weight at edges; ``None`` as the variant has it.
        p: Norm of the distances, 1 or 2.
        critic_channels: See :class:`MultiScaleCritic`.
        critic_norm: The same; ``batch`` in the release.
        common_lungs: See :class:`Adversarial`; the critic then averages over the lungs alone, too.
        critic_steps: See :class:`Adversarial`.
        critic_start: See :class:`Adversarial`.
        opacities: Share of the normal slices into which made-up opacities are painted before the network sees them:
            the normal version must be the slice without, the lesion version what was painted. Not in paper 002.
        heat: Which reading is the heat map; see :func:`heat_map`.
        median: Take the heat map's own median inside the lungs away from it; see :func:`above_median`.
        relight: See :class:`Adversarial`.
        opening: Take thin structures away from it; see :class:`Cleaning`.
        smooth: Standard deviation, in pixels of the network's grid, of a Gaussian over the heat map; 0 for none.

    Raises:
        InputError: If the network is none that decomposes, or an option makes no sense.
    """

    network: DecompositionNet

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        variant: Literal["paper", "released"] = "released",
        adversarial: float | None = None,
        reconstruction: float | None = None,
        fidelity: float | None = None,
        lesion_decoder: bool = True,
        edges: bool | None = None,
        p: Literal[1, 2] = 1,
        critic_channels: tuple[int, ...] = (16, 32, 64, 128),
        critic_norm: Norm = "instance",
        common_lungs: bool = False,
        critic_steps: int = 1,
        critic_start: int = 0,
        opacities: float = 0.0,
        heat: Heat = "difference",
        median: bool = False,
        opening: int = 1,
        relight: float = 0.0,
        smooth: float = 0.0,
    ) -> None:
        if not isinstance(network, DecompositionNet):
            raise InputError("method decomposition needs network: decomposition, which gives two versions of an image")
        if heat == "lesion" and not lesion_decoder:
            raise InputError(
                "method_options.heat: lesion is 0 everywhere without lesion_decoder; set heat: difference or positive"
            )
        share(opacities=opacities)
        at_least(0, adversarial=adversarial, reconstruction=reconstruction, fidelity=fidelity)
        given: dict[str, Any] = {"adversarial": adversarial, "reconstruction": reconstruction}
        given |= {"fidelity": fidelity, "edges": edges}
        weights = replace(VARIANTS[variant], **{name: one for name, one in given.items() if one is not None})
        critic = MultiScaleCritic(channels=critic_channels, norm=critic_norm, inside=common_lungs)
        super().__init__(
            network=network,
            settings=settings,
            critic=critic if weights.adversarial > 0 else None,
            critic_steps=critic_steps,
            critic_start=critic_start,
            relight=relight,
            critic_scale=weights.critic_scale,
            common_lungs=common_lungs,
        )
        self.weights = weights
        self.lesion_decoder = lesion_decoder
        self.p: Literal[1, 2] = p
        self.opacities = opacities
        self.reading: Heat = heat
        self.cleaning = Cleaning(median, opening, smooth)

    def versions(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Normal and lesion version of images ``(B, 1, *spatial)`` in [-1, 1], both in [-1, 1]."""
        normal, lesion = self.network(image)
        return normal, lesion if self.lesion_decoder else torch.zeros_like(lesion)

    def normal_version(self, image: Tensor) -> Tensor:
        """See :class:`Adversarial`."""
        return self.versions(image)[0]

    def heat(self, image: Tensor) -> Tensor:
        """See :class:`Adversarial`."""
        inside = image > -1
        heat = heat_map(image, *self.versions(image), self.reading) * inside
        return self.cleaning(heat, inside)

    def views(self, image: Tensor) -> dict[str, Tensor]:
        """Normal version, lesion version and heat map, in [0, 1], of images in [0, 1]."""
        normal, lesion = self.versions(2 * image - 1)
        return {"normal version": (normal + 1) / 2, "lesion version": lesion.clamp(0, 1), **super().views(image)}

    def fakes(self, lesion: Sample, normal: Sample) -> Sample:
        """See :class:`Adversarial`; all slices in the paper."""
        if not self.weights.together:
            return lesion
        return {key: torch.cat([lesion[key], normal[key]]) for key in lesion}

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Terms of the network's loss (Eq. 5): ``adversarial``, ``reconstruction`` and ``fidelity``."""
        lesion, normal = halves(batch)
        bare = signed(normal)  # without the opacities that are painted over it
        shown = torch.cat([signed(lesion), paste_opacities(bare, normal["lung"], self.opacities)])
        normals, lesions = self.versions(shown)
        count = len(lesion["image"])
        weight = edge_weights((shown + 1) / 2) if self.weights.edges else torch.ones_like(shown)
        whole = self._distance(normals + lesions, shown, weight, count)
        kept = weighted_distance(normals[count:], bare, weight[count:], p=self.p)
        terms = {"reconstruction": self.weights.reconstruction * whole, "fidelity": self.weights.fidelity * kept}
        if self.critic is not None:
            chosen = self.fakes(lesion, normal)
            opinion = self.opinion(normals[: len(chosen["tag"])], chosen, normal)
            terms["adversarial"] = self.weights.adversarial * opinion
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def _distance(self, image: Tensor, target: Tensor, weight: Tensor, count: int) -> Tensor:
        """Of all slices together, or of the first ``count`` and of the others apart, as the variant has it."""
        if self.weights.together:
            return weighted_distance(image, target, weight, p=self.p)
        first, rest = slice(count), slice(count, None)
        return sum(
            (weighted_distance(image[part], target[part], weight[part], p=self.p) for part in (first, rest)),
            start=image.new_zeros(()),
        )
