"""Checks of how a network is run, before it is loaded."""

from __future__ import annotations

from groundglass.errors import InputError


def check_inference(orientations: int | None, threshold: float | None) -> None:
    """See that a network can be run so.

    Raises:
        InputError: If not.
    """
    if orientations not in (None, 1, 2, 8):
        raise InputError(f"orientations {orientations}: choose 1, 2 or 8")
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"threshold {threshold}: give a probability from 0 to 1")
