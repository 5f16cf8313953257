"""The threshold of a trained method: from masks, from tags, or 0.5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.grid import Grid
from groundglass.experiments.config import Config
from groundglass.labels.rasterize import slice_tags
from groundglass.methods.smoothed_intensity import SmoothedIntensity
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.tag_threshold import FALSE_ALARMS
from groundglass.prediction.tag_threshold import threshold_from_tags
from groundglass.prediction.validation import validation_pairs
from groundglass.training.run import train
from groundglass.training.threshold import trained_threshold

MakeConfig = Callable[..., Config]
GRID = Grid(size=(40, 40))


@pytest.fixture
def brightness() -> Predictor:
    return Predictor(SmoothedIntensity(sigma=0.5), GRID)


def test_the_share_of_false_alarms_is_kept_in_the_lungs(volumes: DatasetFolder, brightness: Predictor) -> None:
    threshold = threshold_from_tags(brightness, volumes, volumes.split.training)
    # The scans are tagged as a whole: all slices of a healthy one have no lesion.
    healthy = [case for number, case in enumerate(volumes.split.training) if number % 2]
    heat = []
    for case in healthy:
        lungs = volumes.lungs(case)
        assert lungs is not None
        parts = np.concatenate([part for _, part in brightness.slabs(volumes.scan(case), lungs)])
        heat.append(parts[lungs.voxels > 0])
    assert threshold is not None
    assert np.mean(np.concatenate(heat) >= threshold) == pytest.approx(FALSE_ALARMS, abs=0.001)


def test_without_lung_masks_it_is_kept_in_whole_slices(blobs: DatasetFolder, brightness: Predictor) -> None:
    tagged = blobs.labels(("slice_tag",))
    heat = []
    for case in blobs.split.training:
        scan = blobs.scan(case)
        tags = slice_tags(tagged[case.case], affine=scan.affine, depth=scan.shape[0])
        heat.append(np.concatenate([part for _, part in brightness.slabs(scan)])[tags == 0])
    threshold = threshold_from_tags(brightness, blobs, blobs.split.training)
    assert threshold is not None
    assert 0 < np.mean(np.concatenate(heat) >= threshold) <= FALSE_ALARMS + 1e-6


def test_without_slices_tagged_as_none_there_is_no_threshold(
    blobs_copy: DatasetFolder, brightness: Predictor, small_config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    blobs_copy.store.path.write_text("")
    assert threshold_from_tags(brightness, blobs_copy, blobs_copy.split.training) is None
    config = small_config(monitor="precision")
    method = SmoothedIntensity(sigma=0.5)
    assert trained_threshold(method, config, blobs_copy, []) == 0.5
    assert "the threshold stays at 0.5: in no slice tagged to have no lesion" in caplog.text


def test_a_run_from_tags_alone_has_a_threshold(volumes: DatasetFolder, caplog: pytest.LogCaptureFixture) -> None:
    unmasked = [replace(case, label=None) for case in volumes.split.validation]
    folder = DatasetFolder(volumes.root, "tagged", replace(volumes.split, validation=tuple(unmasked)))
    config = Config.from_dict(
        {
            "method": "cam",
            "network": "classifier",
            "network_options": {"encoder": "plain"},
            "grid": {"size": [40, 40]},
            "monitor": "precision",
        }
    )
    method = SmoothedIntensity(sigma=0.5)
    threshold = trained_threshold(method, config, folder, [])
    assert 0 < threshold < 0.5
    assert f"the threshold is set to {threshold:.3g}, above which lies 0.3 %" in caplog.text


def test_a_flat_map_is_said(
    blobs: DatasetFolder, small_config: MakeConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = train(small_config(epochs=1), blobs.root, tmp_path / "run", device="cpu", quiet=True)
    assert "masks are worth nothing" not in caplog.text
    with torch.no_grad():
        for parameter in run.method.network.parameters():
            parameter.zero_()
    trained_threshold(run.method, run.config, blobs, validation_pairs(blobs, run.config))
    assert "nothing is better than to call lesion all that the model looks at" in caplog.text
