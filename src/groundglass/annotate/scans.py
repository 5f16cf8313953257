"""The scans people have open: few at a time, so that memory stays bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np

from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.source import Source
from groundglass.errors import InputError

KEEP = 3
"""Scans in memory: one for each of two people, and the one that comes next. 157 MB for 300 slices of 512 x 512."""


class OpenScans:
    """Scans by case name, the least recently used closed first.

    Args:
        source: Where they are.
        keep: How many to hold.
    """

    def __init__(self, source: Source, *, keep: int = KEEP) -> None:
        self.source = source
        self.keep = keep
        self._open: OrderedDict[str, OpenScan] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, case: str) -> OpenScan:
        """The scan of a case, read if it is not open or its file has changed.

        Raises:
            InputError: If there is no such case, or its file cannot be read.
        """
        image = self.source.image(case)
        stamp = image.stamp
        with self._lock:  # two people who open one scan wait for one reading of it
            scan = self._open.get(case)
            if scan is None or scan.stamp != stamp:
                scan = self._open[case] = OpenScan(image)
            self._open.move_to_end(case)
            while len(self._open) > self.keep:
                self._open.popitem(last=False)
            return scan

    def check(self, case: str) -> OpenScan:
        """The scan an answer is about; it must still be the one that was looked at.

        Raises:
            InputError: If its file has changed since it was opened.
        """
        image = self.source.image(case)
        with self._lock:
            scan = self._open.get(case)
        if scan is not None and scan.stamp != image.stamp:
            raise InputError(f"the image of case {case} has changed on the disk; reload the page and look again")
        return scan or self.get(case)

    def slice_bytes(self, case: str, index: int) -> bytes:
        """One slice as little-endian int16, rows first: HU, or 8-bit grey.

        Raises:
            InputError: If there is no such case or slice.
        """
        scan = self.get(case)
        if not 0 <= index < scan.scan.shape[0]:
            raise InputError(f"case {case} has no slice {index}; it has {scan.scan.shape[0]}")
        limits = np.iinfo(np.int16)
        return scan.voxels(index, index + 1).clip(limits.min, limits.max).astype("<i2").tobytes()
