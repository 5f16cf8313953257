"""The DICOM files of a folder, a zip archive or a single file."""

from __future__ import annotations

import lzma
import os
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
from groundglass.scans.readable import MAX_BYTES

SUFFIXES = (".dcm", ".dicom", ".ima")
MAX_FILES = 5000
"""Of an archive, and ``MAX_BYTES`` unpacked (zip bombs)."""

MAX_FILE_BYTES = 256 * 1024**2
"""Of one file in an archive, unpacked: far above a slice of CT."""

MAX_FOLDER_FILES = 20_000

MAGIC = slice(128, 132)
"""Where a DICOM file says ``DICM``."""

UNPACKING = (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, lzma.LZMAError)
"""What zipfile raises on a damaged member besides OSError; RuntimeError if it is encrypted or packed in an odd way."""


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
        return file.read(MAGIC.stop)[MAGIC] == b"DICM"


def holds_dicom(folder: Path) -> bool:
    """Whether there is a DICOM file anywhere in a folder."""
    return any(is_dicom(path) for path in _walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    """The files under a folder; a folder that may not be listed is an error, as it may hold slices."""
    number = 0
    for here, _, names in os.walk(folder, onerror=_fail):
        number += len(names)
        if number > MAX_FOLDER_FILES:
            raise InputError(f"{folder}: has more than {MAX_FOLDER_FILES} files; give the folder of one scan")
        paths = (Path(here, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _fail(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read ({error.strerror}); check its permissions") from error


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
            with archive.open(member) as file:
                start = file.read(MAGIC.stop)
            if start[MAGIC] != b"DICM":
                return BytesIO(start)  # enough to see what it is not
            if member.file_size > MAX_FILE_BYTES:
                raise InputError(f"{name}: too large for a slice of CT; remove it from the archive")
            return BytesIO(archive.read(member))  # at most member.file_size bytes, and the checksum is compared
        except UNPACKING as error:
            raise InputError(f"{name}: cannot be unpacked ({error}); make the archive again") from error

    return DicomFile(name, unpack)
