"""Whose scan it is, for those who ask for it; no other part of a report looks at this."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from groundglass.scans.dicom_series import DicomSeries

TAGS = {
    "patient": "PatientName",
    "patient ID": "PatientID",
    "birth date": "PatientBirthDate",
    "study date": "StudyDate",
    "study": "StudyDescription",
    "series": "SeriesDescription",
    "accession number": "AccessionNumber",
}
"""DICOM keywords by the name they are shown with."""


def identifiers_of(path: str | Path, series: DicomSeries | None) -> dict[str, str]:
    """The name of a scan's file and what its DICOM header says of patient and study; empty values are left out."""
    found = {name: str(series.headers[0].get(tag) or "").strip() for name, tag in TAGS.items()} if series else {}
    return {"file": Path(path).name, **{name: value for name, value in found.items() if value}}
