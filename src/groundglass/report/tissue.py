"""What kind of lung tissue a Hounsfield value stands for, by windows from the literature."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WELL_AERATED_HU = (-950, -700)
"""Well-aerated lung, whatever the lesion mask says: Colombi et al., "Well-aerated lung on admitting chest CT to predict
adverse outcome in COVID-19 pneumonia", Radiology 2020, doi:10.1148/radiol.2020201433."""

GROUND_GLASS_HU = (-750, -300)
"""Ground-glass part of a lesion. That -300 HU parts it from consolidation was the best of eight thresholds in
"Quantitative CT for detecting COVID-19 pneumonia in suspected cases", BMC Infectious Diseases 2021,
doi:10.1186/s12879-021-06556-z; below -750 HU lies healthy lung."""

CONSOLIDATION_HU = (-300, 50)
"""Consolidated part of a lesion; above 50 HU lie bone, calcium and contrast medium."""

EDGES_HU = tuple(sorted({*WELL_AERATED_HU, *GROUND_GLASS_HU, *CONSOLIDATION_HU}))
"""Where one band of Hounsfield units ends and the next begins; each band holds its lower end, not its upper."""

BANDS = len(EDGES_HU) + 1
"""Number of bands, the open one at either end included."""


def band_of(hu: NDArray[Any]) -> NDArray[np.uint8]:
    """The band of each value, 0 below the first edge to ``BANDS - 1``; same shape as ``hu``.

    Example:
        >>> band_of(np.array([-1000, -950, -300, 50])).tolist()
        [0, 1, 4, 5]
    """
    band = np.zeros(hu.shape, np.uint8)
    for edge in EDGES_HU:
        band += hu >= edge
    return band


def bands_between(window: tuple[int, int]) -> slice:
    """The bands that make up a window whose ends are edges.

    Example:
        >>> bands_between(CONSOLIDATION_HU)
        slice(4, 5, None)
    """
    low, high = (EDGES_HU.index(end) + 1 for end in window)
    return slice(low, high)
