"""Turn scans to one orientation and their masks back, by flips and transposes only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from nibabel.orientations import apply_orientation
from nibabel.orientations import inv_ornt_aff
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from groundglass.scans.scan import Scan

ZYX = [2, 1, 0, 3]
"""Rows of an affine with feet-head first: the canonical order of the array axes."""


def to_canonical(scan: Scan) -> Scan:
    """The scan with ``d`` feet to head (+z), ``h`` front to back (+y), ``w`` patient right to left (+x).

    No voxel is interpolated: axes are swapped and flipped to the nearest anatomical direction, so an oblique scan stays
    oblique. Every voxel keeps its place in the patient.
    """
    turn = _turn(scan)
    voxels = np.ascontiguousarray(apply_orientation(scan.voxels, turn))
    return replace(scan, voxels=voxels, affine=scan.affine @ inv_ornt_aff(turn, scan.shape))


def from_canonical(voxels: NDArray[Any], like: Scan) -> NDArray[Any]:
    """Undo ``to_canonical``: voxels on the canonical grid, for instance a mask, put on the grid of ``like``.

    Args:
        voxels: ``(D', H', W')`` as ``to_canonical(like).voxels`` has it.
        like: The scan as it was read.

    Returns:
        The same values as ``(D, H, W)`` of ``like``.

    Raises:
        ValueError: If the voxels do not fit.
    """
    turn = _turn(like)
    back = np.empty_like(turn)
    back[turn[:, 0].astype(int)] = np.column_stack([np.arange(3), turn[:, 1]])
    turned = np.ascontiguousarray(apply_orientation(voxels, back))
    if turned.shape != like.shape:
        raise ValueError(f"voxels of shape {voxels.shape} do not fit the turned grid of {like.shape}")
    return turned


def _turn(scan: Scan) -> NDArray[np.float64]:
    """``(3, 2)``: for each array axis the canonical axis it becomes, and -1 if it is flipped."""
    return np.asarray(io_orientation(scan.affine[ZYX]), dtype=np.float64)
