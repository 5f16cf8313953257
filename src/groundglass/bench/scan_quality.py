"""How the shipped model does on whole scans: speed, a patient's slices, phantoms of known burden, healthy lungs."""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from groundglass.datasets.catalog.covid_semiseg import CovidSemiSeg
from groundglass.datasets.catalog.covidcell import CovidCell
from groundglass.files import write_text
from groundglass.metrics.overlap import OverlapMeter
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.segmenter import Segmenter
from groundglass.report.outputs import write_outputs
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan
from groundglass.training.machine import machine
from groundglass.training.machine import peak_memory_gb
from groundglass.training.machine import versions

PHANTOM_SEEDS = range(5000, 5010)
"""Seen by no training."""

SHAPE = (64, 256, 256)

THIN = 300
"""Slices of a thin-slice CT."""


def p002(root: Path, output: Path) -> str:
    """P002 of COVID-CT-MD from DICOM to all files: seconds, memory, and lesion area against its slice labels.

    Args:
        root: Folder with ``P002/`` and ``P002_slice_labels.csv``.
        output: The JSON file to write.

    Returns:
        Its content.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        prediction = Segmenter().predict(root / "P002")
        write_outputs(prediction, Path(folder))
        seconds = time.perf_counter() - started
    thin_seconds = _thin_seconds(prediction.scan)
    areas = np.count_nonzero(to_canonical(prediction.lesions).voxels, axis=(1, 2))[::-1]  # head to feet
    return _write(
        output,
        {
            "experiment": "p002",
            "slices": len(areas),
            "seconds": round(seconds, 2),
            "seconds_by_step": prediction.seconds,
            "seconds_300_slices": thin_seconds,
            "network_share": round(prediction.seconds["network"] / seconds, 3),
            "peak_rss_gb": peak_memory_gb(),
            "slice_auc": round(_auc(areas, _slice_labels(root / "P002_slice_labels.csv")), 4),
            "burden_percent": round(prediction.burden_percent or 0.0, 2),
            "command": f"groundglass bench p002 --root {root.name}",
        },
    )


def healthy(root: Path, output: Path) -> str:
    """What the model calls lesion in healthy lungs, how it measures phantoms, and its Dice on medseg100's test slices.

    Args:
        root: Folder with ``medseg100`` and ``covidcell``.
        output: The JSON file to write.

    Returns:
        Its content.
    """
    segmenter = Segmenter()
    normal = list(_normal_burdens(segmenter.predictor, segmenter.threshold, root / "covidcell"))
    phantoms = [_phantom_burden(segmenter, seed, diseased=True) for seed in PHANTOM_SEEDS]
    clean = [_phantom_burden(segmenter, seed, diseased=False)[1] for seed in PHANTOM_SEEDS]
    return _write(
        output,
        {
            "experiment": "healthy",
            "covidcell_normal_slices": len(normal),
            "covidcell_normal_burden_percent": round(mean(normal), 3),
            "phantom_burden_percent": round(mean(clean), 3),
            "phantom_burden_percent_each": [round(value, 3) for value in clean],
            "phantom_true_and_measured_percent": [[round(one, 2) for one in pair] for pair in phantoms],
            "phantoms_within_3_points": sum(abs(true - found) <= 3 for true, found in phantoms),
            "medseg100_dice_global": round(_medseg_dice(segmenter, root / "medseg100"), 4),
            "threshold": round(segmenter.threshold, 3),
            "command": f"groundglass bench healthy --root {root.name}",
        },
    )


def _thin_seconds(scan: Scan) -> float:
    """Seconds for the same chest in 300 thinner slices, from NIfTI to all files."""
    chosen = np.linspace(0, scan.shape[0] - 1, THIN).round().astype(int)
    affine = scan.affine.copy()
    affine[:, 0] *= scan.shape[0] / THIN
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thin.nii.gz"
        write_nifti(Scan(scan.voxels[chosen], affine, scan.intensity), path)
        started = time.perf_counter()
        write_outputs(Segmenter().predict(path), Path(folder) / "out")
        return round(time.perf_counter() - started, 2)


def _normal_burdens(predictor: Predictor, threshold: float, root: Path) -> Iterator[float]:
    """Percent of the lungs called lesion, of each normal test slice."""
    for source in CovidCell(root, parts=["test"]).sources():
        if source.case.startswith("normal") and source.lungs is not None:
            scan, lungs = source.image(), source.lungs()
            for part, chances in predictor.slabs(scan, lungs):
                inside = lungs.voxels[part] > 0
                called = np.count_nonzero((chances > threshold) & inside, axis=(1, 2))
                yield from 100 * called / np.maximum(np.count_nonzero(inside, axis=(1, 2)), 1)


def _phantom_burden(segmenter: Segmenter, seed: int, *, diseased: bool) -> tuple[float, float]:
    """True and measured burden in percent of the lungs, from a file as a user has it."""
    phantom = generate_phantom(seed, shape=SHAPE, diseased=diseased)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phantom.nii.gz"
        write_nifti(phantom.scan, path)
        return 100 * phantom.burden, segmenter.predict(path).burden_percent or 0.0


def _medseg_dice(segmenter: Segmenter, root: Path) -> float:
    meter = OverlapMeter()
    for source in CovidSemiSeg(root).sources():
        if source.part == "test" and source.mask is not None:
            mask = source.mask().voxels > 0
            for part, chances in segmenter.predictor.slabs(source.image()):
                meter.update(source.case, chances > segmenter.threshold, mask[part])
    return meter.compute()["dice_global"]


def _auc(scores: NDArray[np.integer[Any]], infected: NDArray[np.bool_]) -> float:
    """Share of pairs of an infected and a clean slice in which the infected one has more lesion; ties count half."""
    wins = mannwhitneyu(scores[infected], scores[~infected]).statistic
    return float(wins / (infected.sum() * (~infected).sum()))


def _slice_labels(path: Path) -> NDArray[np.bool_]:
    """``(D,)`` head to feet."""
    with path.open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["position_from_head"]))
    return np.array([row["infected"] == "1" for row in rows])


def _write(path: Path, record: dict[str, Any]) -> str:
    about = {"threads": torch.get_num_threads(), "machine": machine(), "versions": versions()}
    content = json.dumps({**record, **about}, indent=1) + "\n"
    write_text(path, content)
    return content
