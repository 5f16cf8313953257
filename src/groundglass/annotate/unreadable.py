"""Scans of a plain folder that cannot be read: left out of the dataset that is made from it, and named."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from groundglass.annotate.stamp import stamp
from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import UnreadableScanError
from groundglass.datasets.splits import Split
from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.labels.store import LabelStore
from groundglass.scans.scan import Scan

RECORD = "left-out.json"
Reasons = dict[str, dict[str, str]]


class ReadableOnly(Layout):
    """Another layout without the scans that cannot be read; one that people have answered about must be readable.

    Args:
        layout: The layout.
        scans: Where its scans are, by case.
        labels: The answers so far.
    """

    def __init__(self, layout: Layout, scans: dict[str, Path], labels: LabelStore) -> None:
        self.layout = layout
        self.scans = scans
        self.answered = {label.case for label in labels.read()}
        self.reasons: Reasons = {}

    def sources(self) -> list[Source]:
        """Those of the layout; reading a scan that cannot be read leaves it out."""
        return [replace(source, image=partial(self._read, source)) for source in self.layout.sources()]

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        """As the layout does."""
        return self.layout.split(cases, depths, protocol)

    def _read(self, source: Source) -> Scan:
        try:
            return source.image()
        except InputError as error:
            if source.case in self.answered:
                raise InputError(
                    f"case {source.case} has answers and cannot be read: mend it, or take them back ({error})"
                ) from error
            path = self.scans[source.case]
            reason = str(error).replace(f"{path.parent}{os.sep}", "")  # the page shows names, not where they are kept
            self.reasons[source.case] = {"stamp": stamp(path), "reason": reason}
            raise UnreadableScanError(str(error)) from error


def remember(work: Path, reasons: Reasons) -> None:
    """Write down which scans were left out, as they are now."""
    if reasons or (work / RECORD).exists():
        write_text(work / RECORD, json.dumps(reasons, indent=1))


def left_out(work: Path, scans: dict[str, Path]) -> dict[str, str]:
    """Why scans were left out when the dataset was made, by case; one whose file is another now may be tried again."""
    try:
        reasons: Reasons = json.loads((work / RECORD).read_text("utf-8"))
    except (FileNotFoundError, ValueError):  # a damaged record costs no more than another try
        return {}
    return {
        case: one["reason"] for case, one in reasons.items() if case in scans and one["stamp"] == stamp(scans[case])
    }
