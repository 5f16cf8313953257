"""Scans: voxels in HU or 8-bit, their geometry, readers and writers."""

from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window

__all__ = ["Scan", "Window", "from_canonical", "read_mask", "read_scan", "to_canonical", "write_nifti"]
