"""Paper 002's network: one encoder, a decoder for the normal version of an image and one for its lesion version."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.encoder_decoder import Norm
from groundglass.networks.encoder_decoder import padded
from groundglass.networks.signed import Backbone
from groundglass.networks.signed import encoder_and_decoders


class DecompositionNet(nn.Module):
    """Image to normal version and lesion version (paper 002, section 2.1), all in [-1, 1].

    Args:
        encoder: ``plain``, as in the paper, or ``lite``: EfficientNet-Lite0 with the decoders of the default network.
        channels: Channels at strides 1, 2, 4 and so on; (64, 128, 256, 512, 1024) in the release. Of ``lite`` those of
            the decoder, at strides 16, 8, 4, 2 and 1.
        decoders: ``separate``, as in the paper, or ``shared``: the two differ in their final 1 x 1 convolution alone,
            65 parameters each, as in the release.
        norm: Normalization of encoder and decoders; the release has none, and ``lite`` always has batch norm.
        output: What the normal decoder's last layer gives: the ``image`` (paper and release), its ``change``, added to
            the input, or what makes it ``darker``: the share of the brightness that is kept. ``change`` starts from the
            input itself, so nothing has to be learned for what is not changed, ``darker`` from 98 % of its brightness.
        pretrained: Start ``lite`` from ImageNet.

    Raises:
        InputError: If ``channels`` is empty or has an entry below 1, or is not of five for ``lite``.
    """

    def __init__(
        self,
        *,
        encoder: Backbone = "plain",
        channels: tuple[int, ...] = (16, 32, 64, 128),
        decoders: Literal["separate", "shared"] = "separate",
        norm: Norm = "none",
        output: Literal["image", "change", "darker"] = "image",
        pretrained: bool = True,
    ) -> None:
        super().__init__()
        if not channels or min(channels) < 1:
            raise InputError(f"channels {channels} of the decomposition network must be one positive number or more")
        self.stride = 2 ** (len(channels) - 1)
        self.output = output
        self.encoder, self.decoders, width = encoder_and_decoders(
            encoder, channels, norm, decoders=1 if decoders == "shared" else 2, pretrained=pretrained
        )
        self.heads = nn.ModuleList(nn.Conv2d(width, 1, 1) for _ in range(2))
        if output != "image":
            _start_unchanged(self.heads[0], bias=0.0 if output == "change" else 4.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, 1, H, W)`` in [-1, 1] to normal and lesion version, each of that size; any H and W."""
        height, width = image.shape[2:]
        features = self.encoder(padded(image, self.stride))
        decoded = [decoder(features) for decoder in self.decoders]
        normal, lesion = (
            head(feature)[:, :, :height, :width] for head, feature in zip(self.heads, (decoded * 2)[:2], strict=True)
        )
        return self._normal(image, normal.float()), torch.tanh(lesion.float())

    def _normal(self, image: Tensor, logits: Tensor) -> Tensor:
        if self.output == "image":
            return torch.tanh(logits)
        if self.output == "change":
            return (image + logits).clamp(-1, 1)
        return (image + 1) * torch.sigmoid(logits) - 1


def _start_unchanged(head: nn.Module, *, bias: float) -> None:
    """Weights of zero, so that the normal version is the image itself at the start, or 98 % of its brightness."""
    assert isinstance(head, nn.Conv2d)
    assert head.bias is not None
    nn.init.zeros_(head.weight)
    nn.init.constant_(head.bias, bias)
