"""The whole way, from generated scans and simulated clicks to masks and a page."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.datasets.catalog.phantom import PhantomSet
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.demo.figures import Row
from groundglass.demo.figures import burdens
from groundglass.demo.figures import clicks_picture
from groundglass.demo.figures import comparison_picture
from groundglass.demo.figures import curves_picture
from groundglass.demo.figures import montage_picture
from groundglass.demo.folder import PAGE
from groundglass.demo.folder import begin
from groundglass.errors import InputError
from groundglass.experiments.precision import quickest
from groundglass.experiments.recipe import load_recipe
from groundglass.labels.events import NOT_PEOPLE
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.report.page import write_page
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan
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
    begin(output, {"seed": seed, "count": count, "epochs": epochs, "samples": samples})
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
        clicks=clicks_picture(folder),
        curves=curves_picture(rows),
        validation_burdens=burdens(folder, folder.split.validation),
        test_burdens=burdens(folder, folder.split.test),
        comparison=comparison_picture(rows, scored_cases(folder, folder.split.test)),
        montage=montage_picture(unseen.scan, mask),
        true_burden=100 * unseen.burden,
        predicted_burden=100 * mask.voxels.sum() / (unseen.lungs > 0).sum(),
        mask_name="unseen-lesions.nii.gz",
    )
    return Demo(rows, page)


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
