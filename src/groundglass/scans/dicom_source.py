"""What an object made from a DICOM series takes over from it: geometry and references, not the patient's identity."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.uid import CTImageStorage
from pydicom.uid import generate_uid
from pydicom.valuerep import DSfloat

from groundglass.scans.dicom_series import DicomSeries

logger = logging.getLogger(__name__)

SERIES_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")

GEOMETRY = ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient")
"""The same for all slices of a series, or they could not be stacked."""

COMPRESSION = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")

IDENTIFIERS = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName"),
)
"""Must be in every DICOM object, but may be empty."""


def source_images(series: DicomSeries) -> list[Dataset]:
    """Headers that highdicom derives an object from: one a slice, with valid UIDs and empty identifiers.

    Only what is needed is taken over, so nothing about the patient can slip through. A missing or invalid UID is
    replaced by one made from the geometry of the series, always the same; a warning says what that costs.
    """
    first = series.headers[0]
    replaced = [keyword for keyword in SERIES_UIDS if not _is_valid(first.get(keyword))]
    shared = {keyword: _uid(series, keyword) for keyword in SERIES_UIDS}
    instances = [header.get("SOPInstanceUID") for header in series.headers]
    if len(set(instances)) < len(instances) or not all(map(_is_valid, instances)):
        replaced.append("SOPInstanceUID")
        instances = [_made_up(series, "SOPInstanceUID", index) for index in range(len(instances))]
    if replaced:
        logger.warning(
            "%s: no valid %s, so generated ones stand in and viewers cannot link the DICOM-SEG to the source images",
            series.files[0],
            " nor ".join(replaced),
        )
    return [_source(series, index, uid, shared) for index, uid in enumerate(instances)]


def _source(series: DicomSeries, index: int, instance: str, shared: dict[str, str]) -> Dataset:
    first, header = series.headers[0], series.headers[index]
    source = Dataset()
    source.SOPClassUID, source.SOPInstanceUID, source.Modality = CTImageStorage, instance, "CT"
    for keyword, uid in shared.items():
        setattr(source, keyword, uid)
    for keyword in IDENTIFIERS:
        setattr(source, keyword, "")
    _copy(first, source, (*GEOMETRY, *COMPRESSION))
    _copy(header, source, ("ImagePositionPatient",))
    source.SliceThickness = DSfloat(_thickness(series), auto_format=True)
    if len(series.headers) == 1:  # else highdicom measures the spacing; of one slice it would say 1 mm
        source.SpacingBetweenSlices = source.SliceThickness
    return source


def _thickness(series: DicomSeries) -> float:
    """Thickness of a slice in mm as stated, else the distance of the first two, else 1."""
    if stated := series.headers[0].get("SliceThickness"):
        return abs(float(stated))
    places = np.array([header.ImagePositionPatient for header in series.headers[:2]], float)
    return float(np.linalg.norm(places[-1] - places[0])) or 1.0


def _copy(header: Dataset, source: Dataset, keywords: Sequence[str]) -> None:
    for keyword in keywords:
        if keyword in header:
            source[keyword] = header[keyword]


def _uid(series: DicomSeries, keyword: str) -> str:
    value = series.headers[0].get(keyword)
    return str(value) if _is_valid(value) else _made_up(series, keyword)


def _is_valid(value: object) -> bool:
    return bool(value) and UID(str(value)).is_valid


def _made_up(series: DicomSeries, *facts: object) -> str:
    """A valid UID that depends on nothing but where the slices lie, what the broken UIDs were, and ``facts``."""
    ends = [series.headers[0], series.headers[-1]]
    known = [
        str(header.get(keyword)) for header in ends for keyword in (*SERIES_UIDS, *GEOMETRY, "ImagePositionPatient")
    ]
    return str(generate_uid(entropy_srcs=[*known, *map(str, facts), str(len(series.headers))]))
