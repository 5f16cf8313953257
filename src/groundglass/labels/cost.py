"""What a label costs an annotator, in seconds (paper 001, section 4: a click 3 s, a slice's mask 96 s)."""

from __future__ import annotations

from collections.abc import Iterable

from groundglass.labels.events import Label

CLICK_SECONDS = 3.0
SLICE_TAG_SECONDS = 3.0
SCAN_TAG_SECONDS = 0.0
MASK_SECONDS_PER_SLICE = 96.0

MAX_SECONDS = 600.0
"""More than this was not spent on one answer: somebody left the room."""


def label_seconds(labels: Iterable[Label]) -> float:
    """Total annotation time of the events."""
    return float(sum(label.seconds for label in labels))
