"""Scans: voxels in HU or 8-bit, their geometry, readers and writers."""
