"""Kinds of option values that several verbs take."""

from __future__ import annotations

from groundglass.errors import InputError


def names(text: str) -> list[str]:
    """Names with commas between them: ``points,masks``."""
    return [name.strip() for name in text.strip("[]").split(",") if name.strip()]


def numbers(text: str) -> list[int]:
    """Whole numbers with commas between them: ``0,1,2``.

    Raises:
        InputError: If one of them is none.
    """
    try:
        return [int(name) for name in names(text)]
    except ValueError as error:
        raise InputError(f"{text!r}: give whole numbers with commas between them, as 0,1,2") from error
