"""Where the voxels of each case lie, without opening its scan: agreement is told over all cases at once."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from groundglass.annotate.scans import OpenScans
from groundglass.errors import InputError
from groundglass.scans.nifti import BROKEN
from groundglass.scans.nifti import SUFFIXES
from groundglass.scans.nifti import affine_mm
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

Affine = NDArray[np.float64]
Key = tuple[Path, int, int]


class Grids:
    """Affines of the cases of a dataset, in canonical orientation but for where the counting begins.

    Args:
        scans: Opens those whose files do not say it at their beginning.
    """

    def __init__(self, scans: OpenScans) -> None:
        self.scans = scans
        self._known: dict[str, tuple[Key, Affine | None]] = {}
        self._waiting: queue.Queue[str] = queue.Queue()
        self._reader: threading.Thread | None = None

    def affine(self, case: str) -> Affine | None:
        """A case's affine, or ``None`` if it is gone, cannot be read, or has not been read yet.

        The header of a NIfTI file is read at once. Anything else has to be read whole, in the background.
        """
        try:
            path = self.scans.source.image(case).path
            key = _key(path)
        except (InputError, OSError):
            return None
        known = self._known.get(case)
        if known is None or known[0] != key:
            known = self._known[case] = (key, _of_header(path))
            if known[1] is None:
                self._read_later(case)
        return known[1]

    def wait(self) -> None:
        """Until what is being read in the background is there."""
        self._waiting.join()

    def _read_later(self, case: str) -> None:
        self._waiting.put(case)
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()

    def _read(self) -> None:
        while True:
            case = self._waiting.get()
            with suppress(InputError, OSError):  # what is wrong is said where the scan is opened
                key = _key(self.scans.source.image(case).path)
                self._known[case] = (key, self.scans.borrow(case).scan.affine)
            self._waiting.task_done()


def _key(path: Path) -> Key:
    """Changes when the file does. Of a folder only the listing counts: other slices seldom lie elsewhere."""
    status = path.stat()
    return path, status.st_mtime_ns, status.st_size


def _of_header(path: Path) -> Affine | None:
    """The affine of a NIfTI file in canonical orientation, but for the voxel the counting begins with."""
    if not path.name.lower().endswith(SUFFIXES):
        return None
    try:
        affine = affine_mm(nibabel.load(path))
        return to_canonical(Scan(np.zeros((2, 2, 2), np.uint8), affine, "mask")).affine
    except (*BROKEN, OSError, KeyError):
        return None
