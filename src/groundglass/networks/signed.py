"""Encoder and decoders of the networks that change an image: paper 002's own, or the pretrained one."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.encoder_decoder import Decoder
from groundglass.networks.encoder_decoder import Encoder
from groundglass.networks.encoder_decoder import Norm
from groundglass.networks.imagenet import ImageNetInput
from groundglass.networks.unet import STRIDES
from groundglass.networks.unet import LiteDecoder
from groundglass.networks.unet import LiteEncoder

Backbone = Literal["plain", "lite"]


def encoder_and_decoders(
    encoder: Backbone, channels: tuple[int, ...], norm: Norm, *, decoders: int, pretrained: bool
) -> tuple[nn.Module, nn.ModuleList, int]:
    """The parts of a network on images in [-1, 1], and the channels of what its decoders give.

    Args:
        encoder: ``plain``: blocks from scratch; ``lite``: EfficientNet-Lite0.
        channels: Of ``plain`` at strides 1, 2, 4 and so on; of the decoders of ``lite`` at strides 16, 8, 4, 2 and 1.
        norm: Of ``plain``; ``lite`` has batch norm.
        decoders: How many.
        pretrained: Start ``lite`` from ImageNet.

    Raises:
        InputError: If ``lite`` is given other than five numbers of channels.
    """
    if encoder == "plain":
        return Encoder(channels, norm), nn.ModuleList(Decoder(channels, norm) for _ in range(decoders)), channels[0]
    if len(channels) != len(STRIDES):
        raise InputError(f"network_options.channels {channels} must be five with encoder lite")
    return _SignedLite(pretrained), nn.ModuleList(_LiteDecoder(channels) for _ in range(decoders)), channels[-1]


class _SignedLite(nn.Module):
    """EfficientNet-Lite0 of an image in [-1, 1]: the image itself, for its size, and five maps."""

    def __init__(self, pretrained: bool) -> None:
        super().__init__()
        self.input = ImageNetInput()
        self.body = LiteEncoder(pretrained=pretrained)

    def forward(self, image: Tensor) -> list[Tensor]:
        return [image, *self.body(self.input((image + 1) / 2))]


class _LiteDecoder(LiteDecoder):
    """What :class:`_SignedLite` gives to one map of the image's size."""

    def forward(self, features: list[Tensor]) -> Tensor:  # type: ignore[override]
        image, *maps = features
        return super().forward(maps, image.shape[2:])
