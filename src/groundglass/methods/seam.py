"""SEAM: activation maps that do not change with the size of the image (Wang et al., CVPR 2020; of paper 004)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.losses.equivariance import cross_regularization
from groundglass.losses.equivariance import equivariance_loss
from groundglass.losses.equivariance import lowest_quarter
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.heat_maps import heat_map
from groundglass.methods.heat_maps import relative
from groundglass.methods.heat_maps import resized
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.tag_method import TagMethod
from groundglass.methods.tag_method import class_loss


class SEAM(TagMethod):
    """Siamese classifier on two sizes of an image, with the pixel correlation module (PCM).

    As released, except: one class, the number of channels is read from the maps; slices without lesion have their
    maps multiplied by 0, as absent classes there; the second size is an option, because 0.3 of a small grid is
    nothing; heat is that of one view, not the sum over four sizes and the mirrored image; the optimizer is this
    package's.

    Args:
        network: See :class:`TagMethod`.
        settings: See :class:`Method`.
        size: Size of the second view, relative to the first (0.3 of 448 pixels in the release).
        features: Channels of the features that PCM compares, from the two deepest maps (64 and 128 in the release).

    Raises:
        InputError: If ``size`` is not between 0 and 1, or the network has one feature map only.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        size: float = 0.5,
        features: tuple[int, int] = (64, 128),
    ) -> None:
        super().__init__(network=network, settings=settings)
        channels = self.network.channels
        if not 0 < size < 1 or len(channels) < 2:
            raise InputError(f"method 'seam': size {size} must be between 0 and 1, and the network have 2 levels")
        if min(features) < 1:
            raise InputError(f"method_options.features must be two numbers of 1 or more, not {features}")
        self.size = size
        self.reduce = nn.ModuleList(
            nn.Conv2d(have, want, 1, bias=False) for have, want in zip(channels[-2:], features, strict=True)
        )
        self.project = nn.Conv2d(sum(features) + 1, sum(features) + 1, 1, bias=False)

    def usable(self, samples: SliceSamples) -> Tensor:
        """See :class:`TagMethod`.

        Raises:
            InputError: If all tags are alike, or the second view is too small for the network.
        """
        height, width = samples.tensors["image"].shape[2:]
        self.check_view((height, width))
        return super().usable(samples)

    def check_view(self, size: tuple[int, int]) -> None:
        """See that of slices of ``(H, W)`` the second view is not too small for the network.

        Raises:
            InputError: If it is.
        """
        small, training = (int(size[0] * self.size), int(size[1] * self.size)), self.network.training
        try:
            with torch.no_grad():
                self.network.eval().features(torch.zeros(1, 1, *small, device=self.device))
        except RuntimeError as error:  # a kernel is larger than what is left of the image
            raise InputError(
                f"method_options.size {self.size} leaves {small[0]} x {small[1]} pixels of grid.size {list(size)} for "
                "the second view, too few for the classifier; raise one of them, or lower network_options.stride"
            ) from error
        finally:
            self.network.train(training)

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Class, equivariance (ER) and cross regularization (ECR) terms; slices without a tag are left out."""
        known = batch["tag"] >= 0
        image, tag = batch["image"][known], batch["tag"][known]
        if not len(tag):
            return {"loss": self.network(batch["image"]).sum() * 0.0}
        small = F.interpolate(image, scale_factor=self.size, mode="bilinear", align_corners=False)
        scores, refined = self.maps(image)
        again, refined_again = self.maps(small)
        lesion = tag.to(scores.dtype).view(-1, 1, 1, 1)
        classes = (class_loss(scores, tag) + class_loss(again, tag)) / 2
        classes = classes + (lowest_quarter(refined * lesion) + lowest_quarter(refined_again * lesion)) / 2
        side = again.shape[2:]
        first, second = _channels(resized(relative(scores), side) * lesion), _channels(relative(again) * lesion)
        seen, seen_again = (_channels(resized(relative(one), side) * lesion) for one in (refined, refined_again))
        equal = equivariance_loss(first, second)
        cross = cross_regularization(second, seen) + cross_regularization(first, seen_again)
        return {"loss": classes + equal + cross, "classes": classes, "equivariance": equal, "cross": cross}

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Activation maps ``(B, 1, h, w)``, and the same after PCM, in [0, 1]."""
        features = self.network.features(image)
        scores = self.network.scores(features[-1]).float()
        return scores, self.correlate(relative(scores.detach()), features, image)

    def correlate(self, maps: Tensor, features: list[Tensor], image: Tensor) -> Tensor:
        """PCM: each place takes the mean of all places, weighed by how alike their features are (its Eqs. 7 and 8)."""
        side = maps.shape[2:]
        own = [
            resized(reduce(feature.detach()).relu(), side)
            for reduce, feature in zip(self.reduce, features[-2:], strict=True)
        ]
        vectors = self.project(torch.cat([resized(image, side), *own], dim=1)).float().flatten(2)
        vectors = vectors / (vectors.norm(dim=1, keepdim=True) + 1e-5)
        alike = (vectors.transpose(1, 2) @ vectors).relu()
        alike = alike / (alike.sum(dim=1, keepdim=True) + 1e-5)
        refined: Tensor = (maps.flatten(2) @ alike).view_as(maps)
        return refined

    def probabilities(self, image: Tensor) -> Tensor:
        """The refined map as a share of its maximum, times the probability of the class; ``(B, 1, H, W)``."""
        scores, refined = self.maps(image)
        return heat_map(refined, image, class_logits(scores), scale="relative")


def _channels(lesion: Tensor) -> Tensor:
    """``(B, 1, h, w)`` in [0, 1] to ``(B, 2, h, w)``: background, lesion."""
    return torch.cat([1 - lesion, lesion], dim=1)
