"""What the header of one DICOM file says about its image."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.errors import InvalidDicomError
from pydicom.uid import CTImageStorage
from pydicom.uid import EnhancedCTImageStorage
from pydicom.uid import SecondaryCaptureImageStorage

from groundglass.errors import InputError
from groundglass.scans.dicom_archive import SUFFIXES
from groundglass.scans.dicom_archive import DicomFile
from groundglass.scans.dicom_values import MAX_HU
from groundglass.scans.dicom_values import MAX_PLACE_MM
from groundglass.scans.dicom_values import are_lengths
from groundglass.scans.dicom_values import are_unit_vectors
from groundglass.scans.dicom_values import damaged
from groundglass.scans.dicom_values import number
from groundglass.scans.dicom_values import numbers
from groundglass.scans.dicom_values import padding
from groundglass.scans.dicom_values import text

BROKEN = (
    *(ArithmeticError, AttributeError, BytesLengthException, EOFError, InvalidDicomError, LookupError),
    *(MemoryError, NotImplementedError, RuntimeError, TypeError, ValueError, struct.error, zlib.error),
)
"""What pydicom raises on damaged headers and pixels (besides OSError): it converts a value when it is first used."""

AXIAL = 0.8
"""Smallest z component of the normal of an axial slice: tilts to 37 degrees pass, coronal reformats do not."""

MAX_PIXELS = 8192**2

SAME_STEP_MM = 1e-3
"""Pixels of slices that can be stacked: half a millimeter at the far end of 512."""


class SeriesTags(NamedTuple):
    """What tells one series from another."""

    uid: str
    number: str
    description: str
    patient: str
    about: str


@dataclass(frozen=True, eq=False)
class Slice:
    """One axial CT image.

    Args:
        file: Where it is.
        header: The dataset without its pixels.
        series: Which series it belongs to.
        shape: Rows and columns.
        position: ``(3,)`` LPS mm of the center of the first pixel.
        across: ``(3,)`` LPS mm from one column to the next.
        down: ``(3,)`` LPS mm from one row to the next.
        thickness: Distance to the next slice in mm as stated, used only for a scan of one slice.
        slope: HU per stored value.
        intercept: HU of the stored value 0.
        padding: Lowest and highest stored value outside the field of view, ``None`` if the file names none.
        rescaled: Whether the file states the intercept, so that its values are HU by declaration.
    """

    file: DicomFile
    header: Dataset
    series: SeriesTags
    shape: tuple[int, int]
    position: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    thickness: float
    slope: float
    intercept: float
    rescaled: bool
    padding: tuple[int, int] | None = None

    @property
    def normal(self) -> NDArray[np.float64]:
        """``(3,)`` unit vector from slice to slice if they are not tilted; upwards for the usual orientation."""
        normal = np.cross(self.across, self.down)
        return np.asarray(normal / np.linalg.norm(normal))

    @property
    def group(self) -> Hashable:
        """Equal for slices of one series and size."""
        return self.series.uid, self.shape

    def lies_like(self, other: Slice) -> bool:
        """Whether direction and pixel spacing are the other's, but for how they were rounded.

        Rounding both and comparing would part equal slices that lie on either side of a half.
        """
        apart = np.abs(np.concatenate([self.across - other.across, self.down - other.down]))
        return bool(apart.max() < SAME_STEP_MM)


def read_slice(file: DicomFile) -> Slice | str:
    """Read the header of one file: the slice, or in words why it is not one of an axial CT.

    Raises:
        InputError: If the file is damaged, is named .dcm but is none, or does not say where its slice lies.
    """
    try:
        with file.open() as content:
            header = dcmread(content, stop_before_pixels=True)
        return _why_not(header) or _parse(header, file)
    except InputError:
        raise
    except InvalidDicomError as error:
        if not file.name.lower().endswith(SUFFIXES):
            return "not DICOM"
        message = f"{file.name}: named like DICOM but is none (damaged or empty?); copy it again or remove it"
        raise InputError(message) from error
    except BROKEN as error:
        raise damaged(file.name) from error


def _why_not(header: Dataset) -> str | None:
    kind = text(header.file_meta, "MediaStorageSOPClassUID") or text(header, "SOPClassUID")
    modality = text(header, "Modality") or ("CT" if kind == CTImageStorage else "")
    if not kind:
        raise EOFError("the file ends before it says what it is")
    if kind.startswith(SecondaryCaptureImageStorage):  # the multi-frame kinds continue its UID
        return "a screenshot (secondary capture)"
    if modality != "CT":
        return f"this is {modality.split()[0][:8] if modality else 'an object without a modality'}, not CT"
    if kind == EnhancedCTImageStorage or int(text(header, "NumberOfFrames") or 1) > 1:
        return "this is multi-frame CT, which is not read; export it as one file a slice"
    if "LOCALIZER" in text(header, "ImageType").upper():
        return "a localizer"
    if text(header, "ImageOrientationPatient"):
        direction = np.array(header.ImageOrientationPatient, float)
        if abs(np.cross(direction[:3], direction[3:])[2]) < AXIAL:
            return "a coronal or sagittal image"
    return None


def _parse(header: Dataset, file: DicomFile) -> Slice:
    position = numbers(header, "ImagePositionPatient", 3, file.name)
    direction = numbers(header, "ImageOrientationPatient", 6, file.name)
    rows_mm, columns_mm = numbers(header, "PixelSpacing", 2, file.name)
    thickness = abs(number(header, ("SpacingBetweenSlices", "SliceThickness"), 1)) or 1.0
    slope, intercept = number(header, ("RescaleSlope",), 1), number(header, ("RescaleIntercept",), 0)
    shape = (int(header.Rows), int(header.Columns))
    sound = (
        are_lengths(rows_mm, columns_mm, thickness)
        and are_unit_vectors(direction)
        and np.abs(position).max() <= MAX_PLACE_MM
        and 0 < shape[0] * shape[1] <= MAX_PIXELS
        and abs(slope) <= MAX_HU
        and abs(intercept) <= MAX_HU
    )
    if not sound:
        raise damaged(file.name)
    return Slice(
        file=file,
        header=header,
        series=_series(header),
        shape=shape,
        position=position,
        across=direction[:3] * columns_mm,
        down=direction[3:] * rows_mm,
        thickness=thickness,
        slope=slope,
        intercept=intercept,
        rescaled=text(header, "RescaleIntercept") != "",
        padding=padding(header),
    )


def _series(header: Dataset) -> SeriesTags:
    about = " ".join(text(header, keyword) for keyword in ("BodyPartExamined", "SeriesDescription", "ProtocolName"))
    return SeriesTags(
        uid=text(header, "SeriesInstanceUID"),
        number=text(header, "SeriesNumber"),
        description=text(header, "SeriesDescription"),
        patient=text(header, "PatientID"),
        about=about.upper(),
    )
