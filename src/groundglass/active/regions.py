"""Slices divided into a square number of rectangles, the unit that is asked about (paper 001, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Any
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError

Remainder = Literal["shared", "released"]
Reduction = Literal["mean", "max"]
Box = tuple[slice, slice]

LUNG_SHARE = 0.1
"""A region with less lung than this shows the chest wall, the table or air: there is nothing to ask."""


@dataclass(frozen=True)
class Regions:
    """The rectangles of a slice, numbered row by row.

    Args:
        rows: Edges of the rows of rectangles, ``sqrt(K) + 1`` rising pixel numbers.
        columns: Edges of their columns.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def of(cls, size: tuple[int, int], count: int, remainder: Remainder = "shared") -> Regions:
        """``count`` rectangles of a slice.

        Args:
            size: Rows and columns ``(H, W)`` of the slice.
            count: K, a perfect square; 1 is the whole slice.
            remainder: What becomes of pixels that are left where a side cannot be divided. ``shared``: some
                rectangles are one pixel longer, every pixel belongs to one. ``released``: they belong to none and
                are never labeled, as in the code of paper 001.

        Raises:
            InputError: If ``count`` is no perfect square, or there are fewer pixels than that.
        """
        side = isqrt(max(count, 0))
        if side < 1 or side * side != count or side > min(size):
            raise InputError(f"{count} regions: give a perfect square from 1 to {min(size) ** 2}, such as 64")
        rows, columns = (tuple(_edges(length, side, remainder)) for length in size)
        return cls(rows, columns)

    def __len__(self) -> int:
        return self.side**2

    @property
    def side(self) -> int:
        """Rectangles in a row."""
        return len(self.rows) - 1

    def box(self, region: int) -> Box:
        """Rows and columns of a rectangle, as slices."""
        row, column = divmod(region, self.side)
        return slice(*self.rows[row : row + 2]), slice(*self.columns[column : column + 2])

    def reduce(self, maps: NDArray[Any], reduction: Reduction = "mean") -> NDArray[np.float64]:
        """One number a rectangle, ``(N, K)``, of maps ``(N, H, W)``; what belongs to no rectangle does not count."""
        inside = np.asarray(maps, np.float64)[:, : self.rows[-1], : self.columns[-1]]
        combine = np.add if reduction == "mean" else np.maximum
        reduced = combine.reduceat(combine.reduceat(inside, self.rows[:-1], axis=1), self.columns[:-1], axis=2)
        if reduction == "mean":
            reduced = reduced / np.outer(np.diff(self.rows), np.diff(self.columns))
        return np.asarray(reduced.reshape(len(maps), -1))


def _edges(length: int, side: int, remainder: Remainder) -> list[int]:
    if remainder == "released":
        return [number * (length // side) for number in range(side + 1)]
    return [number * length // side for number in range(side + 1)]
