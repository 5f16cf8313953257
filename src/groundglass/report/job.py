"""How scans are predicted, and what is written of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from groundglass.scans.scan import Intensity


@dataclass(frozen=True, kw_only=True)
class Job:
    """How scans are predicted and what is written.

    Args:
        intensity: What the numbers are, where the files do not tell.
        series: Which DICOM series, where there are several.
        lungs: The lung mask of the only scan, or a folder with a mask of each scan's name.
        probabilities: Write the probabilities too.
        count: Write the list of lesions too.
        keep_identifiers: Show who the patient is.
        resume: Leave finished scans as they are, in an output folder that exists.
        quiet: No progress.
    """

    intensity: Intensity | None = None
    series: str | None = None
    lungs: str | Path | None = None
    probabilities: bool = False
    count: bool = False
    keep_identifiers: bool = False
    resume: bool = False
    quiet: bool = False
