"""The grid a network works on, of slices or of whole volumes, and where it lies in a scan."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Literal

from groundglass.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from groundglass.scans.scan import Scan


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Window, crop and size a network is trained with. It travels in the checkpoint.

    Args:
        size: Rows and columns ``(H, W)`` the network sees.
        window: Hounsfield units shown as black and as white; an 8-bit image is taken as already windowed.
        crop: Rows and columns around the image's center to keep before resizing (paper 000: 384 x 385 for its
            datasets B and C), ``lungs`` for the box around the lungs, or null for all. Lungs are those of the
            dataset's mask, or found in scans in HU; an 8-bit image without a mask is used as a whole.
        outside: ``keep`` what lies outside the lungs, or paint it ``black``.
        aerated: Gray in (0, 1) to which the aerated lung of an 8-bit scan with a lung mask is brought, or null to leave
            it. Nobody knows which window an 8-bit scan was made with; 0.215 is what (-1250, 250) makes of air-filled
            lung, so that a network can learn from both.
        depth: Slices of a volume: the network sees the tight box around the lungs of a whole scan, resampled to
            ``depth`` x ``size`` (paper 003: 40 x 160 x 160); null for one slice at a time.

    Raises:
        InputError: If a value makes no sense.
    """

    size: tuple[int, int] = (192, 192)
    window: tuple[float, float] = (-1250.0, 250.0)
    crop: tuple[int, int] | Literal["lungs"] | None = None
    outside: Literal["keep", "black"] = "keep"
    aerated: float | None = None
    depth: int | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 32:
            raise InputError(f"grid.size {self.size} is too small for a network; use 32 or more rows and columns")
        if not self.window[0] < self.window[1]:
            raise InputError(f"grid.window {self.window} must be the lower, then the upper value in HU")
        if isinstance(self.crop, tuple) and min(self.crop) < 1:
            raise InputError(f"grid.crop {self.crop} must be 1 or more rows and columns, or null for the whole slice")
        if self.aerated is not None and not 0 < self.aerated < 1:
            raise InputError(f"grid.aerated {self.aerated} must be a gray between 0 and 1, or null")
        if self.depth is not None and self.depth < 4:
            raise InputError(f"grid.depth {self.depth} is too small for a network; use 4 or more slices, or null")
        if self.depth is not None and self.crop is not None:
            raise InputError("grid.crop is for slices: a volume (grid.depth) is the box around the lungs; leave it out")

    @property
    def uses_lungs(self) -> bool:
        """Whether a lung mask changes what the network sees; without one, lungs are found in scans in HU."""
        by_lungs = self.crop == "lungs" or self.outside == "black"
        return by_lungs or self.aerated is not None or self.depth is not None

    def around(self, lungs: Scan | None) -> Grid:
        """This grid for one scan: with the box around its lungs, if that is what is kept and the lungs are known."""
        if self.crop != "lungs" or lungs is None or not lungs.voxels.any():
            return self
        return LungGrid(**{**asdict(self), "crop": None, "edges": _edges(lungs)})

    def box(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """Rows and columns of a ``(D, H, W)`` scan that are kept."""
        crop = self.crop if isinstance(self.crop, tuple) else shape[1:]
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


LUNG_MARGIN = 0.03
"""How far the box goes on beyond the lungs on each side, as a share of its own length."""


@dataclass(frozen=True, kw_only=True)
class LungGrid(Grid):
    """The grid of one scan whose lungs are known; made by :meth:`Grid.around`, never written in a recipe.

    Args:
        edges: First row, row after the last, first column and column after the last that are kept.
    """

    edges: tuple[int, int, int, int]

    def box(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """Rows and columns of a ``(D, H, W)`` scan that are kept."""
        return slice(*self.edges[:2]), slice(*self.edges[2:])


def _edges(lungs: Scan) -> tuple[int, int, int, int]:
    import numpy as np  # here, because the command line's help needs this module but not its arithmetic

    rows, columns = np.argwhere(np.asarray(lungs.voxels.any(axis=0))).T
    return (*_widened(rows, lungs.shape[1]), *_widened(columns, lungs.shape[2]))


def _widened(indices: NDArray[np.intp], length: int) -> tuple[int, int]:
    """From the first to after the last index, and the margin on both sides as far as there is room."""
    first, last = int(indices.min()), int(indices.max()) + 1
    margin = round(LUNG_MARGIN * (last - first))
    return max(first - margin, 0), min(last + margin, length)
