"""The folder a report is written to."""

from __future__ import annotations

from pathlib import Path

from groundglass.errors import InputError
from groundglass.files import check_writable
from groundglass.scans.readable import readable


def check_output(folder: Path, *, overwrite: bool = False) -> None:
    """See that a report may be written here, before any work is done.

    Args:
        folder: Missing, empty, or, with ``overwrite``, with anything in it: a former report is then replaced, file by
            file, and whatever else lies there stays.
        overwrite: Replace a former report.

    Raises:
        InputError: If it is no folder, not empty without ``overwrite``, or cannot be written to.
    """
    if folder.exists():
        _check_content(folder, overwrite)
    check_writable(folder)


def _check_content(folder: Path, overwrite: bool) -> None:
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder for the report")
    with readable(folder):
        filled = any(folder.iterdir())
    if filled and not overwrite:
        raise InputError(
            f"{folder}: is not empty; choose another folder, or pass --overwrite to replace a former report there"
        )
