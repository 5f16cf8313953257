"""Masks as people save them: JPEG smears their edges."""

from __future__ import annotations

from pathlib import Path

from groundglass.scans import images
from groundglass.scans.readable import readable
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

JPEG_THRESHOLD = 127
"""The edges of a mask are smeared in a JPEG."""


def read_drawn_mask(path: Path) -> Scan:
    """Read somebody's mask as :func:`read_mask` does; of JPEG only what is brighter than 127 counts.

    Args:
        path: File, or folder of images.

    Returns:
        Voxels ``(D, H, W)`` uint8, intensity ``"mask"``.

    Raises:
        InputError: If there is no readable mask.
    """
    with readable(path):
        smeared = any(file.suffix.lower() in images.JPEG for file in (path.iterdir() if path.is_dir() else [path]))
    return read_mask(path, threshold=JPEG_THRESHOLD if smeared else 0)
