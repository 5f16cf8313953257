"""Whether a file or folder is the one it was, told by its content alone: names may be a patient's."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from groundglass.scans.dicom_archive import dicom_files
from groundglass.scans.readable import readable

DETACHED = (".nhdr", ".mhd")
"""Headers whose voxels lie in a file of their own, which they name."""

DATA_FILE = re.compile(rb"^(?:data ?file:|ElementDataFile\s*=)[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


def fingerprint(path: str | Path) -> str:
    """A digest of the bytes at ``path``: of a file, or of all in a folder in natural order, hidden ones left out.

    Raises:
        InputError: If there is nothing at ``path``, or it cannot be read.
    """
    path = Path(path)
    total = hashlib.sha256()
    with readable(path):
        for part in _parts(path):
            total.update(_digest(part))
    return total.hexdigest()[:32]


def _parts(path: Path) -> list[Path]:
    if path.is_dir():
        with dicom_files(path) as files:
            return [Path(file.name) for file in files]
    if path.suffix.lower() in DETACHED and (named := DATA_FILE.search(path.read_bytes())):
        data = path.parent / named[1].decode(errors="replace").strip()
        return [path, *([data] if data.is_file() else [])]
    return [path]


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
