"""The scans people have open: few at a time, so that memory stays bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from groundglass.annotate.image import Image
from groundglass.annotate.image import Stamp
from groundglass.annotate.left_out import LeftOut
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.source import Source
from groundglass.errors import InputError
from groundglass.scans.scan import Scan

KEEP = 3
"""Scans in memory: one for each of two people, and the one that comes next. 157 MB for 300 slices of 512 x 512."""


class OpenScans:
    """Scans by case name, the least recently used closed first.

    Whoever opens a scan holds up only those who want the same one.

    Args:
        source: Where they are.
        keep: How many to hold.
    """

    def __init__(self, source: Source, *, keep: int = KEEP) -> None:
        self.source = source
        self.keep = keep
        self.left_out = LeftOut(source)
        self._open: OrderedDict[str, OpenScan] = OrderedDict()
        self._grids: dict[str, tuple[Stamp, Scan]] = {}
        self._shown: dict[str, Stamp] = {}
        self._reading: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()  # for the tables alone; nothing is read under it

    def get(self, case: str) -> OpenScan:
        """The scan of a case as it is on the disk now; answers are about this one from now on.

        Raises:
            InputError: If there is no such case, or its file cannot be read.
        """
        scan = self.read(case)
        self._shown[case] = scan.version
        return scan

    def check(self, case: str, version: str | None = None) -> OpenScan:
        """The scan that somebody looks at or answers about; it must still be the one that was opened.

        Args:
            case: Its name.
            version: Version of the scan that is looked at; by default the one that :meth:`get` gave last.

        Raises:
            InputError: If its file has changed since.
        """
        image = self.source.image(case)
        now = image.stamp
        if (self._shown.setdefault(case, now) if version is None else version) != now:
            raise InputError(f"the image of case {case} has changed on the disk; reload the page and look again")
        return self._opened(image, now)

    def read(self, case: str) -> OpenScan:
        """The scan of a case, read if it is not open or its file has changed.

        Raises:
            InputError: If there is no such case, or its file cannot be read.
        """
        image = self.source.image(case)
        return self._opened(image, image.stamp)

    def borrow(self, case: str) -> OpenScan:
        """The same for work in the background: no scan that somebody has open is closed for it.

        Raises:
            InputError: As for :meth:`read`.
        """
        image = self.source.image(case)
        with self._lock:
            scan = self._open.get(case)
        if scan is None or scan.version != image.stamp:
            scan = OpenScan(image)
            self._remember_grid(case, scan)
        return scan

    def grid(self, case: str) -> Scan:
        """Where the voxels of a case lie, without them: a scan that was read once is not opened again for it.

        Raises:
            InputError: As for :meth:`read`.
        """
        now = self.source.image(case).stamp
        known = self._grids.get(case)
        if known is None or known[0] != now:
            self.read(case)
            known = self._grids[case]
        return known[1]

    def slice_bytes(self, case: str, index: int, version: str | None = None) -> bytes:
        """One slice as little-endian int16, rows first: HU, or 8-bit grey.

        A page that has a scan open gets no slice of another one, so that nobody answers about a mixture of two.

        Raises:
            InputError: If there is no such case or slice, or its file has changed since it was opened.
        """
        scan = self.check(case, version)
        limits = np.iinfo(np.int16)
        return scan.voxels(index, index + 1).clip(limits.min, limits.max).astype("<i2").tobytes()

    def _opened(self, image: Image, now: Stamp) -> OpenScan:
        if (scan := self._known(image.case, now)) is not None:
            return scan
        with self._lock:
            reading = self._reading.setdefault(image.case, threading.Lock())
        with reading:  # two people who open one scan wait for one reading of it
            return self._known(image.case, now) or self._keep(image.case, OpenScan(image))

    def _known(self, case: str, now: Stamp) -> OpenScan | None:
        with self._lock:
            scan = self._open.get(case)
            if scan is None or scan.version != now:
                return None
            self._open.move_to_end(case)
            return scan

    def _keep(self, case: str, scan: OpenScan) -> OpenScan:
        with self._lock:
            self._open[case] = scan
            self._open.move_to_end(case)
            while len(self._open) > self.keep:
                self._open.popitem(last=False)
        self._remember_grid(case, scan)
        return scan

    def _remember_grid(self, case: str, scan: OpenScan) -> None:
        empty = np.broadcast_to(np.zeros((), np.uint8), scan.scan.shape)  # one byte, whatever the shape
        self._grids[case] = (scan.version, Scan(empty, scan.scan.affine, scan.scan.intensity, scan.scan.path))
