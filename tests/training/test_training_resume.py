"""A run that was stopped, however it was, and is resumed ends as if it had never stopped."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.methods.consistency import PointConsistency
from groundglass.prediction.predictor import Predictor
from groundglass.training.history import read_history
from groundglass.training.run import Run
from groundglass.training.run import train

EPOCHS, STEPS = 4, 3
"""Epochs, and steps of each: six labeled slices, two at a time."""


@pytest.fixture(scope="module")
def config(small_config: Callable[..., Config]) -> Config:
    """Everything that draws: jitter, transforms, dropout and the order of the slices; a validation that lasts, and
    averaged weights beside the trained ones."""
    return small_config(
        method="consistency",
        network_options={"channels": [4, 8], "dropout": 0.2},
        epochs=EPOCHS,
        batch_size=2,
        validate_every=3,
        settings={"lr": 1e-2, "average": 0.8},
        seed=5,
    )


def run(config: Config, folder: DatasetFolder, output: Path, **options: Any) -> Run:
    return train(config, folder.root, output, quiet=True, device="cpu", **options)


@pytest.fixture(scope="module")
def straight(config: Config, blobs: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(config, blobs, tmp_path_factory.mktemp("straight") / "run")


def same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second or (first != first and second != second))  # NaN is the same as NaN


def checkpoint(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return content


def history(folder: Path) -> list[dict[str, str]]:
    return [
        {key: value for key, value in row.items() if key != "seconds"} for row in read_history(folder / "history.csv")
    ]


def assert_same_run(folder: Path, expected: Path) -> None:
    for name in ("best", "last"):
        assert same(checkpoint(folder, name)["state_dict"], checkpoint(expected, name)["state_dict"]), name
    for key in ("optimizer_states", "lr_schedulers", "epoch", "global_step"):
        assert same(checkpoint(folder, "last")[key], checkpoint(expected, "last")[key]), key
    assert history(folder) == history(expected)
    assert len(history(folder)) == EPOCHS


class Stopped(Exception):  # noqa: N818 - not an error
    """Stands for whatever stops a training."""


def stop_at_step(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    loss = PointConsistency.loss
    calls = []

    def counted(self: PointConsistency, batch: Any) -> Any:
        calls.append(1)
        if len(calls) > step:
            raise Stopped
        return loss(self, batch)

    monkeypatch.setattr(PointConsistency, "loss", counted)


@pytest.mark.parametrize("step", [0, 2, 2 * STEPS, EPOCHS * STEPS - 1])
def test_stopped_at_any_step(
    step: int, straight: Run, config: Config, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at_step(patch, step)
        with pytest.raises(Stopped):
            run(config, blobs, tmp_path / "run")
    assert not (tmp_path / "run" / "result.json").exists()
    resumed = run(config, blobs, tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", straight.folder)
    assert resumed.result["metrics"] == straight.result["metrics"]


def test_a_validation_of_an_earlier_epoch_still_stands(
    config: Config, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validation is every third epoch: the fourth is compared by the scores of the third, resumed or not."""

    def score(predictor: Predictor, pairs: Any, monitor: str) -> dict[str, float]:
        dice = float(predictor.method.network.head.weight.detach().sigmoid().mean())
        return {"dice_global": dice, "dice_case": dice}

    monkeypatch.setattr("groundglass.training.callbacks.validate", score)
    run(config, blobs, tmp_path / "straight")
    with monkeypatch.context() as patch:
        stop_at_step(patch, 3 * STEPS)
        with pytest.raises(Stopped):
            run(config, blobs, tmp_path / "run")
    run(config, blobs, tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", tmp_path / "straight")
    measured = [bool(row["val_dice_global"]) for row in history(tmp_path / "run")]
    assert measured == [True, False, True, False]
    resumed, straight = (checkpoint(tmp_path / name, "last")["callbacks"] for name in ("run", "straight"))
    compared = [name for name in straight if name.startswith(("Validate", "StopEarly"))]
    assert len(compared) == 2
    assert all(same(resumed[name], straight[name]) for name in compared)


KILLED = """
import os, signal
from groundglass.methods.consistency import PointConsistency
from groundglass.experiments.config import Config
from groundglass.training.run import train

steps, loss = [], PointConsistency.loss

def deadly(self, batch):
    steps.append(1)
    if len(steps) == {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    return loss(self, batch)

PointConsistency.loss = deadly
train(Config.from_dict({config!r}), {data!r}, {output!r}, quiet=True, device="cpu")
"""


def test_killed_in_the_middle_of_an_epoch(straight: Run, config: Config, blobs: DatasetFolder, tmp_path: Path) -> None:
    output = tmp_path / "run"
    program = KILLED.format(step=2 * STEPS + 2, config=config.to_dict(), data=str(blobs.root), output=str(output))
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    killed = subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [row["epoch"] for row in history(output)] == ["0", "1"]
    leftover = output / "checkpoints" / f".{'0a' * 16}-last.ckpt"  # as of a process killed while it wrote
    leftover.write_bytes(b"half of it")
    run(config, blobs, output, resume=True)
    assert not leftover.exists()
    assert_same_run(output, straight.folder)


def test_killed_between_history_and_checkpoint(
    straight: Run, config: Config, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The epoch is in history already, but not in a checkpoint: it is trained again and not written twice."""
    with monkeypatch.context() as patch:
        stop_at_step(patch, 2 * STEPS)
        with pytest.raises(Stopped):
            run(config, blobs, tmp_path / "run")
    path = tmp_path / "run" / "history.csv"
    path.write_text(path.read_text() + "2,0.1,9,9,9,9,9\n")
    run(config, blobs, tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", straight.folder)


def test_a_full_disk_stops_the_run_and_keeps_its_last_checkpoint(
    straight: Run, config: Config, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, saved = torch.save, []

    def full(content: Any, path: Any) -> None:
        saved.append(path)
        if content["epoch"] == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(content, path)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(InputError, match=r"could not be written .No space left on device"):
            run(config, blobs, tmp_path / "run")
    assert checkpoint(tmp_path / "run", "last")["epoch"] == 1
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    run(config, blobs, tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", straight.folder)


def test_a_disk_full_for_the_history_is_said(
    config: Config, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def full(self: Path, target: Any) -> Any:
        if Path(target).name == "history.csv":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=r"history\.csv: could not be written"):
        run(config, blobs, tmp_path / "run")


def test_a_finished_run_is_not_trained_on(straight: Run, config: Config, blobs: DatasetFolder) -> None:
    before = {name: checkpoint(straight.folder, name) for name in ("best", "last")}
    again = run(config, blobs, straight.folder, resume=True)
    assert same({name: checkpoint(straight.folder, name) for name in ("best", "last")}, before)
    assert again.result["metrics"] == straight.result["metrics"]
    assert len(history(straight.folder)) == EPOCHS


def test_a_run_that_stopped_early_is_not_trained_on(
    small_config: Callable[..., Config], blobs: DatasetFolder, tmp_path: Path
) -> None:
    config = small_config(epochs=30, patience=2, settings={"lr": 1e-12})
    run(config, blobs, tmp_path / "run")
    before, rows = checkpoint(tmp_path / "run", "last"), history(tmp_path / "run")
    run(config, blobs, tmp_path / "run", resume=True)
    assert same(checkpoint(tmp_path / "run", "last"), before)
    assert history(tmp_path / "run") == rows


def test_resuming_what_never_began_begins(config: Config, blobs: DatasetFolder, tmp_path: Path, straight: Run) -> None:
    run(config, blobs, tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", straight.folder)


def test_a_damaged_last_checkpoint_is_said(config: Config, blobs: DatasetFolder, tmp_path: Path) -> None:
    run(config, blobs, tmp_path / "run")
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"last\.ckpt: damaged"):
        run(config, blobs, tmp_path / "run", resume=True)
