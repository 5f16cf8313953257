from __future__ import annotations

import numpy as np
from hand_made import LEFT_LUNG
from hand_made import RIGHT_LUNG
from hand_made import SHAPE
from hand_made import chest
from hand_made import ellipsoid

from groundglass.scans.lungs.airways import find_airways
from groundglass.scans.lungs.body import find_body
from groundglass.scans.lungs.coarse import coarsen

WINDPIPE = ellipsoid((60, 0, 0), (70, 9, 9)) & ~RIGHT_LUNG & ~LEFT_LUNG


def test_windpipe_and_bronchus_are_followed_to_the_lung_and_not_into_it() -> None:
    bronchus = np.zeros(SHAPE, bool)
    bronchus[19:22, 34:38, 36:50] = True
    bronchus &= ~RIGHT_LUNG
    scan = chest((WINDPIPE | bronchus, -1000.0))
    coarse = coarsen(scan)
    assert coarse.factors == (1, 1, 1)
    airways = find_airways(coarse, find_body(coarse))
    assert airways[WINDPIPE].mean() > 0.95
    assert airways[bronchus].mean() > 0.8
    assert (airways & RIGHT_LUNG).sum() < 0.01 * RIGHT_LUNG.sum()


def test_a_chest_without_a_windpipe_in_view_has_no_airways() -> None:
    coarse = coarsen(chest())
    assert not find_airways(coarse, find_body(coarse)).any()
