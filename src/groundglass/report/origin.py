"""What a finished result was made from, so that one scan's is never taken for another's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from groundglass.errors import InputError
from groundglass.scans.fingerprint import fingerprint
from groundglass.scans.readable import readable

if TYPE_CHECKING:
    from groundglass.report.job import Job

SHOWN = ("intensity", "probabilities", "count", "keep_identifiers")


def origin_of(scan: Path, lungs: Path | None, settings: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """What decides on the files of a scan, by name; of files and of the series a digest, which tells of no patient.

    Args:
        scan: The scan.
        lungs: Its lung mask, if one is given.
        settings: Of the model.
        job: What is asked for.

    Raises:
        InputError: If the scan or the mask cannot be read.
    """
    series = None if job.series is None else hashlib.sha256(job.series.encode()).hexdigest()[:32]
    files = {"scan": fingerprint(scan), "lungs": None if lungs is None else fingerprint(lungs), "series": series}
    return {**files, **settings, **{name: getattr(job, name) for name in SHOWN}}


def check_origin(record: Path, origin: Mapping[str, Any]) -> None:
    """See that a finished result is of the scan, the model and the settings now asked for.

    Args:
        record: Its ``report.json``.
        origin: What is asked for.

    Raises:
        InputError: If it is not, or does not tell.
    """
    before = _recorded(record)
    differing = [name for name, value in origin.items() if name not in before or before[name] != value]
    if not differing:
        return
    known = f"differs in {', '.join(differing)} from what is asked for"
    why = known if before else "does not tell what it was made from"
    raise InputError(
        f"{record.parent}: holds a result that {why}; choose another output folder with -o, or remove that one"
    )


def _recorded(record: Path) -> dict[str, Any]:
    """The origin a report tells; none where it is damaged, of an older version or by another verb."""
    with readable(record):
        text = record.read_bytes()
    try:
        return dict(json.loads(text)["provenance"]["origin"])
    except (ValueError, LookupError, TypeError):
        return {}
