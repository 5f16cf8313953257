"""Write masks as DICOM-SEG, so that 3D Slicer, OHIF and archives show them on the source series."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydicom.config import disable_value_validation
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from groundglass.errors import InputError
from groundglass.files import replacing
from groundglass.scans.dicom_series import DicomSeries
from groundglass.scans.dicom_source import IDENTIFIERS
from groundglass.scans.dicom_source import source_images
from groundglass.scans.scan import Scan

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from highdicom.seg import SegmentDescription
    from pydicom.sr.coding import Code

MORPHOLOGY = codes.SCT.MorphologicallyAbnormalStructure
ANATOMY = codes.SCT.AnatomicalStructure

SEGMENTS: dict[str, tuple[Code, Code, Code | None, str]] = {
    "lesions": (MORPHOLOGY, codes.SCT.Lesion, None, "red"),
    "right lung": (ANATOMY, codes.SCT.Lung, codes.SCT.Right, "skyblue"),
    "left lung": (ANATOMY, codes.SCT.Lung, codes.SCT.Left, "steelblue"),
}
"""For each mask that can be written: category, type and side in SNOMED CT (DICOM CID 7150, 7159, 244), and a color."""

SERIES_NUMBER = 1000
"""Added to the number of the source series, as scanners do for derived series."""

SAME_PLACE = 0.25
"""Tolerated distance of a mask's slice from its source slice, as a share of a voxel."""


def write_dicom_seg(
    masks: Mapping[str, Scan],
    series: DicomSeries,
    path: str | Path,
    *,
    algorithm_name: str,
    algorithm_version: str,
    keep_identifiers: bool = False,
) -> None:
    """Write masks as one binary DICOM-SEG that refers to the slices of the series they were made from.

    Slices without a marked voxel are left out, as is usual; a reader knows their place from the others. If all masks
    are empty the file has all slices, empty, and says that way that nothing was found. The same masks of the same
    series give the same UIDs.

    Args:
        masks: ``"lesions"``, ``"right lung"``, ``"left lung"`` or some of them, ``(D, H, W)`` on the grid of the
            series; every voxel but 0 is marked. They may overlap.
        series: As ``read_dicom_series`` gives it.
        path: The file to write, usually named .dcm.
        algorithm_name: What made the masks, for instance ``"groundglass"`` or the model's name.
        algorithm_version: Its version.
        keep_identifiers: Copy name, ID, birth date, sex, study date and the like from the series. Without it they are
            empty, and an archive that files by patient ID cannot put the object beside its scan.

    Raises:
        InputError: If a mask has another name or lies on another grid, or the file cannot be written.
    """
    _check(masks, series)
    with disable_value_validation():
        seg = _segmentation(masks, series, algorithm_name, algorithm_version)
        if keep_identifiers:
            _identify(seg, series)
        with replacing(Path(path)) as unfinished:
            seg.save_as(unfinished, enforce_file_format=True)


def _check(masks: Mapping[str, Scan], series: DicomSeries) -> None:
    if not masks or not set(masks) <= set(SEGMENTS):
        raise InputError(f"masks {', '.join(masks) or '(none)'}: a DICOM-SEG holds some of {', '.join(SEGMENTS)}")
    first = series.headers[0]
    shape = (len(series.headers), first.Rows, first.Columns)
    places = np.array([header.ImagePositionPatient for header in series.headers], float)
    starts = np.arange(len(places))[:, None] * (1, 0, 0)
    for name, mask in masks.items():
        if mask.shape != shape or np.abs(mask.to_indices(places) - starts).max() > SAME_PLACE:
            raise InputError(
                f"mask of the {name}: does not lie on the grid of its DICOM series; make it from that series"
            )


def _segmentation(masks: Mapping[str, Scan], series: DicomSeries, algorithm: str, version: str) -> Segmentation:
    from highdicom.seg import Segmentation  # takes 0.5 s

    sources = source_images(series)
    voxels = _stack(masks)
    facts = [sources[0].SeriesInstanceUID, algorithm, version, *masks, str(zlib.crc32(voxels.data))]
    return Segmentation(
        source_images=sources,
        pixel_array=voxels,
        segmentation_type="BINARY",
        segment_descriptions=[_describe(number, name, algorithm, version) for number, name in enumerate(masks, 1)],
        series_instance_uid=generate_uid(entropy_srcs=["series", *facts]),
        series_number=SERIES_NUMBER + _number(series),
        sop_instance_uid=generate_uid(entropy_srcs=["instance", *facts]),
        instance_number=1,
        manufacturer="groundglass",
        manufacturer_model_name=algorithm,
        software_versions=version,
        device_serial_number="none",
        omit_empty_frames=bool(voxels.any()),
        content_label="LESIONS" if "lesions" in masks else "LUNGS",
        content_description="Research use only: not a medical device",
        series_description=f"groundglass: {', '.join(masks)}",
    )


def _stack(masks: Mapping[str, Scan]) -> NDArray[np.uint8]:
    """``(D, H, W)`` of one mask or ``(D, H, W, S)`` of several, 0 and 1."""
    binary = [(mask.voxels != 0).view(np.uint8) for mask in masks.values()]
    return binary[0] if len(binary) == 1 else np.stack(binary, axis=-1)


def _describe(number: int, name: str, algorithm: str, version: str) -> SegmentDescription:
    from highdicom.color import CIELabColor
    from highdicom.content import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription
    from highdicom.sr import CodedConcept

    category, kind, side, color = SEGMENTS[name]
    description = SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(algorithm, codes.DCM.ArtificialIntelligence, version),
        anatomic_regions=[codes.SCT.Lung] if name == "lesions" else None,
        display_color=CIELabColor.from_string(color),
    )
    if side is not None:
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            CodedConcept.from_code(side)
        ]
    return description


def _number(series: DicomSeries) -> int:
    text = str(series.headers[0].get("SeriesNumber") or "")
    return int(text) if text.isdecimal() else 0


def _identify(seg: Segmentation, series: DicomSeries) -> None:
    for keyword in ("SpecificCharacterSet", *IDENTIFIERS):
        if keyword in series.headers[0]:
            seg[keyword] = series.headers[0][keyword]
