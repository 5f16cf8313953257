"""The current model says of a slice what ``groundglass predict`` says of its scan, and is unsure as in experiments."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from groundglass.annotate.model import CurrentModel
from groundglass.annotate.open_scan import OpenScan
from groundglass.annotate.source import Source
from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import AtomicCheckpointIO
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.prediction.segmenter import predict
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical

SIZE = 64
RECIPE = {
    "method": "points",
    "network": "plain-unet",
    "network_options": {"channels": [4, 8], "dropout": 0.5},
    "grid": {"size": [48, 48], "crop": "lungs", "outside": "black"},
    "orientations": 8,
}


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    """One phantom as a dataset, without the lung mask it comes with."""
    root = tmp_path_factory.mktemp("chest") / "chest"
    return prepare(PhantomSet(count=3, shape=(20, SIZE, SIZE), seed=3), root, name="chest")


def run(folder: Path, **changes: object) -> Path:
    """A checkpoint of an untrained network."""
    config = Config.from_dict(RECIPE | changes)
    torch.manual_seed(0)
    method = build_method(config)
    torch.nn.init.normal_(method.network.head.weight, std=3.0)
    path = folder / "run.ckpt"
    content = {"state_dict": method.state_dict(), "hyper_parameters": {"config": config.to_dict()}}
    AtomicCheckpointIO().save_checkpoint(content, path)
    return path


def test_a_map_is_not_kept_for_an_image_that_took_the_others_place(chest: DatasetFolder, tmp_path: Path) -> None:
    scan = chest.scan(chest.split.training[0])
    path = tmp_path / "scans" / "one.nii.gz"
    model = CurrentModel()
    model.load(run(tmp_path, grid={"size": [48, 48]}))
    maps = []
    for voxels in (scan.voxels, np.full_like(scan.voxels, -1000)):
        write_nifti(type(scan)(voxels, scan.affine, "hu"), path)
        maps.append(model.probabilities("one", OpenScan(Source(path.parent).images["one"]), 10))
    assert not np.array_equal(*maps)


def test_it_says_what_predict_says(chest: DatasetFolder, tmp_path: Path) -> None:
    """On a scan that lies the other way round, cropped to the lungs, averaged over eight orientations."""
    scan = chest.scan(chest.split.training[0])
    voxels = np.ascontiguousarray(scan.voxels[::-1, :, ::-1])
    affine = scan.affine @ np.array([[-1, 0, 0, 19], [0, 1, 0, 0], [0, 0, -1, SIZE - 1], [0, 0, 0, 1]], float)
    path = tmp_path / "scans" / "turned.nii.gz"
    write_nifti(type(scan)(voxels, affine, "hu"), path)
    checkpoint = run(tmp_path)
    expected = predict(path, checkpoint, probabilities=True).probabilities
    assert expected is not None
    upright = to_canonical(expected).voxels
    opened = OpenScan(Source(path.parent).images["turned"])
    model = CurrentModel()
    model.load(checkpoint)
    found = np.stack([model.probabilities("turned", opened, index) for index in range(20)])
    np.testing.assert_allclose(found, upright, atol=1e-5)
    assert found.max() > 0.1
    assert opened.lungs() is not None
    assert not found[opened.lungs().voxels == 0].any(), "nothing outside the lungs"  # type: ignore[union-attr]


def test_a_dataset_brings_its_own_lungs(chest: DatasetFolder) -> None:
    source = Source(chest.root)
    case = chest.split.training[0]
    assert case.lungs is not None
    found = OpenScan(source.images[case.case]).lungs()
    assert found is not None
    assert np.array_equal(found.voxels, chest.lungs(case).voxels)  # type: ignore[union-attr]
    path = chest.root / case.lungs
    content = path.read_bytes()
    write_nifti(found.slab(0, 5), path)
    with pytest.raises(InputError, match=r"its size \(5, 64, 64\) is not the image's \(20, 64, 64\)"):
        OpenScan(source.images[case.case]).lungs()
    path.write_bytes(content)


def test_uncertainty_is_the_entropy_of_draws_with_dropout(chest: DatasetFolder, tmp_path: Path) -> None:
    case = chest.split.training[0].case
    opened = OpenScan(Source(chest.root).images[case])
    model = CurrentModel(draws=64)
    model.load(run(tmp_path, orientations=1))
    lungs = opened.lungs()
    assert lungs is not None
    torch.manual_seed(0)
    bits = model.uncertainty(case, opened, 10)
    assert bits.shape == (SIZE, SIZE)
    assert bits.min() >= 0
    assert 0.1 < bits.max() <= 1 + 1e-6
    assert not bits[lungs.voxels[10] == 0].any()
    assert model.uncertainty(case, opened, 10) is bits, "kept"
    again = model.uncertainties(case, opened, [9, 10])[1]
    assert 0 < np.abs(again - bits).mean() < 0.1, "other draws"
    model.load(run(tmp_path, orientations=1, network_options={"channels": [4, 8]}))
    still = model.uncertainty(case, opened, 10)
    assert np.array_equal(model.uncertainties(case, opened, [10])[0], still), "no dropout: nothing to draw"
    p = model.probabilities(case, opened, 10)
    inside = (p > 0.05) & (p < 0.95)
    expected = -(p * np.log2(p.clip(1e-9)) + (1 - p) * np.log2((1 - p).clip(1e-9)))
    assert np.abs(still - expected)[inside].mean() < 0.1, "the same but for the resizing"
    assert math.isclose(float(still[inside].mean()), float(expected[inside].mean()), rel_tol=0.2)


def test_a_scan_without_lungs_is_looked_at_whole(dataset: Path, tmp_path: Path) -> None:
    opened = OpenScan(Source(dataset).images["case0"])
    assert opened.lungs() is None
    model = CurrentModel()
    with pytest.raises(InputError, match="no model yet"):
        model.uncertainty("case0", opened, 0)
    model.load(run(tmp_path))
    assert model.probabilities("case0", opened, 0).min() > 0
    with pytest.raises(InputError, match="no slice 2; it has 2"):
        model.uncertainty("case0", opened, 2)


def test_a_model_of_whole_scans_is_refused(tmp_path: Path, volume_config: Callable[..., Config]) -> None:
    config = volume_config(method="full", method_options={"loss": "focal"})
    path = tmp_path / "volumes.ckpt"
    content = {"state_dict": build_method(config).state_dict(), "hyper_parameters": {"config": config.to_dict()}}
    AtomicCheckpointIO().save_checkpoint(content, path)
    model = CurrentModel()
    with pytest.raises(InputError, match="sees whole scans"):
        model.load(path)
    assert model.run is None
