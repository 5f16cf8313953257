"""Which folders ``prepare`` may write into: empty ones, and what an unfinished ``prepare`` left."""

from __future__ import annotations

from pathlib import Path

from groundglass.datasets.folder import DESCRIPTION
from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.scans.readable import readable

MARK = ".groundglass-prepare"
"""Stands in a folder from before its first file is written until its description is."""

WRITTEN = ("images", "masks", "lungs")


def check_output(output: Path) -> None:
    """Whether nothing that somebody else put into ``output`` can be overwritten.

    Raises:
        InputError: If it is a dataset already, or holds anything but the rest of an unfinished ``prepare``.
    """
    if not output.exists():
        return
    with readable(output):
        if (output / DESCRIPTION).exists():
            raise InputError(
                f"{output}: is a prepared dataset already; choose another output folder, or add labels to it with "
                f"'groundglass prepare {output} --labels KINDS'"
            )
        if not output.is_dir():
            raise InputError(f"{output}: is a file; choose a folder to write into")
        found = sorted(path.name for path in output.iterdir() if not path.name.startswith("."))
        if found and not (output / MARK).exists():
            raise InputError(
                f"{output}: holds {found[0]} and was not left by an unfinished 'prepare'; choose another output folder"
            )


def begin(output: Path) -> None:
    """Mark a folder as being prepared, so that an interrupted ``prepare`` can be started again."""
    write_text(output / MARK, "groundglass prepare is at work here, or was interrupted: start it again\n")


def finish(output: Path) -> None:
    """Take the mark away again."""
    (output / MARK).unlink(missing_ok=True)


def reopen(output: Path) -> None:
    """Let a folder of one's own be prepared, or prepared anew; its labels and runs stay.

    Copies of which no description says that ``prepare`` made them are left to :func:`check_output`, which refuses them.
    """
    description = output / DESCRIPTION
    if description.exists() or not any((output / name).exists() for name in WRITTEN):
        begin(output)
    description.unlink(missing_ok=True)
