"""The discriminator of paper 003 (GASNet): is this volume a real healthy one?"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from groundglass.errors import InputError
from groundglass.networks.padding import pad_to_multiple

SLOPE = 0.1


class GasnetDiscriminator(nn.Module):
    """Convolutions with spectral norm, then one linear layer: 11,952,065 parameters at base 32 and cells 2 x 5 x 5.

    The release flattens the last features, 2 x 5 x 5 for an input of 32 x 160 x 160, and can take no other size.
    Here they are averaged within ``cells`` first, which at that size changes nothing and else allows any size.

    Args:
        base: Channels after the first convolution, doubled ``levels - 1`` times.
        levels: How often rows and columns are halved; slices are halved once less. The release has 5.
        cells: Parts along ``(D, H, W)`` whose mean features are told apart: 1 x 1 x 1 judges tissue wherever it lies.
        spectral: Keep the spectral norm of each convolution at 1.

    Raises:
        InputError: If ``base`` or a cell is below 1, or ``levels`` below 2.
    """

    def __init__(
        self,
        *,
        base: int = 32,
        levels: int = 5,
        cells: tuple[int, int, int] = (2, 5, 5),
        spectral: bool = True,
    ) -> None:
        super().__init__()
        if min(base, *cells) < 1 or levels < 2:
            raise InputError(
                f"the discriminator needs base 1, cells 1 and levels 2 or more, not {base}, {tuple(cells)} and {levels}"
            )
        self.spectral = spectral
        # Twice the last stride, so that the deepest features are more than one and have a variance.
        self.stride = (2 ** (levels - 1), 2 ** (levels + 1), 2 ** (levels + 1))
        widths = [base * 2**level for level in range(levels)]
        layers = [self._conv(1, base, (1, 4, 4), (1, 2, 2)), nn.LeakyReLU(SLOPE, inplace=True), *self._block(base)]
        for shallow, deep in pairwise(widths):
            layers += [self._conv(shallow, deep, (4, 4, 4), (2, 2, 2)), *_normalized(deep)]
            layers += self._block(deep) if deep != widths[-1] else []
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool3d(tuple(cells))
        self.head = nn.Linear(widths[-1] * cells[0] * cells[1] * cells[2], 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 1, D, H, W)`` in [0, 1] to logits ``(B,)``: above 0 for "not a real healthy volume"."""
        features = self.features(pad_to_multiple(2 * image - 1, self.stride))
        logits: Tensor = self.head(self.pool(features).flatten(1))
        return logits.squeeze(1)

    def _conv(
        self, in_channels: int, out_channels: int, kernel: tuple[int, int, int], stride: tuple[int, int, int]
    ) -> nn.Module:
        padding = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2, (kernel[2] - 1) // 2)
        layer = nn.Conv3d(in_channels, out_channels, kernel, stride=stride, padding=padding)
        return spectral_norm(layer) if self.spectral else layer

    def _block(self, channels: int) -> list[nn.Module]:
        return [self._conv(channels, channels, (1, 3, 3), (1, 1, 1)), *_normalized(channels)]


def _normalized(channels: int) -> list[nn.Module]:
    return [nn.InstanceNorm3d(channels), nn.LeakyReLU(SLOPE, inplace=True)]
