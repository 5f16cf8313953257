"""Names of files and folders that tell who the patient is."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain
from pathlib import Path

from pydicom import Dataset
from pydicom import dcmread
from pydicom.config import disable_value_validation

from groundglass.scans.dicom_archive import dicom_files
from groundglass.scans.dicom_slice import BROKEN
from groundglass.scans.readable import readable

WHO = ("PatientName", "PatientID", "PatientBirthDate")
ORDERS = ((0, 1, 2), (2, 1, 0), (1, 2, 0))
"""Of year, month and day, as dates are written."""


def names_patient(path: Path) -> bool:
    """Whether the name of a DICOM file or folder holds a part of the patient's name, the ID or the birth date."""
    with readable(path), disable_value_validation(), dicom_files(path) as files:
        for file in files:
            try:
                with file.open() as content:
                    header = dcmread(content, stop_before_pixels=True, specific_tags=list(WHO))
                return _tells(_folded(path.name), header)
            except BROKEN:
                continue
    return False


def _tells(name: str, header: Dataset) -> bool:
    values = (_folded(str(header.get(key) or "")) for key in WHO)
    parts = chain.from_iterable(re.split(r"[\^\s,=]+", value) for value in values)
    if any(part in name for part in parts if len(part) > 2 or (part and not part.isascii())):
        return True
    birth = re.sub(r"\D", "", str(header.get("PatientBirthDate") or ""))
    return len(birth) == len("19600101") and re.search(_written(birth), name) is not None


def _folded(text: str) -> str:
    """Without case and accents, however they are encoded: macOS writes a letter and its accent apart."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def _written(birth: str) -> str:
    """A pattern of a date in all usual forms: 1960-01-31, 31.1.1960, 1/31/60, 31011960."""
    digits = (birth[:4], birth[4:6], birth[6:])
    apart = (f"(?:{birth[:2]})?{birth[2:4]}", *(f"0?{int(part)}" for part in digits[1:]))
    forms = [r"[\W_]+".join(apart[index] for index in order) for order in ORDERS]
    return "|".join(
        [f"(?<!\\d){form}(?!\\d)" for form in forms] + ["".join(digits[i] for i in order) for order in ORDERS]
    )
