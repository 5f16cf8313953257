"""NRRD and MetaImage volumes, as 3D Slicer and ITK write them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.readable import MAX_BYTES

SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")


def read_nrrd(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels ``(D, H, W)`` in the file's axis order, and their affine to LPS mm.

    Raises:
        InputError: If it is not a readable 3-D volume with one value a voxel.
    """
    import SimpleITK  # takes 0.4 s, so only when needed

    try:
        reader: Any = SimpleITK.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        _check_size(reader, path)
        image = reader.Execute()
    except RuntimeError as error:  # the only one it raises, with a page of C++ context
        raise InputError(f"{path}: not a readable {path.suffix} volume; export or copy it again") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path}: not a 3-D volume with one value a voxel; export it without time points or colors")
    direction = np.reshape(image.GetDirection(), (3, 3))
    affine = np.eye(4)
    affine[:3, :3] = (direction * image.GetSpacing())[:, ::-1]  # ITK's index is (w, h, d); its space is LPS mm
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), affine


def _check_size(reader: Any, path: Path) -> None:
    """Refuse what a header claims beyond any chest CT before memory is taken for it."""
    claimed = math.prod(reader.GetSize()) * reader.GetNumberOfComponents()
    if claimed > MAX_BYTES:
        raise InputError(f"{path}: its header claims {claimed} voxels, more than any chest CT; export the volume again")
