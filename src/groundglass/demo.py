"""The demo: everything from scans and clicks to masks and a page, on generated chest CT."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.prepare import simulate_labels
from groundglass.errors import InputError
from groundglass.experiments.precision import quickest
from groundglass.experiments.recipe import load_recipe
from groundglass.files import write_text
from groundglass.labels.events import NOT_PEOPLE
from groundglass.labels.events import Point
from groundglass.prediction.evaluate import Pair
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.report.figures import clicks
from groundglass.report.figures import comparison
from groundglass.report.figures import curves
from groundglass.report.figures import montage
from groundglass.report.page import write_page
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.readable import readable
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan
from groundglass.training.callbacks import read_history
from groundglass.training.figures import measured
from groundglass.training.run import Run
from groundglass.training.run import train

RECIPES = {"pl": "clicks, point loss", "cb-flip-rot": "clicks, CB(Flip,Rot)+PL", "full": "full masks"}
SHAPE = (24, 160, 160)
GRID = {"size": [128, 128], "crop": [132, 132]}
COUNT = 18
EPOCHS = 20
SAMPLES = 96
"""Slices an epoch: the same for all three, so that each trains for the same number of steps."""
UNSEEN_SEED = 1000
MARK = ".groundglass-demo"
"""Says that a folder is a demo's, and with which options it was begun."""
PAGE = "index.html"
"""Written last: a demo without it was interrupted."""


@dataclass(frozen=True)
class Row:
    """One of the three segmenters."""

    title: str
    run: Run


@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    rows: list[Row]
    page: Path


def run_demo(
    output: Path,
    *,
    seed: int = 0,
    quiet: bool = False,
    count: int = COUNT,
    epochs: int = EPOCHS,
    samples: int = SAMPLES,
) -> Demo:
    """Generate scans, train three segmenters, predict an unseen scan, write the page.

    Args:
        output: Folder for all of it; a demo that was interrupted there is gone on with.
        seed: Seed of the scans and of the training.
        quiet: Show no progress.
        count: Number of generated scans.
        epochs: Epochs of each training.
        samples: Slices an epoch.

    Raises:
        InputError: If ``output`` holds anything but an interrupted demo with these options, or cannot be written.
    """
    started = time.perf_counter()
    _begin(output, {"seed": seed, "count": count, "epochs": epochs, "samples": samples})
    folder = _dataset(output / "dataset", seed, count)
    rows = [
        Row(title, _train(folder, recipe, output / "runs" / recipe, seed, epochs, samples, quiet))
        for recipe, title in RECIPES.items()
    ]
    page = output / PAGE
    unseen, mask = _predict_unseen(rows[1].run, output, seed)
    write_page(
        page,
        "demo.html",
        rows=rows,
        training=len(folder.split.training),
        test=len(folder.split.test),
        minutes=f"{(time.perf_counter() - started) / 60:.1f}",
        clicks=_clicks(folder),
        curves=_curves(rows),
        validation_burdens=_burdens(folder, folder.split.validation),
        test_burdens=_burdens(folder, folder.split.test),
        comparison=_comparison(rows, scored_cases(folder, folder.split.test)),
        montage=_montage(unseen.scan, mask),
        true_burden=100 * unseen.burden,
        predicted_burden=100 * mask.voxels.sum() / (unseen.lungs > 0).sum(),
        mask_name="unseen-lesions.nii.gz",
    )
    return Demo(rows, page)


def _begin(output: Path, options: dict[str, int]) -> None:
    """See that a demo may be begun in a folder, or gone on with; nothing in it is ever deleted."""
    wanted = json.dumps(options)
    if os.path.lexists(output) and _begun_with(output) not in (None, wanted):
        raise InputError(f"{output}: holds a demo begun with other options; choose another folder with -o")
    write_text(output / MARK, wanted)


def _begun_with(output: Path) -> str | None:
    """The options of an interrupted demo; ``None`` for an empty folder."""
    with readable(output):
        if (output / PAGE).exists() and (output / MARK).exists():
            raise InputError(f"{output}: holds a finished demo; open its {PAGE}, or choose another folder with -o")
        if (output / MARK).exists():
            return (output / MARK).read_text("utf-8", errors="replace")
        if output.is_dir() and not any(output.iterdir()):
            return None
    raise InputError(f"{output}: is no empty folder and no interrupted demo; choose another folder with -o")


