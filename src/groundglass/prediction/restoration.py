"""What a method that heals scans, as GASNet, makes of one on the way to its mask (paper 003, Fig. 8)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.volumes import known_lungs
from groundglass.datasets.volumes import lung_box
from groundglass.datasets.volumes import volume_image
from groundglass.datasets.volumes import volume_mask
from groundglass.prediction.predictor import Predictor
from groundglass.scans.scan import Scan

Volume = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Restoration:
    """Volumes ``(D, H, W)`` float32 in [0, 1], as the network sees them: the box around the lungs.

    Args:
        image: The scan, ``I_d``.
        mask: Lesion probabilities.
        generated: The generator's healthy volume, ``I_g``.
        synthetic: The scan with the generated tissue where the mask is, ``I_s``.
        aspect: Height of a row by width of a column, in mm, of this box.
    """

    image: Volume
    mask: Volume
    generated: Volume
    synthetic: Volume
    aspect: float = 1.0


def restoration(predictor: Predictor, scan: Scan, lungs: Scan | None = None) -> Restoration | None:
    """The volumes of a scan in canonical orientation; ``None`` if the method heals none.

    Args:
        predictor: Of any method.
        scan: ``(D, H, W)``.
        lungs: Its lung mask; without one it is found in a scan in HU.

    Raises:
        InputError: If the lung mask is empty, or no lungs are found.
    """
    method, grid = predictor.method, predictor.grid
    restore = method.restorer()
    if restore is None:
        return None
    lungs = known_lungs(scan, lungs)
    box = lung_box(scan, lungs)
    image = volume_image(scan, box, grid, lungs).unsqueeze(0)
    inside = torch.ones_like(image, dtype=torch.bool)
    if lungs is not None:
        inside = volume_mask(lungs.voxels.astype(np.uint8), box, grid).unsqueeze(0) > 0
    method.eval()
    with torch.inference_mode():
        found = restore(image.to(method.device), inside.to(method.device))
    height, width = (
        step * (part.stop - part.start) / size
        for step, part, size in zip(scan.spacing[1:], box[1:], grid.size, strict=True)
    )
    return Restoration(_array(image), **{name: _array(value) for name, value in found.items()}, aspect=height / width)


def _array(volume: Tensor) -> Volume:
    return np.asarray(volume[0, 0].float().cpu().numpy())
