from __future__ import annotations

from itertools import permutations
from itertools import product

import numpy as np
import pytest

from groundglass.scans.orientation import from_canonical
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

SPACING = np.array([5.0, 0.7, 0.6])


def turned(order: tuple[int, ...], flips: tuple[int, ...]) -> Scan:
    """A scan whose axis ``i`` runs along LPS axis ``order[i]``, backwards where the flip is -1."""
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(order)] * SPACING * flips
    affine[:3, :3] += 0.05 * np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])  # slightly oblique
    affine[:3, 3] = [-100, 30, 12]
    return Scan(np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4), affine, "hu")


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product([1, -1], repeat=3)))
def test_all_48_orientations(order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    scan = turned(order, flips)
    canonical = to_canonical(scan)
    assert np.abs(canonical.affine[:3, :3]).argmax(axis=0).tolist() == [2, 1, 0]
    assert (canonical.affine[[2, 1, 0], [0, 1, 2]] > 0).all()
    indices = np.argwhere(np.ones(scan.shape))
    there = np.round(canonical.to_indices(scan.to_mm(indices))).astype(int)
    np.testing.assert_allclose(canonical.to_mm(there), scan.to_mm(indices), atol=1e-9)
    np.testing.assert_array_equal(canonical.voxels[tuple(there.T)], scan.voxels[tuple(indices.T)])
    np.testing.assert_array_equal(from_canonical(canonical.voxels, scan), scan.voxels)


def test_a_usual_scan_is_left_as_it_is() -> None:
    scan = turned((2, 1, 0), (1, 1, 1))
    np.testing.assert_array_equal(to_canonical(scan).voxels, scan.voxels)
    np.testing.assert_allclose(to_canonical(scan).affine, scan.affine)


def test_a_mask_of_another_grid_is_refused() -> None:
    scan = turned((0, 1, 2), (1, 1, 1))
    with pytest.raises(ValueError, match="do not fit"):
        from_canonical(np.zeros((2, 3, 4), np.uint8), scan)
