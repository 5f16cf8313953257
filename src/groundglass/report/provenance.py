"""What the figures of a report were made with."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from datetime import UTC
from datetime import datetime
from importlib.metadata import version
from typing import Any

import groundglass

PACKAGES = ("numpy", "scipy")


@dataclass(frozen=True)
class Provenance:
    """Where the masks came from and what measured them. No path: a file's name may be a patient's.

    Args:
        model: Name of the model; ``None`` for a mask that was there before.
        lungs: Where the lung mask came from, in words.
        settings: What was chosen, by name: the model's threshold, its orientations.
        seconds: How long each step took.
        warnings: What reading and prediction had to say, a sentence each.
        versions: Versions of the packages.
        created: When, UTC, ISO 8601.
        origin: What decides on the result, by name, files by a digest: whether a prediction is the one asked for.
    """

    model: str | None
    lungs: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=lambda: package_versions())
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    origin: Mapping[str, Any] = field(default_factory=dict)


def package_versions(*names: str) -> dict[str, str]:
    """Versions of groundglass, Python, what measures, and further packages."""
    packages = {name: version(name) for name in (*PACKAGES, *names)}
    return {"groundglass": groundglass.__version__, "python": platform.python_version(), **packages}
