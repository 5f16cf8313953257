"""Intensity windows: which Hounsfield units become black and which white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.intensity import DISPLAY_MAX
from groundglass.scans.scan import Scan


@dataclass(frozen=True)
class Window:
    """A linear map of HU to grey: ``low`` and below become 0, ``high`` and above become 1.

    Args:
        low: HU shown black.
        high: HU shown white.

    Raises:
        InputError: If ``low`` is not below ``high``.

    Example:
        >>> Window(-1000, 1000).apply(np.array([-2000, 0, 2000])).tolist()
        [0.0, 0.5, 1.0]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(f"window ({self.low}, {self.high}): the low end must be below the high end; swap them")

    @classmethod
    def named(cls, name: str) -> Window:
        """A window by its usual name: ``"lung"`` or ``"soft-tissue"``.

        Raises:
            InputError: If there is no window of that name.
        """
        if name not in NAMED:
            raise InputError(f"window {name!r}: not known; choose one of {', '.join(NAMED)}")
        return NAMED[name]

    def apply(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """HU of any shape to ``float32`` in [0, 1] of the same shape."""
        grey = voxels.astype(np.float32)
        grey -= np.float32(self.low)
        grey /= np.float32(self.high - self.low)
        return np.clip(grey, 0, 1, out=grey)


NAMED = {
    "lung": Window(-1250, 250),  # Xu et al., GASNet, section 4.1: also the usual level -500, width 1500
    "soft-tissue": Window(-160, 240),
}


def window_scan(scan: Scan, window: Window) -> NDArray[np.float32]:
    """What a network sees of a scan: ``(D, H, W)`` float32 in [0, 1].

    A scan in HU is windowed; an 8-bit scan was windowed when it was made, so 0..255 becomes [0, 1] and ``window`` is
    not used.

    Raises:
        ValueError: If the scan is a mask.
    """
    if scan.intensity == "mask":
        raise ValueError("a mask has no grey values to window")
    return (window if scan.intensity == "hu" else Window(0, DISPLAY_MAX)).apply(scan.voxels)
