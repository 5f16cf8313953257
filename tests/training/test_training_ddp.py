"""Two processes train as well as one."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from groundglass.datasets.folder import DatasetFolder

OPTIONS = [
    "--recipe=full",
    "--network=plain-unet",
    "--network_options.channels=[8,16,32]",
    "--grid.size=[48,48]",
    "--epochs=60",
    "--batch_size=4",
    "--device=cpu",
    "--settings.brightness=0.0",
    "--settings.contrast=0.0",
    "--quiet",
]
"""Without jitter, of which each process draws its own: two processes see what one sees."""


def best_validation_dice(data: Path, run: Path, processes: int) -> float:
    command = [sys.executable, "-m", "groundglass", "train", str(data), "-o", str(run), *OPTIONS]
    subprocess.run([*command, f"--devices={processes}"], check=True, timeout=500)
    with (run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    return max(float(row["val_dice_global"]) for row in rows if row["val_dice_global"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_gloo_processes_give_the_same_validation_dice(blobs: DatasetFolder, tmp_path: Path) -> None:
    one = best_validation_dice(blobs.root, tmp_path / "one", 1)
    two = best_validation_dice(blobs.root, tmp_path / "two", 2)
    assert one > 0.9
    assert two == pytest.approx(one, abs=0.01)
