"""Which values of somebody's masks are lesion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundglass.datasets.catalog.description import MaskValues
from groundglass.errors import InputError
from groundglass.scans import images
from groundglass.scans.drawn_mask import is_smeared
from groundglass.scans.drawn_mask import read_drawn_mask
from groundglass.scans.reader import read_mask
from groundglass.scans.scan import Scan

FEW_GREYS = 3
DARK = 32
"""An image with few greys, or none brighter than this, holds classes; edges that were smoothed have many greys."""


def check_lesion_labels(lesion_labels: Sequence[int] | None) -> None:
    """Whether these can be values of lesions.

    Raises:
        InputError: If not.
    """
    if lesion_labels is not None and not (lesion_labels and all(0 < value <= 255 for value in lesion_labels)):
        raise InputError(f"lesion_labels {list(lesion_labels)}: give the values of lesions in the masks, from 1 to 255")


def read_lesions(path: Path, lesion_labels: Sequence[int] | None = None) -> Scan:
    """The lesions of a mask, 0 or 1: all that is not 0 if that is one value, or a smooth edge of an image.

    Args:
        path: File, or folder of images.
        lesion_labels: Values that are lesion, where there are others.

    Raises:
        InputError: If it cannot be read, or has several values and nobody says which are lesion.
    """
    if is_smeared(path):
        if lesion_labels is not None:
            raise InputError(f"{path}: JPEG does not keep values, so lesion_labels cannot be found; save it as PNG")
        return read_drawn_mask(path)
    if lesion_labels is not None:
        return MaskValues(lesion=frozenset(lesion_labels)).read(path)
    mask = read_mask(path, classes=True)
    values = [value for value in np.unique(mask.voxels).tolist() if value]
    if len(values) > 1 and not (_is_image(path) and len(values) > FEW_GREYS and values[-1] > DARK):
        raise InputError(
            f"{path}: holds the values {', '.join(map(str, values))}, and not all need be lesion; say which are, for "
            f"instance --options '{{\"lesion_labels\": [{values[0]}]}}', or save it with one value"
        )
    return mask.with_voxels((mask.voxels > 0).astype(np.uint8))


def _is_image(path: Path) -> bool:
    return path.is_dir() or path.name.lower().endswith(images.SUFFIXES)
