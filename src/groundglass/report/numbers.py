"""How a report writes numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NONE = "\u2013"
MINUS = "\u2212"
SPACE = "\u00a0"
THIN_SPACE = "\u202f"
"""Between thousands; both keep a number on one line."""

DIRECTIONS = (("right", "left"), ("front", "back"), ("feet", "head"))
"""Where each LPS axis begins and ends."""


def milliliters(value: float | None) -> str:
    r"""Milliliters, whole from 10 on, with a space between thousands.

    Example:
        >>> [milliliters(value) for value in (None, 0, 0.04, 3.25, 12.6, 4210)]
        ['–', '0', '<\xa00.1', '3.2', '13', '4\u202f210']
    """
    if value is None:
        return NONE
    if 0 < value < 0.05:
        return f"<{SPACE}0.1"
    return f"{value:.1f}" if 0 < value < 9.95 else f"{value:,.0f}".replace(",", THIN_SPACE)


def voxels(value: float | None) -> str:
    r"""The number of voxels of a volume in ml that took each of them for 1 mm wide.

    Example:
        >>> [voxels(value) for value in (None, 0.012, 4.21)]
        ['–', '12', '4\u202f210']
    """
    return NONE if value is None else f"{1000 * value:,.0f}".replace(",", THIN_SPACE)


def percent(value: float | None) -> str:
    r"""A percentage with one decimal.

    Example:
        >>> [percent(value) for value in (None, 0, 0.01, 12.34)]
        ['–', '0.0\xa0%', '<\xa00.1\xa0%', '12.3\xa0%']
    """
    if value is None:
        return NONE
    return f"<{SPACE}0.1{SPACE}%" if 0 < value < 0.05 else f"{value:.1f}{SPACE}%"


def whole(value: float) -> str:
    """A whole number with a real minus sign.

    Example:
        >>> [whole(value) for value in (-469.4, -0.2, 3)]
        ['−469', '0', '3']
    """
    return f"{round(value)}".replace("-", MINUS)


def window(limits: tuple[int, int]) -> str:
    r"""A window of Hounsfield units.

    Example:
        >>> window((-300, 50))
        '−300 to 50\xa0HU'
    """
    low, high = limits
    return f"{whole(low)} to {whole(high)}{SPACE}HU"


def axis_direction(axis: NDArray[np.floating[Any]]) -> str:
    """Where an array axis runs, from its direction ``(3,)`` in LPS.

    Example:
        >>> axis_direction(np.array([0.1, 0.2, -5]))
        'head to feet'
    """
    along = int(np.abs(axis).argmax())
    ends = DIRECTIONS[along]
    return " to ".join(ends if axis[along] > 0 else ends[::-1])
