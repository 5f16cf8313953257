"""FCN8 on VGG16: the network of the point-supervision and active-learning papers."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch import nn

from groundglass.errors import InputError

VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and number of convolutions of VGG16's five stages; a max-pool ends each."""


class FCN8(nn.Module):
    """FCN8-VGG16 (Long et al., CVPR 2015) as Laradji et al. use it (WACV 2021): 134,265,699 parameters.

    The logits are 0 everywhere until the first training step, because the three score layers start at 0; there
    is one channel of logits, and the skips are not scaled.

    Args:
        in_channels: Channels of the image; 3, ImageNet-normalized, is what VGG16's weights were made for.
        dropout: Probability of zeroing a value (not a whole channel) behind fc6 and fc7, as the papers' code does.
        weights: An ``.npz`` file of VGG16's ImageNet weights, see :func:`load_vgg16`. fc6 and fc7 are not in it and
            are drawn at random (He et al., ICCV 2015), as all layers are without a file.

    Raises:
        InputError: If ``weights`` is not such a file.
    """

    def __init__(self, *, in_channels: int = 3, dropout: float = 0.5, weights: str | Path | None = None) -> None:
        super().__init__()
        self.features = vgg16_features(in_channels)
        if weights is not None:
            load_vgg16(self.features, weights)
        fc6, fc7 = HeConv2d(512, 4096, 7), HeConv2d(4096, 4096, 1)
        relu = nn.ReLU(inplace=True)
        self.classifier = nn.Sequential(fc6, relu, nn.Dropout(dropout), fc7, relu, nn.Dropout(dropout))
        self.score_pool3 = ZeroConv2d(256, 1, 1)
        self.score_pool4 = ZeroConv2d(512, 1, 1)
        self.score_fc7 = ZeroConv2d(4096, 1, 1)
        self.upsample_fc7 = BilinearConvTranspose2d(1, 1, 4, stride=2, bias=False)
        self.upsample_pool4 = BilinearConvTranspose2d(1, 1, 4, stride=2, bias=False)
        self.upsample_pool3 = BilinearConvTranspose2d(1, 1, 16, stride=8, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, in_channels, H, W)`` to logits ``(B, 1, H, W)``; any H and W."""
        pool3 = self.features[:17](image)
        pool4 = self.features[17:24](pool3)
        pool5 = self.features[24:](pool4)
        score = self.upsample_fc7(self.score_fc7(self.classifier(pool5)))
        score = self.upsample_pool4(score + crop(self.score_pool4(pool4), 5, score))
        score = self.upsample_pool3(score + crop(self.score_pool3(pool3), 9, score))
        return crop(score, 31, image)


class HeConv2d(nn.Conv2d):
    """Convolution that starts from He's normal distribution with bias 0 (He et al., ICCV 2015, Eq. 10)."""

    def reset_parameters(self) -> None:
        """Draw the kernel."""
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class ZeroConv2d(nn.Conv2d):
    """Convolution that starts at 0."""

    def reset_parameters(self) -> None:
        """Set kernel and bias to 0."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)


class BilinearConvTranspose2d(nn.ConvTranspose2d):
    """Transposed convolution of one channel that starts as bilinear upsampling; kernel = 2 x stride; trainable."""

    def reset_parameters(self) -> None:
        """Set the kernel to the tent of bilinear interpolation."""
        stride, size = self.stride[0], self.kernel_size[0]
        tent = 1 - (torch.arange(size) - (size - 1) / 2).abs() / stride
        with torch.no_grad():
            self.weight.copy_(torch.outer(tent, tent))


def vgg16_features(in_channels: int) -> nn.Sequential:
    """VGG16's 13 convolutions and 5 max-pools, numbered as torchvision does; the first one pads by 100."""
    layers: list[nn.Module] = []
    for channels, convolutions in VGG16:
        for _ in range(convolutions):
            # The margin of 100 leaves fc6 (7 x 7, unpadded) at least one position, however small the image.
            layers += [HeConv2d(in_channels, channels, 3, padding=1 if layers else 100), nn.ReLU(inplace=True)]
            in_channels = channels
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(*layers)


def crop(maps: Tensor, offset: int, like: Tensor) -> Tensor:
    """The part of ``maps`` ``(B, C, H, W)`` that starts at ``offset`` in both axes, of height and width of ``like``."""
    height, width = like.shape[2:]
    return maps[:, :, offset : offset + height, offset : offset + width]


def load_vgg16(features: nn.Sequential, path: str | Path) -> None:
    """Fill ``features`` with the 13 convolutions of a file.

    The first kernel is summed over red, green and blue for one-channel images, and left at random for any other
    number of channels than 1 and 3.

    Args:
        features: From :func:`vgg16_features`.
        path: An ``.npz`` file with the arrays ``features.N.weight`` and ``features.N.bias``, N as in torchvision.

    Raises:
        InputError: If the file is missing or damaged, or its arrays are not those of VGG16.
    """
    arrays = _read(path)
    start = {f"features.{key}": value for key, value in features.state_dict().items()}
    wanted = {key: tuple(value.shape) for key, value in start.items()} | {"features.0.weight": (64, 3, 3, 3)}
    found = {key: value.shape for key, value in arrays.items()}
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            raise InputError(
                f"{path}: VGG16 wants {key} of shape {wanted.get(key, 'none')}, the file has shape "
                f"{found.get(key, 'none')}; give a file with the 13 convolutions of torchvision's vgg16"
            )
    state = {key: torch.from_numpy(array) for key, array in arrays.items()}
    first = start["features.0.weight"]
    if first.shape[1] == 1:
        state["features.0.weight"] = state["features.0.weight"].sum(dim=1, keepdim=True)
    elif first.shape[1] != 3:
        state["features.0.weight"] = first
    features.load_state_dict({key.removeprefix("features."): value for key, value in state.items()})


def _read(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file as float32."""
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: is missing or not an .npz file; give VGG16's weights as a NumPy .npz file")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key].astype(np.float32) for key in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: could not be read as NumPy arrays ({error}); download the weights again") from error
