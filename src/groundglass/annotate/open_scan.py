"""A scan whose slices can be looked at while the rest of it is still being unpacked."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from groundglass.annotate.image import Image
from groundglass.errors import InputError
from groundglass.scans.intensity import AIR_HU
from groundglass.scans.nifti import BROKEN
from groundglass.scans.nifti import SUFFIXES
from groundglass.scans.nifti import affine_mm
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan

PLAIN_TYPES = (np.int16, np.uint8)


class OpenScan:
    """A scan in canonical orientation (slices feet to head, rows to the back, columns to the patient's left).

    A NIfTI file as ``groundglass prepare`` writes it is unpacked in the background, slice by slice: the first one is
    there at once. Anything else is read whole.

    Args:
        image: What to open.

    Raises:
        InputError: If it cannot be read.
    """

    def __init__(self, image: Image) -> None:
        self.version = image.stamp  # before it is read: what is replaced meanwhile shows as changed
        self.image = image
        self._ready = threading.Condition()
        self._failed: InputError | None = None
        streamed = _streamable(image)
        self.scan = streamed or _whole(image)
        self._count = 0 if streamed else self.scan.shape[0]
        if streamed:
            threading.Thread(target=self._unpack, args=(image.path,), daemon=True).start()
        self._lungs: Scan | None = None
        self._lungs_wanted = True
        self._lungs_lock = threading.Lock()

    def voxels(self, first: int, last: int) -> NDArray[Any]:
        """Slices ``first`` to ``last - 1``, ``(d, H, W)``, as soon as they are there.

        Raises:
            InputError: If the file turns out to be damaged, or there are no such slices.
        """
        if not 0 <= first < last <= self.scan.shape[0]:
            raise InputError(f"case {self.image.case} has no slice {last - 1}; it has {self.scan.shape[0]}")
        with self._ready:
            self._ready.wait_for(lambda: self._count >= last or self._failed is not None)
            if self._failed is not None:
                raise self._failed
        return self.scan.voxels[first:last]

    def slab(self, index: int) -> Scan:
        """One slice as a scan ``(1, H, W)`` at its place in the patient."""
        self.voxels(index, index + 1)
        return self.scan.slab(index, index + 1)

    def lungs(self) -> Scan | None:
        """Lung mask ``(D, H, W)``: the dataset's own, else found in a CT as ``groundglass predict`` finds it.

        ``None`` for 8-bit images without one, and for a CT that shows no lungs.

        Raises:
            InputError: If the dataset's own is damaged or of another size.
        """
        with self._lungs_lock:
            if self._lungs_wanted:
                self.voxels(0, self.scan.shape[0])
                self._lungs = _given_lungs(self.image.lungs, self.scan) if self.image.lungs else _found_lungs(self.scan)
                self._lungs_wanted = False
            return self._lungs

    def _unpack(self, path: Path) -> None:
        try:
            _fill(path, self.scan, self._advance)
        except (*BROKEN, OSError) as error:
            with self._ready:
                self._failed = InputError(f"{path.name}: damaged or not complete; copy or prepare it again")
                self._failed.__cause__ = error
                self._ready.notify_all()

    def _advance(self, count: int) -> None:
        with self._ready:
            self._count = count
            self._ready.notify_all()


def _whole(image: Image) -> Scan:
    with _without_folders(image.path):
        return to_canonical(read_scan(image.path, intensity=image.intensity))


@contextmanager
def _without_folders(path: Path) -> Iterator[None]:
    """The page shows names of files, and not where the server keeps them."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(f"{path.parent}{os.sep}", "")) from error


def _given_lungs(path: Path, scan: Scan) -> Scan:
    with _without_folders(path):
        lungs = to_canonical(read_mask(path))
    if lungs.shape != scan.shape:
        raise InputError(f"{path.name}: its size {lungs.shape} is not the image's {scan.shape}; prepare the case again")
    return lungs


def _found_lungs(scan: Scan) -> Scan | None:
    from groundglass.scans.lungs import lung_mask  # here, because it takes a second to import

    if scan.intensity != "hu":
        return None
    try:
        return lung_mask(scan)
    except InputError:  # no lungs in view: the whole slice is looked at then
        return None


def _streamable(image: Image) -> Scan | None:
    """An empty scan to fill, if the file has plain numbers in canonical orientation and says what they are."""
    if image.intensity is None or not image.path.name.lower().endswith(SUFFIXES):
        return None
    try:
        header: Any = nibabel.load(image.path)
        proxy = header.dataobj
        plain = (proxy.slope, proxy.inter) == (1, 0) and proxy.dtype in PLAIN_TYPES and len(proxy.shape) == 3
        affine = affine_mm(header)
        if not plain or not _is_canonical(affine):
            return None
        return Scan(np.empty(proxy.shape[::-1], proxy.dtype), affine, image.intensity, image.path)
    except (*BROKEN, OSError, MemoryError):
        return None  # reading it whole says what is wrong with it


def _is_canonical(affine: NDArray[np.float64]) -> bool:
    probe = Scan(np.zeros((2, 2, 2)), affine, "hu")
    return bool(np.array_equal(to_canonical(probe).affine, affine))


def _fill(path: Path, scan: Scan, advance: Any) -> None:
    proxy: Any = nibabel.load(path).dataobj  # type: ignore[attr-defined]
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rb") as file:
        file.seek(proxy.offset)
        for index, into in enumerate(scan.voxels):
            view = memoryview(into).cast("B")
            content = file.read(len(view))
            if len(content) < len(view):
                raise EOFError("cut off")
            view[:] = content
            if scan.intensity == "hu":
                np.maximum(into, AIR_HU, out=into)
            advance(index + 1)
