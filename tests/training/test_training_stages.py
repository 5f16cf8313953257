"""Methods that train two networks one after the other: which weights are kept, and what a resumed run gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from test_training_resume import assert_same_run
from test_training_resume import checkpoint
from test_training_resume import history
from test_training_resume import same

from groundglass.bench.pseudo_masks import pseudo_mask_scores
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.config import Config
from groundglass.labels.events import ScanTag
from groundglass.methods.attention_fusion import STATE
from groundglass.methods.attention_fusion import AttentionFusion
from groundglass.training.run import Run
from groundglass.training.run import train
from groundglass.training.trainer import build_trainer

EPOCHS, STAGE1, STEPS = 4, 2, 4
"""Two epochs of each stage, four steps each: eight tagged slices, two at a time."""


@pytest.fixture(scope="module")
def config(small_config: Callable[..., Config]) -> Config:
    return small_config(
        method="attention-fusion",
        method_options={"stage1_epochs": STAGE1, "segmenter_options": {"channels": [4, 8, 8], "expansion": 1}},
        network="classifier",
        network_options={"encoder": "plain", "channels": [4, 8], "attention": True, "dropout": 0.2},
        epochs=EPOCHS,
        batch_size=2,
        monitor="precision",
        settings={"lr": 1e-2, "orient": True, "zoom": 1.3, "average": 0.5},
        seed=3,
    )


def run(config: Config, folder: DatasetFolder, output: Path, **options: Any) -> Run:
    return train(config, folder.root, output, quiet=True, device="cpu", **options)


@pytest.fixture(scope="module")
def straight(config: Config, blobs: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(config, blobs, tmp_path_factory.mktemp("straight") / "run")


def test_the_kept_weights_are_of_the_second_stage(straight: Run) -> None:
    best = checkpoint(straight.folder, "best")
    assert best["epoch"] >= STAGE1
    method, _ = load_method(straight.folder)
    assert isinstance(method, AttentionFusion)
    assert method.segmenting
    assert STATE not in best  # only what a run is resumed from has the maps


class Stopped(Exception):  # noqa: N818 - not an error
    """Stands for whatever stops a training."""


@pytest.mark.parametrize("step", [2, STEPS + 1, 2 * STEPS, 3 * STEPS + 1])
def test_resumed_from_either_stage_it_ends_the_same(
    step: int, straight: Run, config: Config, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step_loss, calls = AttentionFusion.step_loss, []

    def counted(self: AttentionFusion, batch: Any) -> Any:
        calls.append(1)
        if len(calls) > step:
            raise Stopped
        return step_loss(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(AttentionFusion, "step_loss", counted)
        with pytest.raises(Stopped):
            run(config, blobs, tmp_path / "run")
    run(config, blobs, tmp_path / "run", resume=True)
    assert_same_run(tmp_path / "run", straight.folder)
    maps, expected = (checkpoint(folder, "last")[STATE] for folder in (tmp_path / "run", straight.folder))
    assert same(maps, expected)


def test_the_learning_rate_starts_over(config: Config, blobs: DatasetFolder, tmp_path: Path) -> None:
    method = run(config, blobs, tmp_path / "run").method
    assert isinstance(method, AttentionFusion)
    trainer = build_trainer(config, tmp_path, method, [], device="cpu", devices=1, console=None)
    method.trainer = trainer
    rates = [method.rate(done) for done in (0.0, 0.25, 0.49, 0.5, 0.75)]
    assert rates == pytest.approx([1.0, 0.5**0.9, 0.02**0.9, 1.0, 0.5**0.9])


def test_patience_does_not_run_out_before_the_second_stage(
    config: Config, blobs: DatasetFolder, tmp_path: Path
) -> None:
    plain = config.to_dict() | {"patience": 1, "epochs": 8, "monitor": "dice"}
    plain["method_options"] = plain["method_options"] | {"stage1_epochs": 5}
    plain["settings"] = plain["settings"] | {"lr": 1e-12}
    finished = run(Config.from_dict(plain), blobs, tmp_path / "run")
    assert 5 < len(history(finished.folder)) < 8


@pytest.mark.parametrize(("every", "expected"), [(100, [0, 4]), (2, [0, 1, 3, 4, 5])])
def test_each_stage_is_validated_at_its_first_epoch_and_then_as_often_as_was_asked(
    every: int, expected: list[int], config: Config, blobs: DatasetFolder, tmp_path: Path
) -> None:
    plain = config.to_dict() | {"method": "irn", "method_options": {"stage1_epochs": 4, "width": 4, "steps": 4}}
    finished = run(Config.from_dict(plain | {"epochs": 6, "validate_every": every}), blobs, tmp_path / "run")
    validated = [int(row["epoch"]) for row in history(finished.folder) if row["val_average_precision"]]
    assert validated == expected


@pytest.mark.parametrize("fusion", ["maximum", "last"])
def test_the_other_fusions_train_too(config: Config, blobs: DatasetFolder, tmp_path: Path, fusion: str) -> None:
    plain = config.to_dict()
    plain["method_options"] = plain["method_options"] | {"fusion": fusion}
    finished = run(Config.from_dict(plain), blobs, tmp_path / "run")
    state = checkpoint(finished.folder, "last")[STATE]
    assert (state["count"] > 0).flatten(1).any(dim=1).all()
    scores = pseudo_mask_scores(finished.folder, blobs)
    assert 0 <= scores["dice_global"] <= 1


def test_slices_without_a_map_to_fuse_are_counted(
    config: Config, blobs: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One epoch of the classifier, which is not fused."""
    plain = config.to_dict() | {"epochs": 2}
    plain["method_options"] = plain["method_options"] | {"stage1_epochs": 1}
    run(Config.from_dict(plain), blobs, tmp_path / "run")
    assert "of 6 of 6 slices with a lesion there is no map to fuse" in caplog.text


