"""Slice classifier whose class activation map is its last layer: with a lesion, or without."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch import nn

from groundglass.networks.attention import SpatialAttention
from groundglass.networks.encoders import GreyLiteEncoder
from groundglass.networks.encoders import PlainEncoder
from groundglass.networks.encoders import ResNet18Encoder
from groundglass.networks.encoders import Stride

Encoder = Literal["lite", "plain", "resnet18"]


class Classifier(nn.Module):
    """Encoder, spatial attention if wanted, and a 1 x 1 convolution whose mean over all places is the class's logit.

    Pooling after the 1 x 1 convolution is the same as a fully connected layer after pooling (Zhou et al., CVPR 2016),
    and gives the class activation map in passing: how much each place adds to the logit.

    Args:
        encoder: ``lite``, EfficientNet-Lite0; ``plain``, residual blocks from scratch; ``resnet18``, from scratch,
            for which monai must be installed.
        stride: Pixels of the image to a pixel of the map, for ``lite``: 8, 16 or 32.
        dilate: Dilate what follows a halving that ``lite`` leaves out for its stride.
        channels: Channels of ``plain``, whose map is at stride ``2 ** (len(channels) - 1)``.
        attention: Weigh the places of the last features first (CBAM's spatial attention; paper 004).
        dropout: Probability of dropping a whole channel of the last features.
        pretrained: Start ``lite`` from ImageNet.

    Raises:
        InputError: If an option makes no sense.
    """

    def __init__(
        self,
        *,
        encoder: Encoder = "lite",
        stride: Stride = 16,
        dilate: bool = True,
        channels: tuple[int, ...] = (16, 32, 64, 128),
        attention: bool = False,
        dropout: float = 0.0,
        pretrained: bool = True,
    ) -> None:
        super().__init__()
        self.encoder: GreyLiteEncoder | PlainEncoder | ResNet18Encoder
        if encoder == "lite":
            self.encoder = GreyLiteEncoder(stride=stride, dilate=dilate, pretrained=pretrained)
        else:
            self.encoder = PlainEncoder(channels=channels) if encoder == "plain" else ResNet18Encoder()
        self.channels = self.encoder.channels
        self.attention = SpatialAttention() if attention else nn.Identity()
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(self.channels[-1], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` in [0, 1] to the class activation map ``(B, 1, h, w)``, whose mean is the class's logit."""
        return self.scores(self.features(image)[-1])

    def features(self, image: Tensor) -> list[Tensor]:
        """Feature maps ``(B, channels[i], h, w)`` from shallow to deep; the last one weighed by the attention."""
        *shallow, deep = self.encoder(image)
        return [*shallow, self.attention(deep)]

    def scores(self, deep: Tensor) -> Tensor:
        """The class activation map of the last features."""
        maps: Tensor = self.head(self.dropout(deep))
        return maps
