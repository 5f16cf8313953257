"""Which scans are meant by a path: one, or all in a folder."""

from __future__ import annotations

import logging
from pathlib import Path

from pydicom import dcmread
from pydicom.config import disable_value_validation

from groundglass.errors import InputError
from groundglass.scans.dicom_archive import holds_dicom
from groundglass.scans.dicom_archive import is_dicom
from groundglass.scans.dicom_slice import BROKEN
from groundglass.scans.images import find_images
from groundglass.scans.images import natural_key
from groundglass.scans.readable import readable
from groundglass.scans.reader import VOLUME_SUFFIXES

logger = logging.getLogger(__name__)

WHOLE_SCANS = (*VOLUME_SUFFIXES, ".zip")


def find_scans(path: str | Path) -> list[Path]:
    """The scans at ``path``, in natural order of their names.

    A file is a scan, and so is a folder with DICOM files or images directly in it, or with the series of one DICOM
    study in folders of their own. Any other folder is a collection: each NIfTI, NRRD, MetaImage or zip file in it is
    a scan, and each folder in it that holds one.

    Raises:
        InputError: If there is nothing at ``path``, or no scan in the folder.
    """
    path = Path(path)
    with readable(path):
        if not path.is_dir():
            return [path]
        entries = sorted((one for one in path.iterdir() if _counts(one)), key=lambda one: natural_key(one.name))
        scans = [one for one in entries if one.is_file() and one.name.lower().endswith(WHOLE_SCANS)]
        if not scans and holds_slices(path):
            return [path]
        folders = [one for one in entries if one.is_dir() and is_scan_folder(one)]
        if not scans and len(folders) > 0 and _one_study(folders):
            return [path]
        deeper = [one for one in entries if one.is_dir() and one not in folders and _holds_volumes(one)]
    if deeper and not scans + folders:
        raise InputError(
            f"{path}: its scans lie in folders below it, such as {deeper[0].name}; give those folders, for instance as "
            f"{path}/*"
        )
    if deeper:
        logger.warning("%s: not read are the volumes in folders below it, such as %s; give them too", path, deeper[0])
    if not scans + folders:
        raise InputError(f"{path}: a folder without a readable scan; give NIfTI, NRRD, DICOM or image files")
    return sorted(scans + folders, key=lambda one: natural_key(one.name))


def _counts(path: Path) -> bool:
    return not path.name.startswith(".") and (path.is_file() or path.is_dir())


def holds_slices(folder: Path) -> bool:
    """Whether there are images or DICOM files directly in a folder."""
    return bool(find_images(folder)) or any(is_dicom(one) for one in folder.iterdir() if _counts(one) and one.is_file())


def is_scan_folder(folder: Path) -> bool:
    """Whether there are images directly in a folder, or DICOM files anywhere in it.

    One that may not be read counts, to be named as the one that fails.
    """
    try:
        return bool(find_images(folder)) or holds_dicom(folder)
    except (OSError, InputError):
        return True


def _holds_volumes(folder: Path) -> bool:
    """Whether there are volumes directly in a folder that are not results of a prediction."""
    if (folder / "report.json").exists():
        return False
    return any(one.name.lower().endswith(WHOLE_SCANS) and _counts(one) for one in folder.iterdir())


def _one_study(folders: list[Path]) -> bool:
    """Whether all the folders hold series of one and the same DICOM study."""
    studies = {_study(folder) for folder in folders}
    return len(studies) == 1 and None not in studies


def _study(folder: Path) -> str | None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            try:
                if is_dicom(path):
                    with disable_value_validation():
                        header = dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
                    return str(header.get("StudyInstanceUID") or "") or None
            except (*BROKEN, OSError):  # reading the scan names what is wrong
                return None
    return None
