"""The lung mask of a chest CT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.intensity import SURELY_HU
from groundglass.scans.lungs.aerated import find_aerated
from groundglass.scans.lungs.airways import find_airways
from groundglass.scans.lungs.body import find_body
from groundglass.scans.lungs.border import refine
from groundglass.scans.lungs.coarse import coarsen
from groundglass.scans.lungs.filling import fill_lungs
from groundglass.scans.lungs.network import lungs_by_network
from groundglass.scans.lungs.sides import split_sides
from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan


def lung_mask(scan: Scan, *, weights: Path | None = None) -> Scan:
    """Find both lungs in a chest CT, diseased lung included as far as possible; windpipe and main bronchi are left out.

    By density and shape: the patient is parted from table and air, lung from other air in the body, right from left,
    and what is too dense to be told from tissue is filled in where it lies among lung. A lung that holds no air at all
    is not found that way. With ``weights`` the network of the ``lungmask`` package does all of it.

    Args:
        scan: Chest CT in HU, ``(D, H, W)`` in any orientation; one slice is enough.
        weights: R231 weights file of the package ``lungmask``.

    Returns:
        A mask on the grid of ``scan``, uint8: 0 none, 1 the patient's right lung, 2 the left.

    Raises:
        InputError: If no lungs are in view, the scan is not in HU, or weights are given that cannot be used.

    Example:
        >>> lung_mask(read_scan("patient7.nii.gz")).intensity  # doctest: +SKIP
        'mask'
    """
    name = scan.path or "the scan"
    if scan.intensity != "hu":
        raise InputError(
            f"{name}: lungs are found by density, and this is not in Hounsfield units; give the CT itself, or a lung "
            "mask (--lungs)"
        )
    upright = to_canonical(scan)
    found = _lungs_by_density(upright) if weights is None else lungs_by_network(upright, weights)
    if not found.any():
        low = float(scan.voxels.min())
        why = f" (nothing is below {low:g} HU: was the rescale intercept lost?)" if low > SURELY_HU else ""
        raise InputError(f"{name}: no lungs are in view{why}; give a chest CT")
    return scan.with_voxels(from_canonical(found, scan), "mask")


def _lungs_by_density(scan: Scan) -> NDArray[np.uint8]:
    """The mask of a canonical scan, all 0 if no lungs are in view."""
    coarse = coarsen(scan)
    body = find_body(coarse)
    airways = find_airways(coarse, body)
    aerated = find_aerated(coarse, body, airways)
    if not aerated.any():
        return np.zeros(scan.shape, np.uint8)
    sides = split_sides(coarse, aerated, body)
    sides = fill_lungs(coarse, sides, body & ~airways)
    return refine(scan.voxels, coarse, sides, airways)
