"""From a file to lesions and lungs on its grid, with a network that calls bright what is bright."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.prediction.segmenter import Segmenter
from groundglass.prediction.segmenter import predict
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan

SHAPE = (24, 96, 96)


class Bright(torch.nn.Module):
    """Logits that are positive above a grey value."""

    def __init__(self, middle: float = 0.4) -> None:
        super().__init__()
        self.middle = middle
        self.seen: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images)
        return 30 * (images - self.middle)


@pytest.fixture(scope="module")
def checkpoint(small_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    method = build_method(small_config(grid={"size": [96, 96], "crop": "lungs", "outside": "black"}))
    path = tmp_path_factory.mktemp("run") / "some-run.ckpt"
    torch.save({"state_dict": method.state_dict(), "hyper_parameters": dict(method.hparams)}, path)
    return path


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return generate_phantom(3, shape=SHAPE, burden=0.2)


@pytest.fixture
def segmenter(checkpoint: Path) -> Segmenter:
    made = Segmenter(checkpoint)
    made.predictor.method.network = Bright()
    return made


def saved(phantom: Phantom, folder: Path) -> Path:
    path = folder / "chest.nii.gz"
    write_nifti(phantom.scan, path)
    return path


@pytest.mark.parametrize(
    ("options", "words"),
    [({"orientations": 3}, "1, 2 or 8"), ({"threshold": 7.0}, "from 0 to 1"), ({"device": "tpu"}, "choose auto, cpu")],
)
def test_options_out_of_range_are_refused(checkpoint: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Segmenter(checkpoint, **options)


def test_lesions_lie_in_the_lungs_on_the_files_grid(segmenter: Segmenter, phantom: Phantom, tmp_path: Path) -> None:
    found = segmenter.predict(saved(phantom, tmp_path), probabilities=True)
    assert found.lungs is not None
    assert found.probabilities is not None
    for mask in (found.lesions, found.lungs, found.probabilities):
        assert mask.shape == phantom.scan.shape
        assert np.allclose(mask.affine, found.scan.affine)
    assert not found.lesions.voxels[found.lungs.voxels == 0].any()
    assert found.probabilities.voxels[found.lungs.voxels == 0].max() == 0
    assert np.array_equal(found.lesions.voxels, found.probabilities.voxels > found.threshold)
    inside = (phantom.lesion_mask > 0) & (found.lungs.voxels > 0)
    assert found.lesions.voxels[inside].mean() > 0.5
    assert found.burden_percent == pytest.approx(100 * found.lesions.voxels.sum() / (found.lungs.voxels > 0).sum())
    assert found.model == "some-run"
    assert set(found.seconds) == {"reading", "lungs", "network"}


def test_the_network_sees_the_lungs_alone(segmenter: Segmenter, phantom: Phantom, tmp_path: Path) -> None:
    network: Any = segmenter.predictor.method.network
    segmenter.predict(saved(phantom, tmp_path))
    seen = torch.cat(network.seen)
    assert float((seen > 0.95).float().mean()) < 0.02  # no ribs, no spine
    assert float(seen[:, :, :2].mean()) < 0.05  # the box has a margin, black like all outside


def test_turned_files_get_the_same_lesions(segmenter: Segmenter, phantom: Phantom, tmp_path: Path) -> None:
    straight = segmenter.predict(saved(phantom, tmp_path))
    affine = phantom.scan.affine.copy()
    affine[:3, 3] = phantom.scan.to_mm(np.array([[SHAPE[0] - 1, 0, SHAPE[2] - 1]]))[0]
    affine[:3, [0, 2]] *= -1
    turned = Scan(np.swapaxes(phantom.scan.voxels[::-1, :, ::-1], 0, 2), affine[:, [2, 1, 0, 3]], "hu")
    write_nifti(turned, tmp_path / "turned.nii.gz")
    again = segmenter.predict(tmp_path / "turned.nii.gz")
    assert np.array_equal(np.swapaxes(again.lesions.voxels, 0, 2)[::-1, :, ::-1], straight.lesions.voxels)
    assert again.lungs is not None
    assert straight.lungs is not None
    assert np.array_equal(np.swapaxes(again.lungs.voxels, 0, 2)[::-1, :, ::-1], straight.lungs.voxels)


def test_a_threshold_can_be_given(checkpoint: Path, phantom: Phantom, tmp_path: Path) -> None:
    path = saved(phantom, tmp_path)
    counts = []
    for threshold in (0.2, 0.8):
        segmenter = Segmenter(checkpoint, threshold=threshold)
        segmenter.predictor.method.network = Bright()
        counts.append(int(segmenter.predict(path).lesions.voxels.sum()))
    assert counts[0] > counts[1] > 0


def test_8_bit_slices_are_refused_unless_they_are_said_to_be(segmenter: Segmenter, tmp_path: Path) -> None:
    path = tmp_path / "slice.png"
    pixels = np.full((64, 64), 40, np.uint8)
    pixels[20:30, 20:30] = 200
    Image.fromarray(pixels).save(path)
    with pytest.raises(InputError, match="8-bit grey values, not Hounsfield units"):
        segmenter.predict(path)
    found = segmenter.predict(path, intensity="display")
    assert found.lungs is None
    assert found.burden_percent is None
    assert np.array_equal(found.lesions.voxels[0] > 0, pixels > 100)


def test_a_scan_without_lungs_is_refused(segmenter: Segmenter, tmp_path: Path) -> None:
    voxels = np.full(SHAPE, -1000, np.int16)
    voxels[:, 20:76, 20:76] = 30
    write_nifti(Scan(voxels, np.diag([2.0, 3.0, 3.0, 1.0]), "hu"), tmp_path / "block.nii.gz")
    with pytest.raises(InputError, match="lungs"):
        segmenter.predict(tmp_path / "block.nii.gz")


def test_one_call_predicts_one_scan(checkpoint: Path, phantom: Phantom, tmp_path: Path) -> None:
    path = saved(phantom, tmp_path)
    assert predict(path, checkpoint, threshold=1.0).lesions.voxels.sum() == 0
    assert predict(path, checkpoint).threshold == 0.5
    with pytest.raises(InputError, match="there is no checkpoint"):
        predict(path, tmp_path / "none")
    with pytest.raises(InputError, match="there is no such file"):
        predict(tmp_path / "none.nii.gz", checkpoint)


def test_a_single_slice_in_hounsfield_units_is_refused(segmenter: Segmenter, phantom: Phantom, tmp_path: Path) -> None:
    path = tmp_path / "slice.nii.gz"
    write_nifti(phantom.scan.slab(12, 13), path)
    with pytest.raises(InputError, match=r"slice\.nii\.gz: a single slice"):
        segmenter.predict(path)
