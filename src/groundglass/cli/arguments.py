"""Kinds of option values that several verbs take."""

from __future__ import annotations


def names(text: str) -> list[str]:
    """Names with commas between them: ``points,masks``."""
    return [name.strip() for name in text.strip("[]").split(",") if name.strip()]


def numbers(text: str) -> list[int]:
    """Whole numbers with commas between them: ``0,1,2``."""
    return [int(name) for name in names(text)]
