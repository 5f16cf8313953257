from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_made import SHAPE
from hand_made import affine_of
from hand_made import chest
from hand_made import ellipsoid
from hand_made import with_noise

from groundglass.errors import InputError
from groundglass.scans.lungs import lung_mask
from groundglass.scans.scan import Scan


def head() -> Scan:
    """Skull, brain, and air in sinuses and mastoids, some of it mixed with thin bone."""
    hu = np.full(SHAPE, -1000.0)
    hu[ellipsoid((0, 0, 0), (95, 95, 80))] = 50
    hu[ellipsoid((0, 0, 0), (90, 90, 75))] = 900
    hu[ellipsoid((0, 0, 0), (84, 84, 69))] = 35
    for side in (-1, 1):
        hu[ellipsoid((-50, -45, side * 22), (18, 16, 14))] = -1000
        mastoid = ellipsoid((-40, 20, side * 52), (16, 14, 12))
        hu[mastoid] = np.random.default_rng(1).uniform(-900, 400, mastoid.sum())
    return Scan(with_noise(hu), affine_of(), "hu")


def abdomen() -> Scan:
    """Bowel full of gas and of stool, which is as light as lung."""
    hu = np.full(SHAPE, -1000.0)
    hu[ellipsoid((0, 0, 0), (1e6, 95, 130))] = 40
    for side in (-1, 1):
        hu[ellipsoid((0, -30, side * 60), (90, 25, 25))] = -1000
        hu[ellipsoid((0, 30, side * 70), (70, 12, 12))] = -500
    return Scan(with_noise(hu), affine_of(), "hu")


def uniform(value: float) -> Scan:
    return Scan(with_noise(np.full(SHAPE, value)), affine_of(), "hu")


@pytest.mark.parametrize(
    "scan",
    [head(), abdomen(), uniform(-1000), uniform(-850)],
    ids=["head", "abdomen", "air", "foam"],
)
def test_a_scan_without_lungs_is_refused(scan: Scan) -> None:
    named = Scan(scan.voxels, scan.affine, "hu", Path("scan.nii.gz"))
    with pytest.raises(InputError, match=r"^scan\.nii\.gz: no lungs are in view; give a chest CT$"):
        lung_mask(named)


def test_a_scan_without_air_may_have_lost_its_intercept() -> None:
    with pytest.raises(InputError, match=r"no lungs are in view \(nothing is below .* HU: was the rescale intercept"):
        lung_mask(uniform(0))
    body = chest()
    with pytest.raises(InputError, match="nothing is below 0 HU"):
        lung_mask(body.with_voxels(np.maximum(body.voxels + 1024, 0)))


def test_a_body_without_lungs_is_refused() -> None:
    with pytest.raises(InputError, match="no lungs are in view"):
        lung_mask(chest(lungs=False))


def test_water_in_a_bottle_is_refused() -> None:
    hu = np.where(ellipsoid((0, 0, 0), (1e6, 80, 80)), 0.0, -1000.0)
    with pytest.raises(InputError, match="no lungs are in view"):
        lung_mask(Scan(with_noise(hu), affine_of(), "hu"))


def test_grey_values_are_refused() -> None:
    with pytest.raises(InputError, match="not in Hounsfield units"):
        lung_mask(Scan(np.full((4, 32, 32), 80, np.uint8), np.eye(4), "display"))
