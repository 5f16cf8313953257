"""V-Net and 3-D U-Net++ as MONAI has them, for images in [0, 1] of any size (paper 003, Fig. 11)."""

from __future__ import annotations

from typing import Any

from monai.networks.nets import BasicUNetPlusPlus  # type: ignore[attr-defined]
from monai.networks.nets import VNet as MonaiVNet  # type: ignore[attr-defined]
from torch import Tensor
from torch import nn

from groundglass.errors import InputError
from groundglass.networks.padding import pad_to_multiple

STRIDE = 16
"""Both halve a volume four times."""


class _AnySize(nn.Module):
    """Maps [0, 1] to [-1, 1], pads to the network's stride and cuts the logits back."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, D, H, W)`` in [0, 1] to logits of that size; any D, H and W."""
        depth, height, width = image.shape[2:]
        output: Any = self.network(pad_to_multiple(2 * image - 1, (STRIDE, STRIDE, STRIDE)))
        logits: Tensor = output[0] if isinstance(output, list) else output
        return logits[:, :, :depth, :height, :width]


class VNet(_AnySize):
    """V-Net (Milletari et al., 3DV 2016); MONAI's has 16 base channels, as the release, and no option for others.

    Args:
        dropout: Probability of dropping a whole channel.

    Raises:
        InputError: If ``dropout`` is not from 0 to below 1.
    """

    def __init__(self, *, dropout: float = 0.0) -> None:
        if not 0 <= dropout < 1:
            raise InputError(f"dropout {dropout} of the V-Net must be from 0 to below 1")
        chance = dropout or None
        super().__init__(MonaiVNet(dropout_prob_down=chance, dropout_prob_up=(chance, dropout)))


class UNetPlusPlus3d(_AnySize):
    """U-Net++ (Zhou et al., DLMIA 2018) in 3-D.

    Args:
        base: Channels at full resolution, doubled at each level (12 in the release of paper 003).

    Raises:
        InputError: If ``base`` is below 1.
    """

    def __init__(self, *, base: int = 12) -> None:
        if base < 1:
            raise InputError(f"base {base} of the 3-D U-Net++ must be 1 or more")
        features = (base, 2 * base, 4 * base, 8 * base, 16 * base, base)
        super().__init__(BasicUNetPlusPlus(spatial_dims=3, in_channels=1, out_channels=1, features=features))
