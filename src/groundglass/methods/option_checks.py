"""Checks of the numbers in a recipe's ``method_options``."""

from __future__ import annotations

import math

from groundglass.errors import InputError


def at_least(lowest: int, **options: float | None) -> None:
    """See that options are numbers from ``lowest`` on; ``None`` stands for what a variant has.

    Raises:
        InputError: If one is not, naming it.

    Example:
        >>> at_least(0, gamma=2.0, alpha=None)
    """
    for name, value in options.items():
        if value is not None and not lowest <= value < math.inf:
            raise InputError(f"method_options.{name} must be {lowest} or more, not {value}")


def share(**options: float) -> None:
    """See that options are from 0 to 1.

    Raises:
        InputError: If one is not, naming it.
    """
    for name, value in options.items():
        if not 0 <= value <= 1:
            raise InputError(f"method_options.{name} must be from 0 to 1, not {value}")
