"""The pixel grid a slice network works on, and where it lies in a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundglass.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from groundglass.scans.scan import Scan


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Window, crop and size a slice network is trained with. It travels in the checkpoint.

    Args:
        size: Rows and columns ``(H, W)`` the network sees.
        window: Hounsfield units shown as black and as white; an 8-bit image is taken as already windowed.
        crop: Rows and columns around the image's center to keep before resizing, or null for all
            (paper 000: 384 x 385 for its datasets B and C).

    Raises:
        InputError: If a value makes no sense.
    """

    size: tuple[int, int] = (192, 192)
    window: tuple[float, float] = (-1250.0, 250.0)
    crop: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 32:
            raise InputError(f"grid.size {self.size} is too small for a network; use 32 or more rows and columns")
        if not self.window[0] < self.window[1]:
            raise InputError(f"grid.window {self.window} must be the lower, then the upper value in HU")
        if self.crop is not None and min(self.crop) < 1:
            raise InputError(f"grid.crop {self.crop} must be 1 or more rows and columns, or null for the whole slice")

    def box(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """Rows and columns of a ``(D, H, W)`` scan that are kept."""
        crop = self.crop or shape[1:]
        starts = [max((have - keep) // 2, 0) for have, keep in zip(shape[1:], crop, strict=True)]
        rows, columns = (
            slice(start, min(start + keep, have)) for start, keep, have in zip(starts, crop, shape[1:], strict=True)
        )
        return rows, columns

    def margin(self, shape: tuple[int, ...]) -> tuple[float, float, float]:
        """How far a ``(D, H, W)`` scan goes on beyond the crop, in pixels ``(d, h, w)`` of the network's slices."""
        rows, columns = (
            max(part.start, have - part.stop) * size / (part.stop - part.start)
            for part, have, size in zip(self.box(shape), shape[1:], self.size, strict=True)
        )
        return 0, rows, columns

    def affine(self, scan: Scan) -> NDArray[np.float64]:
        """Index ``(d, h, w)`` of the network's slices of ``scan`` to LPS mm, ``(4, 4)``."""
        import numpy as np  # here, because the command line's help needs this class but not its arithmetic

        from groundglass.scans.scan import resized_affine

        rows, columns = self.box(scan.shape)
        cropped = scan.affine.copy()
        cropped[:3, 3] += scan.affine[:3, :3] @ np.array([0, rows.start, columns.start])
        kept = (scan.shape[0], rows.stop - rows.start, columns.stop - columns.start)
        return resized_affine(cropped, kept, (scan.shape[0], *self.size))
