"""The DICOM files of a folder, a zip archive or a single file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from pathlib import PurePosixPath
from typing import BinaryIO
from typing import NamedTuple

from groundglass.errors import InputError
from groundglass.scans.images import natural_key

SUFFIXES = (".dcm", ".dicom", ".ima")
MAX_FILES = 5000
MAX_BYTES = 4 * 1024**3
"""Limits of one archive, unpacked: above any chest CT, below what fills a laptop (zip bombs)."""

MAX_FOLDER_FILES = 20_000


class DicomFile(NamedTuple):
    """A DICOM file wherever it lies: its name for messages, and how to open it."""

    name: str
    open: Callable[[], BinaryIO]


@contextmanager
def dicom_files(path: Path) -> Iterator[list[DicomFile]]:
    """All files under ``path`` in natural order of their names, DICOM or not, hidden ones left out.

    An archive stays open within the block and is read in memory: nothing of it is unpacked to disk.

    Raises:
        InputError: If the archive is broken, unsafe or too large, or the folder has too many files.
    """
    if path.is_dir():
        yield _in_folder(path)
    elif path.suffix.lower() != ".zip":
        yield [_on_disk(path)]
    else:
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise InputError(f"{path}: not a readable zip archive; copy or make it again") from error
        with archive:
            yield _in_archive(archive, path)


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, by its name or by its first 132 bytes."""
    if path.suffix.lower() in SUFFIXES:
        return True
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def holds_dicom(folder: Path) -> bool:
    """Whether there is a DICOM file anywhere in a folder."""
    return any(is_dicom(path) for path in _walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    for number, path in enumerate(folder.rglob("*")):
        if number > MAX_FOLDER_FILES:
            raise InputError(f"{folder}: has more than {MAX_FOLDER_FILES} files; give the folder of one scan")
        if path.is_file() and not path.name.startswith("."):
            yield path


def _in_folder(folder: Path) -> list[DicomFile]:
    paths = sorted(_walk(folder), key=lambda path: natural_key(str(path)))
    return [_on_disk(path) for path in paths]


def _on_disk(path: Path) -> DicomFile:
    return DicomFile(str(path), lambda: path.open("rb"))


def _in_archive(archive: zipfile.ZipFile, path: Path) -> list[DicomFile]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in member.filename:
            raise InputError(f"{path}: holds the unsafe name {member.filename!r}; do not use this archive")
    if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
        raise InputError(f"{path}: over {MAX_FILES} files or {MAX_BYTES / 1024**3:g} GB unpacked; give one scan only")
    visible = [member for member in members if not PurePosixPath(member.filename).name.startswith(".")]
    visible.sort(key=lambda member: natural_key(member.filename))
    return [_archived(archive, member, path) for member in visible]


def _archived(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> DicomFile:
    name = f"{path}/{member.filename}"

    def unpack() -> BinaryIO:
        try:
            return BytesIO(archive.read(member))  # at most member.file_size bytes, and the checksum is compared
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
            raise InputError(f"{name}: cannot be unpacked ({error}); make the archive again") from error

    return DicomFile(name, unpack)