def _dataset(path: Path, seed: int, count: int) -> DatasetFolder:
    """The dataset, completed where it was interrupted."""
    if not (path / DESCRIPTION).exists():
        prepare(PhantomSet(count=count, healthy=count // 6, shape=SHAPE, seed=seed), path, name="phantom")
    folder = DatasetFolder.open(path)
    labels = folder.store.read()
    if any(label.annotator not in NOT_PEOPLE for label in labels):
        raise InputError(f"{path}: somebody has answered in it, so it is no demo's now; choose another folder with -o")
    if not labels:
        simulate_labels(folder, ["points", "masks"], lesion_free="background")
    return folder


def _train(folder: DatasetFolder, recipe: str, output: Path, seed: int, epochs: int, samples: int, quiet: bool) -> Run:
    overrides: dict[str, Any] = {"grid": GRID, "epochs": epochs, "epoch_samples": samples, "seed": seed}
    overrides |= {"validate_every": 2, "precision": quickest()}
    if recipe != "full":
        overrides["method_options"] = {"reduction": "balanced"}  # whole slices are labeled "nothing here"
    config = load_recipe(recipe, overrides)
    return train(config, folder.root, output, resume=True, quiet=quiet)


def _predict_unseen(run: Run, output: Path, seed: int) -> tuple[Phantom, Scan]:
    unseen = generate_phantom(UNSEEN_SEED + seed, shape=SHAPE)
    mask = Predictor(run.method, run.config.grid, orientations=8).mask(unseen.scan)
    write_nifti(unseen.scan, output / "unseen.nii.gz")
    write_nifti(mask, output / "unseen-lesions.nii.gz")
    return unseen, mask


def _windowed(scan: Scan) -> NDArray[np.float32]:
    return window_scan(scan, Window.named("lung"))


def _busiest(mask: NDArray[np.generic], count: int) -> Sequence[int]:
    """The slices with most lesion, feet to head."""
    return sorted(np.argsort(np.count_nonzero(mask, axis=(1, 2)))[-count:].tolist())


def _clicks(folder: DatasetFolder) -> bytes:
    case, scan, mask, _ = next(pair for pair in scored_cases(folder, folder.split.training) if pair[2].voxels.any())
    points = [label for label in folder.labels(["point"])[case.case] if isinstance(label, Point)]
    marks = np.array([[*scan.to_indices(np.array([point.position]))[0], point.label] for point in points])
    chosen = _busiest(mask.voxels, 4)
    on_slice = [marks[np.rint(marks[:, 0]) == index][:, 1:] for index in chosen]
    return clicks([_windowed(scan)[index] for index in chosen], on_slice, [mask.voxels[index] > 0 for index in chosen])


def _burdens(folder: DatasetFolder, cases: Sequence[Case]) -> str:
    """Percent of the lung that is lesion, scan by scan."""
    pairs = [(folder.mask(case), folder.lungs(case)) for case in cases]
    shares = [100 * np.sum(mask.voxels > 0) / np.sum(lungs.voxels > 0) for mask, lungs in pairs if mask and lungs]
    return ", ".join(f"{share:.0f}" for share in shares)


def _curves(rows: Sequence[Row]) -> bytes:
    lines = {row.title: measured(read_history(row.run.folder / "history.csv"), "val_dice_global") for row in rows}
    return curves(lines, xlabel="epoch", ylabel="validation Dice (global)")


def _comparison(rows: Sequence[Row], pairs: Iterable[Pair]) -> bytes:
    lines = []
    for _, scan, mask, _ in [pair for pair in pairs if pair[2].voxels.any()][:3]:
        index = _busiest(mask.voxels, 1)[0]
        part = scan.slab(index, index + 1)
        masks = [Predictor(row.run.method, row.run.config.grid).mask(part).voxels[0] > 0 for row in rows]
        lines.append({"image": _windowed(part)[0], "truth": mask.voxels[index] > 0, "masks": masks})
    return comparison(lines, [row.title for row in rows])


def _montage(scan: Scan, mask: Scan) -> bytes:
    chosen = _busiest(mask.voxels, 8)
    images = _windowed(scan)
    return montage(
        [images[index] for index in chosen],
        [mask.voxels[index] > 0 for index in chosen],
        [f"slice {index + 1} of {len(images)}" for index in chosen],
    )
