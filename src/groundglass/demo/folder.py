"""The demo's folder: whether it may be begun there, or gone on with."""

from __future__ import annotations

import json
import os
from pathlib import Path

from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.scans.readable import readable

MARK = ".groundglass-demo"
"""Says that a folder is a demo's, and with which options it was begun."""
PAGE = "index.html"
"""Written last: a demo without it was interrupted."""


def begin(output: Path, options: dict[str, int]) -> None:
    """See that a demo may be begun in a folder, or gone on with; nothing in it is ever deleted."""
    wanted = json.dumps(options)
    if os.path.lexists(output) and _begun_with(output) not in (None, wanted):
        raise InputError(f"{output}: holds a demo begun with other options; choose another folder with -o")
    write_text(output / MARK, wanted)


def _begun_with(output: Path) -> str | None:
    """The options of an interrupted demo; ``None`` for an empty folder."""
    with readable(output):
        if (output / PAGE).exists() and (output / MARK).exists():
            raise InputError(f"{output}: holds a finished demo; open its {PAGE}, or choose another folder with -o")
        if (output / MARK).exists():
            return (output / MARK).read_text("utf-8", errors="replace")
        if output.is_dir() and not any(output.iterdir()):
            return None
    raise InputError(f"{output}: is no empty folder and no interrupted demo; choose another folder with -o")
