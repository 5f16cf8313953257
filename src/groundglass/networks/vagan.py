"""VA-GAN's networks (Baumgartner et al., CVPR 2018): a map generator, and a critic without normalization."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.encoder_decoder import Norm
from groundglass.networks.encoder_decoder import padded
from groundglass.networks.signed import Backbone
from groundglass.networks.signed import encoder_and_decoders

LEAK = 0.2
GROUPS = ((16,), (32,), (64, 64), (128, 128), (256, 256, 256))
"""Channels of the critic's convolutions; between two groups the map is halved."""


class MapGenerator(nn.Module):
    """U-Net from an image to one map of the same size: VA-GAN's change of the image, BL's normal version.

    Args:
        encoder: ``plain``, as published, or ``lite``; see :func:`encoder_and_decoders`, also for the others.
        channels: Channels at strides 1, 2, 4 and so on.
        norm: Normalization; VA-GAN has ``batch``.
        pretrained: Start ``lite`` from ImageNet.

    Raises:
        InputError: If ``channels`` is empty or has an entry below 1, or is not of five for ``lite``.
    """

    def __init__(
        self,
        *,
        encoder: Backbone = "plain",
        channels: tuple[int, ...] = (16, 32, 64, 128, 256),
        norm: Norm = "batch",
        pretrained: bool = True,
    ) -> None:
        super().__init__()
        if not channels or min(channels) < 1:
            raise InputError(f"channels {channels} of the map generator must be one positive number or more")
        self.stride = 2 ** (len(channels) - 1)
        self.encoder, decoders, width = encoder_and_decoders(encoder, channels, norm, decoders=1, pretrained=pretrained)
        self.decoder = decoders[0]
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` to ``(B, 1, H, W)``, unbounded; any H and W."""
        height, width = image.shape[2:]
        change: Tensor = self.head(self.decoder(self.encoder(padded(image, self.stride))))
        return change[:, :, :height, :width]


class VaganCritic(nn.Module):
    """Convolutions 16-32-64-64-128-128-256-256-256 and 1 x 1 to a score, averaged over the image."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        widths = iter(pairwise([1, *(width for group in GROUPS for width in group)]))
        for number, group in enumerate(GROUPS):
            layers += [nn.MaxPool2d(2)] if number else []
            for _ in group:
                layers += [nn.Conv2d(*next(widths), 3, padding=1), nn.LeakyReLU(LEAK, inplace=True)]
        super().__init__()
        self.layers = nn.Sequential(*layers, nn.Conv2d(GROUPS[-1][-1], 1, 1))

    def forward(self, image: Tensor, lung: Tensor | None = None) -> Tensor:
        """``(B, 1, H, W)`` in [-1, 1] to scores ``(B,)``; where the lungs are makes no difference."""
        scores: Tensor = self.layers(image)
        return scores.mean(dim=(1, 2, 3))
