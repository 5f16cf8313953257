"""Why a training ended, in words for somebody who clicks."""

from __future__ import annotations

import re
from pathlib import Path

SENTENCE = "groundglass: "
LACKING = re.compile(r"needs labels of kind (.+) and the training cases have none")
"""What a run says without labels, before it goes on about masks."""
NOTHING_ANSWERED = "nothing has been answered yet in a training case that this recipe can learn from"
CLICKS = {
    "point": "click a lesion (left) or background (right)",
    "region": "press N where there is nothing",
    "slice_tag": "tag slices",
    "scan_tag": "tag scans as healthy or diseased",
}
"""How labels of each kind are given on the page."""


def why(log: Path, code: int) -> str:
    """The sentence with which a run gave up, in words for somebody who clicks."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    said = [line.removeprefix(SENTENCE) for line in lines if line.startswith(SENTENCE)]
    if not said or code != 2:
        return f"the training ended with code {code}; see {log.name} beside the runs"
    lacking = LACKING.search(said[-1])
    return said[-1] if lacking is None else _what_to_click(lacking[1])


def _what_to_click(kinds: str) -> str:
    ways = [way for kind, way in CLICKS.items() if kind in kinds.split(" or ")]
    if not ways:
        return "this recipe learns from drawn masks, which are not made here; start the annotator with another --recipe"
    return f"{NOTHING_ANSWERED}: {', or '.join(ways)}, and train again"
