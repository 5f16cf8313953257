from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor
from torch import nn

from groundglass.datasets.grid import Grid
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.methods import METHODS
from groundglass.methods.settings import TrainingSettings
from groundglass.prediction.build import build_predictor
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.smoothing import across_slices
from groundglass.scans.scan import Scan


class Gray(nn.Module):
    """Its logit follows the gray of each pixel, so that noise in the image is noise in the probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(4.0))

    def forward(self, image: Tensor) -> Tensor:
        return self.gain * (image - 0.5)


def predictor(**options: Any) -> Predictor:
    method: Any = METHODS.build("points", {}, network=Gray(), settings=TrainingSettings())
    return Predictor(method.eval(), options.pop("grid", Grid(size=(32, 32))), **options)


@pytest.fixture
def scan() -> Scan:
    rng = np.random.default_rng(1)
    return Scan(rng.integers(-1000, 100, (9, 32, 32), dtype=np.int16), np.diag([5.0, 1.0, 1.0, 1.0]), "hu")


def whole(one: Predictor, scan: Scan) -> np.ndarray[Any, Any]:
    return np.concatenate([slab for _, slab in one.slabs(scan)])


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("sizes", [(9,), (4, 4, 1), (1,) * 9])
def test_a_gaussian_of_the_pixels_that_count(sigma: float, sizes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values, counts = torch.rand(9, 1, 5, 6), torch.rand(9, 1, 5, 6) > 0.3
    slabs = zip(values.split(sizes), counts.split(sizes), strict=True)
    smooth = torch.cat(list(across_slices(slabs, sigma))).numpy()
    options: dict[str, Any] = {"axis": 0, "mode": "constant", "truncate": 6}
    inside = counts.numpy().astype(np.float64)
    total = gaussian_filter1d(values.numpy() * inside, sigma, **options)
    expected = total / np.maximum(gaussian_filter1d(inside, sigma, **options), 1e-9)
    assert np.allclose(smooth[inside > 0], expected[inside > 0], atol=0.02)


def test_nothing_gives_nothing() -> None:
    assert list(across_slices([], 1.0)) == []


@pytest.mark.parametrize("batch_size", [1, 2, 9])
def test_the_width_is_in_mm_and_batches_do_not_matter(scan: Scan, batch_size: int) -> None:
    plain = whole(predictor(), scan)
    smooth = whole(predictor(smooth_mm=5.0, batch_size=batch_size), scan)
    expected = gaussian_filter1d(plain, 1.0, axis=0, truncate=3.0)
    assert np.allclose(smooth[3:6], expected[3:6], atol=2e-3)  # away from the ends of the scan
    assert float(np.abs(np.diff(smooth, axis=0)).mean()) < float(np.abs(np.diff(plain, axis=0)).mean()) / 2
    thin = replace(scan, affine=np.diag([100.0, 1.0, 1.0, 1.0]))
    assert np.allclose(whole(predictor(smooth_mm=5.0), thin), plain, atol=1e-3)


def test_what_lies_outside_the_lungs_has_no_say(scan: Scan) -> None:
    grid = Grid(size=(32, 32), outside="black")
    inside = np.zeros(scan.shape, np.uint8)
    inside[2:6] = 1
    lungs = scan.with_voxels(inside, "mask")
    found = np.concatenate([slab for _, slab in predictor(smooth_mm=5.0, grid=grid).slabs(scan, lungs)])
    alone = scan.slab(2, 6)
    expected = whole(predictor(smooth_mm=5.0), alone)
    assert np.allclose(found[2:6], expected, atol=2e-3)
    assert not found[:2].any()


def test_slices_whose_spacing_is_not_known_are_left_alone(scan: Scan) -> None:
    shown = Scan(((scan.voxels + 1000) // 5).astype(np.uint8), np.eye(4), "display")
    assert np.array_equal(whole(predictor(smooth_mm=5.0), shown), whole(predictor(), shown))


def test_a_recipe_says_how_much() -> None:
    config = Config(method="points", smooth_mm=4.0)
    assert build_predictor(predictor().method, config).smooth_mm == 4.0
    assert build_predictor(predictor().method, config, smooth_mm=0.0).smooth_mm == 0.0
    with pytest.raises(InputError, match="smooth_mm"):
        Config(smooth_mm=-1.0)
    with pytest.raises(InputError, match="none for whole volumes"):
        Config(smooth_mm=1.0, grid=Grid(size=(32, 32), depth=8))