def test_pseudo_masks_are_scored_against_masks(straight: Run, blobs: DatasetFolder) -> None:
    scores = pseudo_mask_scores(straight.folder, blobs)
    assert set(scores) == {"dice_global", "dice_case", "dice_labeled", "sensitivity", "ppv", "share_open"}
    assert scores["dice_labeled"] >= scores["dice_global"] - 1e-6
    assert 0 < scores["share_open"] < 1


def test_pseudo_masks_of_another_method_are_refused(
    small_config: Callable[..., Config], blobs: DatasetFolder, tmp_path: Path
) -> None:
    other = run(small_config(epochs=1), blobs, tmp_path / "run")
    with pytest.raises(InputError, match="not a run of the method attention-fusion"):
        pseudo_mask_scores(other.folder, blobs)


def test_tags_that_contradict_each_other_are_said(
    config: Config, blobs_copy: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    healthy = [
        ScanTag(case=case, seconds=0.0, label=0) for case in ("case2", "case1", "case5")
    ]  # the last is no training case
    blobs_copy.store.append(healthy)
    short = config.to_dict() | {"method": "cam", "method_options": {}, "epochs": 1}
    run(Config.from_dict(short), blobs_copy, tmp_path / "run")
    assert "2 training scans tagged healthy with 4 slices tagged lesion, first case case1: " in caplog.text
    caplog.clear()
    run(Config.from_dict(short | {"labels": ["slice_tag"]}), blobs_copy, tmp_path / "other")
    assert "tagged healthy" not in caplog.text


def test_there_must_be_epochs_left_for_the_second_stage(
    config: Config, blobs: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InputError, match="epochs 2 leave none for the second stage"):
        run(Config.from_dict(config.to_dict() | {"epochs": STAGE1}), blobs, tmp_path / "run")
    assert "steps" not in caplog.text, "nothing is advised to a run that is refused"


def test_irn_resumes_too(config: Config, blobs: DatasetFolder, tmp_path: Path) -> None:
    plain = config.to_dict() | {"method": "irn", "method_options": {"stage1_epochs": 1, "width": 4, "steps": 4}}
    short = Config.from_dict(plain | {"epochs": 2})
    finished = run(short, blobs, tmp_path / "run")
    best = checkpoint(finished.folder, "best")
    assert best["epoch"] == 1
    assert best["state_dict"]["second_stage"] > 0
    assert torch.isfinite(torch.tensor(float(history(finished.folder)[-1]["val_average_precision"])))
