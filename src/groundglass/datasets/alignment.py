"""Whether a mask lies where its image lies."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from groundglass.errors import InputError
from groundglass.scans.scan import Scan

TOLERANCE = 0.1
"""How far, in voxels, any corner of a mask may lie from its image: headers are rounded, grids are not confused."""


def place_on(mask: Scan, image: Scan) -> Scan:
    """A mask on the very grid of its image; both in canonical orientation, so flips and axis orders no longer differ.

    Args:
        mask: ``(D, H, W)``.
        image: ``(D, H, W)``.

    Returns:
        The mask with the image's affine.

    Raises:
        InputError: If the sizes differ, or the mask lies elsewhere in the patient.
    """
    if mask.shape != image.shape:
        raise InputError(
            f"{mask.path}: its size {mask.shape} is not the size {image.shape} of its image {image.path}; "
            "redraw it on that image"
        )
    corners = np.array(list(product(*[(0, length - 1) for length in image.shape])))
    places = mask.to_mm(corners)
    if np.abs(image.to_indices(places) - corners).max() > TOLERANCE:
        away = np.linalg.norm(places - image.to_mm(corners), axis=1).max()
        raise InputError(
            f"{mask.path}: lies up to {away:.3g} mm from where its image {image.path} lies; "
            "export the mask on the grid of that image"
        )
    return replace(mask, affine=image.affine)
