"""Densities, textures and places: what makes the phantom a useful stand-in for CT."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom

SHAPE = (24, 112, 112)
SEEDS = range(8)


@cache
def phantom(seed: int, diseased: bool = True) -> Phantom:
    return generate_phantom(seed, shape=SHAPE, diseased=diseased)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * np.count_nonzero(a & b) / max(1, np.count_nonzero(a) + np.count_nonzero(b))


@pytest.mark.parametrize("seed", range(3))
def test_healthy_densities(seed: int):
    made = phantom(seed, False)
    hu, lung = made.scan.voxels, made.lungs > 0
    assert hu.min() >= -1024
    assert np.median(hu[:, 2, :]) == pytest.approx(-1000, abs=25), "air in front of the body"
    assert -900 < np.median(hu[lung]) < -760
    body = ndimage.binary_opening(hu > -300, iterations=2)
    assert np.mean((hu[body] > -140) & (hu[body] < -60)) > 0.05, "fat"
    assert np.mean((hu[body] > 20) & (hu[body] < 90)) > 0.25, "muscle and organs"
    assert 0.01 < np.mean(hu[body] > 300) < 0.15, "bone"
    heart = np.rint(made.scan.to_indices(np.array([[15.0, -25, -40]]))[0]).astype(int)
    assert 20 < np.median(hu[tuple(slice(i - 1, i + 2) for i in heart)]) < 260
    windpipe = hu[np.abs(made.scan.affine[2, 3] + made.scan.spacing[0] * np.arange(SHAPE[0]) - 80) < 15]
    assert windpipe[:, 40:66, 48:64].min() < -900


def test_lesion_densities():
    glass, solid = (
        [np.median(p.scan.voxels[p.lesions == kind]) for p in map(phantom, SEEDS) if (p.lesions == kind).any()]
        for kind in (1, 2)
    )
    assert all(-750 < hu < -300 for hu in glass)
    assert np.ptp(glass) > 60, "ground-glass is not equally dense in everybody"
    assert solid
    assert all(-100 < hu < 60 for hu in solid)


def test_vessels_cross_healthy_lung_and_ground_glass():
    for seed in range(3):
        well, sick = phantom(seed, False), phantom(seed)
        inner = ndimage.binary_erosion(well.lungs > 0, iterations=3)
        vessels = inner & (well.scan.voxels > -500)
        assert 0.01 < vessels.sum() / inner.sum() < 0.15
        glass = inner & (sick.lesions == 1)
        contrast = np.median(sick.scan.voxels[glass & vessels]) - np.median(sick.scan.voxels[glass & ~vessels])
        assert contrast > 60, "vessels show through ground-glass"


def test_healthy_lung_is_denser_behind():
    for seed in range(3):
        made = phantom(seed, False)
        inner = ndimage.binary_erosion(made.lungs > 0, iterations=2)
        y = made.scan.to_mm(np.argwhere(inner))[:, 1]
        hu = made.scan.voxels[inner]
        assert np.median(hu[y > 30]) - np.median(hu[y < -30]) > 12


def test_lesions_prefer_periphery_back_and_base():
    depth, back, low = [], [], []
    for made in map(phantom, SEEDS):
        lung = made.lungs > 0
        from_pleura = ndimage.distance_transform_edt(lung, made.scan.spacing)
        mm = {
            name: made.scan.to_mm(np.argwhere(mask)) for name, mask in (("lung", lung), ("ill", made.lesion_mask > 0))
        }
        depth.append(from_pleura[lung].mean() - from_pleura[made.lesion_mask > 0].mean())
        back.append(mm["ill"][:, 1].mean() - mm["lung"][:, 1].mean())
        low.append(mm["lung"][:, 2].mean() - mm["ill"][:, 2].mean())
    assert np.mean(depth) > 1.5
    assert np.mean(back) > 10
    assert np.mean(low) > 8


def test_lesions_vary_in_number_and_extent():
    counts = [ndimage.label(p.lesion_mask)[1] for p in map(phantom, SEEDS)]
    burdens = [p.burden for p in map(phantom, SEEDS)]
    assert min(counts) < 10 < max(counts) < 80
    assert min(burdens) < 0.08 < 0.2 < max(burdens)


def test_a_threshold_does_not_solve_the_task():
    thresholds = np.arange(-850, -250, 50)
    scores = np.array([
        [dice((p.scan.voxels > t) & (p.lungs > 0), p.lesion_mask > 0) for t in thresholds] for p in map(phantom, SEEDS)
    ])  # fmt: skip
    assert scores.mean(axis=0).max() < 0.7


def test_noise_is_correlated_like_ct():
    for seed in range(3):
        air = phantom(seed).scan.voxels[:, :12, :].astype(float)
        clipped = air - ndimage.uniform_filter(air, (0, 7, 7))
        beside = np.corrcoef(clipped[..., :-1].ravel(), clipped[..., 1:].ravel())[0, 1]
        between_slices = np.corrcoef(clipped[:-1].ravel(), clipped[1:].ravel())[0, 1]
        assert beside > 0.08
        assert abs(between_slices) < 0.05
