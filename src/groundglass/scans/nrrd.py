"""NRRD and MetaImage volumes, as 3D Slicer and ITK write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError

SUFFIXES = (".nrrd", ".nhdr", ".mha", ".mhd")


def read_nrrd(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels ``(D, H, W)`` in the file's axis order, and their affine to LPS mm.

    Raises:
        InputError: If it is not a readable 3-D volume with one value a voxel.
    """
    import SimpleITK  # takes 0.4 s, so only when needed

    try:
        image: Any = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:  # the only one it raises, with a page of C++ context
        raise InputError(f"{path}: not a readable {path.suffix} volume; export or copy it again") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path}: not a 3-D volume with one value a voxel; export it without time points or colours")
    direction = np.reshape(image.GetDirection(), (3, 3))
    affine = np.eye(4)
    affine[:3, :3] = (direction * image.GetSpacing())[:, ::-1]  # ITK's index is (w, h, d); its space is LPS mm
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), affine
