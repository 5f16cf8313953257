from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch import nn

from groundglass.datasets.grid import Grid
from groundglass.datasets.preprocessing import restore
from groundglass.datasets.preprocessing import slice_images
from groundglass.errors import InputError
from groundglass.methods import METHODS
from groundglass.methods.method import Method
from groundglass.methods.settings import TrainingSettings
from groundglass.prediction.predictor import Predictor
from groundglass.scans.scan import Scan

GRID = Grid(size=(32, 32))


def method_of(network: nn.Module) -> Method:
    method: Method = METHODS.build("points", {}, network=network, settings=TrainingSettings())
    return method


class Brightness(nn.Module):
    """Lesion is what is brighter than the middle of the window."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(20.0))

    def forward(self, image: Tensor) -> Tensor:
        return self.gain * (image - 0.5)


@pytest.fixture
def scan() -> Scan:
    rng = np.random.default_rng(0)
    return Scan(rng.integers(-1250, 250, (7, 48, 60), dtype=np.int16), np.diag([5.0, 0.7, 0.8, 1.0]), "hu")


@pytest.fixture
def method(small_network: nn.Module) -> Method:
    return method_of(small_network).eval()


def whole(predictor: Predictor, scan: Scan) -> NDArray[np.float32]:
    slabs = list(predictor.slabs(scan))
    indices = np.concatenate([np.arange(len(scan.voxels))[part] for part, _ in slabs])
    assert indices.tolist() == list(range(len(scan.voxels)))
    return np.concatenate([probabilities for _, probabilities in slabs])


def test_probabilities_are_the_methods_on_the_scans_own_shape(method: Method, scan: Scan) -> None:
    with torch.no_grad():
        expected = restore(method.probabilities(slice_images(scan, GRID)), GRID, scan.shape).numpy()
    probabilities = whole(Predictor(method, GRID), scan)
    assert probabilities.shape == scan.shape
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities, expected, atol=1e-6)
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1


@pytest.mark.parametrize("batch_size", [1, 3, 7, 50])
def test_the_batch_size_does_not_change_the_result(method: Method, scan: Scan, batch_size: int) -> None:
    assert np.allclose(
        whole(Predictor(method, GRID, batch_size=batch_size), scan), whole(Predictor(method, GRID), scan), atol=1e-5
    )


def test_a_few_slices_are_worked_on_at_a_time(method: Method, scan: Scan, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    probabilities = method.probabilities

    def count(image: Tensor) -> Tensor:
        seen.append(len(image))
        return probabilities(image)

    monkeypatch.setattr(method, "probabilities", count)
    slabs = Predictor(method, GRID, batch_size=3).slabs(scan)
    assert isinstance(slabs, Iterator)
    part, first = next(slabs)
    assert (part, first.shape, seen) == (slice(0, 3), (3, 48, 60), [3])
    assert [one.shape[0] for _, one in slabs] == [3, 1]
    assert seen == [3, 3, 1]


def test_two_orientations_average_the_image_and_its_mirror_image(method: Method, scan: Scan) -> None:
    images = slice_images(scan, GRID)
    with torch.no_grad():
        mean = (method.probabilities(images) + method.probabilities(images.flip(-1)).flip(-1)) / 2
    expected = restore(mean, GRID, scan.shape).numpy()
    assert np.allclose(whole(Predictor(method, GRID, orientations=2), scan), expected, atol=1e-5)


def test_eight_orientations_average_all_flips_and_turns(method: Method, scan: Scan) -> None:
    images = slice_images(scan, GRID)
    turned = []
    with torch.no_grad():
        for turns in range(4):
            one = torch.rot90(images, turns, (2, 3))
            turned.append(torch.rot90(method.probabilities(one), -turns, (2, 3)))
            turned.append(torch.rot90(method.probabilities(one.flip(-1)).flip(-1), -turns, (2, 3)))
    expected = restore(torch.stack(turned).mean(0), GRID, scan.shape).numpy()
    found = whole(Predictor(method, GRID, orientations=8), scan)
    assert np.allclose(found, expected, atol=1e-5)
    assert not np.allclose(found, whole(Predictor(method, GRID), scan), atol=1e-5)


def test_eight_orientations_need_a_square_grid(method: Method, scan: Scan) -> None:
    with pytest.raises(InputError, match="cannot be rotated"):
        whole(Predictor(method, Grid(size=(32, 40)), orientations=8), scan)


def test_a_mask_lies_on_the_scans_own_grid() -> None:
    rows, columns = np.mgrid[:90, :70]
    blob = np.hypot(rows - 30, columns - 40) < 14
    affine = np.array([[0.1, 0, 0.8, -20], [0, 0.7, 0.05, -30], [5, 0, 0.1, -100], [0, 0, 0, 1]])
    scan = Scan(np.where(blob, 100, -1100).astype(np.int16)[None].repeat(3, 0), affine, "hu")
    mask = Predictor(method_of(Brightness()), Grid(size=(64, 64))).mask(scan)
    assert mask.intensity == "mask"
    assert mask.voxels.dtype == np.uint8
    assert mask.shape == scan.shape
    assert np.array_equal(mask.affine, affine)
    assert set(np.unique(mask.voxels)) == {0, 1}
    assert 2 * (mask.voxels[1] * blob).sum() / (mask.voxels[1].sum() + blob.sum()) > 0.97


def test_beside_the_crop_nothing_is_lesion() -> None:
    scan = Scan(np.full((2, 64, 64), 250, np.int16), np.eye(4), "hu")
    mask = Predictor(method_of(Brightness()), Grid(size=(32, 32), crop=(40, 20))).mask(scan)
    assert mask.voxels[:, 12:52, 22:42].all()
    assert mask.voxels.sum() == 2 * 40 * 20


def test_outside_the_lungs_nothing_is_lesion_if_the_recipe_uses_them() -> None:
    scan = Scan(np.full((2, 64, 64), 250, np.int16), np.eye(4), "hu")
    lungs = np.zeros((2, 64, 64), np.uint8)
    lungs[:, 10:30, 10:30] = lungs[:, 10:30, 40:60] = 1
    for grid, uses in ((Grid(size=(32, 32), crop="lungs"), True), (Grid(size=(32, 32)), False)):
        mask = Predictor(method_of(Brightness()), grid).mask(scan, lungs=scan.with_voxels(lungs, "mask"))
        assert np.array_equal(mask.voxels, lungs if uses else np.ones_like(lungs))


def test_the_threshold_is_the_methods_own_unless_said(scan: Scan) -> None:
    method = method_of(Brightness())
    predictor = Predictor(method, GRID)
    probabilities = whole(predictor, scan)
    assert np.array_equal(predictor.mask(scan).voxels, probabilities > 0.5)
    method.threshold.fill_(0.25)
    assert np.array_equal(predictor.mask(scan).voxels, probabilities > 0.25)
    assert np.array_equal(predictor.mask(scan, 0.75).voxels, probabilities > 0.75)


@pytest.mark.parametrize("training", [True, False])
def test_the_method_is_evaluated_and_left_as_it_was(method: Method, scan: Scan, training: bool) -> None:
    method.eval()
    before = {key: value.clone() for key, value in method.state_dict().items()}
    expected = whole(Predictor(method, GRID), scan)
    method.train(training)
    assert np.array_equal(whole(Predictor(method, GRID), scan), expected)
    assert method.training is training
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())
