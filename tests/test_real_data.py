"""Checks on the public data itself; run with ``make test-real GROUNDGLASS_DATA=...``, skipped where it is absent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from groundglass.bench.scan_quality import p002
from groundglass.cli import main
from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.experiments.recipe import load_recipe
from groundglass.scans.dicom_seg_reader import read_dicom_seg
from groundglass.scans.nifti import write_nifti
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan
from groundglass.training.run import train

DATA = Path(os.environ.get("GROUNDGLASS_DATA", "nowhere"))

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not (DATA / "medseg100").is_dir(), reason="GROUNDGLASS_DATA does not hold medseg100"),
]


def test_medseg100_has_the_published_split(tmp_path: Path) -> None:
    folder = prepare(CovidSemiSeg(DATA / "medseg100"), tmp_path / "data", name="medseg100")
    assert folder.split.hash == "02548ba69f09"
    assert [len(part) for part in (folder.split.training, folder.split.validation, folder.split.test)] == [45, 5, 48]
    count = simulate_labels(folder, ["points"])
    lesions = count // 2
    assert count == 2 * lesions
    assert 340 <= lesions <= 350


@pytest.mark.timeout(900)
def test_a_few_epochs_beat_calling_every_pixel_lesion(tmp_path: Path) -> None:
    folder = prepare(CovidSemiSeg(DATA / "medseg100"), tmp_path / "data", name="medseg100")
    simulate_labels(folder, ["points"])
    config = load_recipe("cb-flip-rot", {"epochs": 8, "grid": {"size": [128, 128]}})
    metrics = train(config, folder.root, tmp_path / "run", quiet=True).result["metrics"]
    assert metrics["dice_global"] > 0.45


def test_p002_from_dicom_to_all_files(tmp_path: Path) -> None:
    folder = DATA / "covid-ct-md" / "P002"
    assert main(["predict", str(folder), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"lesions.nii.gz", "lungs.nii.gz", "lesions.dcm", "report.html", "report.json", "overlays"}
    mask = read_mask(tmp_path / "out" / "lesions.nii.gz")
    assert np.array_equal(read_dicom_seg(tmp_path / "out" / "lesions.dcm", like=mask).voxels, mask.voxels)
    write_nifti(read_scan(folder), tmp_path / "P002.nii.gz")
    assert main(["predict", str(tmp_path / "P002.nii.gz"), "-o", str(tmp_path / "again"), "--quiet"]) == 0
    assert np.array_equal(read_mask(tmp_path / "again" / "lesions.nii.gz").voxels, mask.voxels)


def test_the_shipped_model_tells_the_slices_of_p002_apart(tmp_path: Path) -> None:
    found = json.loads(p002(DATA / "covid-ct-md", tmp_path / "p002.json"))
    assert found["slice_auc"] >= 0.88
    assert found["peak_rss_gb"] < 2.5
