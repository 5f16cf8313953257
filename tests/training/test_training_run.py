from __future__ import annotations

import json
import re
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from matplotlib.axes import Axes
from PIL import Image

from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.config import Config
from groundglass.prediction.evaluate import evaluate
from groundglass.prediction.evaluate import scored_cases
from groundglass.prediction.predictor import Predictor
from groundglass.prediction.validation import MONITORS
from groundglass.prediction.validation import TITLES
from groundglass.prediction.validation import validate
from groundglass.scans.nifti import write_nifti
from groundglass.training.allocator import keep_freed_memory
from groundglass.training.figures import learning_curves
from groundglass.training.history import read_history
from groundglass.training.machine import machine
from groundglass.training.machine import versions
from groundglass.training.run import Run
from groundglass.training.run import train

MakeConfig = Callable[..., Config]


def run(config: Config, folder: DatasetFolder, output: Path, **options: Any) -> Run:
    return train(config, folder.root, output, quiet=True, device="cpu", **options)


@pytest.fixture(scope="module")
def finished(small_config: MakeConfig, blobs: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of full supervision that learns the blobs."""
    config = small_config(
        method="full", epochs=12, batch_size=2, settings={"lr": 1e-2, "brightness": 0.0, "contrast": 0.0}
    )
    return run(config, blobs, tmp_path_factory.mktemp("runs") / "full")


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_a_run_is_a_folder(finished: Run) -> None:
    found = {str(path.relative_to(finished.folder)) for path in finished.folder.rglob("*") if path.is_file()}
    assert found == {
        "config.yaml",
        "history.csv",
        "result.json",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "figures/learning-curves.png",
    }


def test_the_config_is_complete(finished: Run, blobs: DatasetFolder) -> None:
    content = yaml.safe_load((finished.folder / "config.yaml").read_text())
    assert content.pop("data") == str(blobs.root)
    assert content.pop("split_hash") == blobs.split.hash
    assert len(content.pop("labels_hash")) == 12
    assert content.pop("started_from") is None
    assert Config.from_dict(content) == finished.config


def test_history_has_a_row_an_epoch(finished: Run) -> None:
    rows = read_history(finished.folder / "history.csv")
    assert [int(row["epoch"]) for row in rows] == list(range(12))
    assert {"train_loss", "val_dice_global", "val_dice_case", "seconds"} <= set(rows[0])
    assert float(rows[-1]["train_loss"]) < 0.5 * float(rows[0]["train_loss"])
    assert all(float(row["seconds"]) > 0 for row in rows)


def test_the_result_says_what_was_measured_on_what(finished: Run, blobs: DatasetFolder) -> None:
    result = json.loads((finished.folder / "result.json").read_text(), parse_constant=refuse_constant)
    assert result == finished.result
    assert (result["method"], result["network"], result["dataset"]) == ("full", "plain-unet", "blobs")
    assert (result["seed"], result["split_hash"], result["n_cases"]) == (0, blobs.split.hash, 1)
    assert result["label_seconds"] == 4 * 2 * 96  # four cases of two slices
    assert result["train_seconds"] > 0
    assert 0 < result["metrics"]["average_precision"] <= 1
    assert result["metrics"]["lesion_free_false_positive_share"] is None
    assert result["versions"] == versions()
    assert result["machine"] == machine()
    assert result["threads"] == torch.get_num_threads()


def test_clicks_are_counted_as_three_seconds_each(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    """Ten lesions in the training cases, as many background points, nothing else: tags and masks are not used."""
    assert run(small_config(epochs=1), blobs, tmp_path / "run").result["label_seconds"] == 2 * 10 * 3


def test_the_test_cases_are_scored_by_the_best_checkpoint(finished: Run, blobs: DatasetFolder) -> None:
    method, config = load_method(finished.folder)
    pairs = list(scored_cases(blobs, blobs.split.test))
    figures = evaluate(Predictor(method, config.grid), pairs)
    assert finished.result["metrics"]["dice_global"] == pytest.approx(figures["dice_global"], abs=1e-4)
    assert figures["dice_global"] > 0.8
    assert float(method.threshold) == pytest.approx(finished.result["threshold"], abs=1e-3)


def test_the_best_checkpoint_is_that_of_the_best_validation(finished: Run, blobs: DatasetFolder) -> None:
    rows = read_history(finished.folder / "history.csv")
    scores = [float(row["val_dice_global"]) for row in rows]
    for name, expected in (("best", max(scores)), ("last", scores[-1])):
        method, config = load_method(finished.folder / "checkpoints" / f"{name}.ckpt")
        figures = evaluate(Predictor(method, config.grid), scored_cases(blobs, blobs.split.validation))
        assert figures["dice_global"] == pytest.approx(expected, abs=1e-4)


def test_averaged_weights_are_what_is_validated_and_kept(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    run(small_config(method="full", epochs=4, settings={"lr": 1e-2, "average": 0.8}), blobs, tmp_path / "run")
    scores = [float(row["val_dice_global"]) for row in read_history(tmp_path / "run" / "history.csv")]
    for name, expected in (("best", max(scores)), ("last", scores[-1])):
        method, config = load_method(tmp_path / "run" / "checkpoints" / f"{name}.ckpt")
        figures = evaluate(Predictor(method, config.grid), scored_cases(blobs, blobs.split.validation))
        assert figures["dice_global"] == pytest.approx(expected, abs=1e-4)
    last = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    trained, kept = last["current_model_state"], last["state_dict"]
    assert any(not torch.equal(trained[key], kept[key]) for key in kept)


def test_a_recipe_can_ask_for_predictions_averaged_over_orientations(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    made = run(small_config(epochs=6, orientations=8, settings={"lr": 1e-2}), blobs, tmp_path / "run")
    pairs = list(scored_cases(blobs, blobs.split.test))
    eight, one = (
        evaluate(Predictor(made.method, made.config.grid, orientations=count), pairs)["dice_global"] for count in (8, 1)
    )
    assert made.result["metrics"]["dice_global"] == pytest.approx(eight, abs=1e-4)
    assert eight != pytest.approx(one, abs=1e-4)


def test_the_last_weights_can_be_selected(small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path) -> None:
    done = run(small_config(select="last", epochs=3), blobs, tmp_path / "run")
    weights = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(value, weights[key]) for key, value in done.method.state_dict().items())


@pytest.mark.parametrize(("epochs", "least"), [(12, 200), (1, 5)])
def test_the_figure_shows_two_curves_or_points(finished: Run, tmp_path: Path, epochs: int, least: int) -> None:
    learning_curves(read_history(finished.folder / "history.csv")[:epochs], tmp_path / "curves.png")
    picture = np.asarray(Image.open(tmp_path / "curves.png").convert("RGB")).astype(int)
    curve = np.abs(picture - [0x1F, 0x6F, 0x8B]).sum(axis=2) < 30
    half = picture.shape[1] // 2
    assert curve[:, :half].sum() > least
    assert curve[:, half:].sum() > least


def drawn(
    monkeypatch: pytest.MonkeyPatch, history: list[dict[str, str]], path: Path, monitor: str = "dice"
) -> list[tuple[Any, ...]]:
    """What the learning curves of a history consist of: the points of each."""
    lines: list[tuple[Any, ...]] = []
    plot = Axes.plot
    with monkeypatch.context() as patch:
        patch.setattr(Axes, "plot", lambda axes, x, y, **how: lines.append((x, y)) or plot(axes, x, y, **how))
        learning_curves(history, path, monitor)
    return lines


def test_the_score_that_chooses_the_weights_is_drawn_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    monkeypatch.setattr(Axes, "set_title", lambda axes, title, **how: titles.append(title))
    row = {"epoch": "0", "train_loss": "1", "val_dice_global": "0", "val_average_precision": "0.4"}
    history = [row | {"val_dice_best": "0.5", "val_minus_mae": "-1.5"}]
    shown = {monitor: drawn(monkeypatch, history, tmp_path / "a.png", monitor)[1][1] for monitor in MONITORS}
    assert shown == {"dice": [0], "best-dice": [0.5], "precision": [0.4], "count": [1.5]}
    assert titles[1::2] == list(TITLES.values())


def test_curves_are_drawn_where_something_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ("epoch", "train_loss", "val_dice_global")
    rows = [("0", "", "0.1"), ("1", "3", ""), ("2", "2", "0.4"), ("3", "1", "")]
    history = [dict(zip(columns, row, strict=True)) for row in rows]
    assert drawn(monkeypatch, history, tmp_path / "a.png") == [([2, 3, 4], [3, 2, 1]), ([1, 3], [0.1, 0.4])]
    nothing = [{"epoch": "0", "classifier_loss": "1"}]  # neither a step of the network nor a validation case
    assert drawn(monkeypatch, nothing, tmp_path / "b.png") == [([], [])]


def test_a_row_of_the_history_has_what_was_logged_in_its_epoch_alone(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    options = {"classifier_steps": 3, "critic_channels": [4, 8]}  # of two steps an epoch
    network = {"network": "map-generator", "network_options": {"encoder": "plain", "channels": [4, 8]}}
    tagged = {"method": "bl", "method_options": options, "draw": "tags", "epoch_samples": 8, "validate_every": 3}
    done = run(small_config(epochs=4, **tagged, **network), blobs, tmp_path / "run")
    rows = read_history(done.folder / "history.csv")
    assert [bool(row["classifier_loss"]) for row in rows] == [True, True, False, False]
    assert [bool(row["train_loss"]) for row in rows] == [False, True, True, True]
    validated = [bool(row["val_dice_global"]) for row in rows]
    assert validated == [True, True, True, False], "in the epoch of the network's first step too"


def weights_of(done: Run) -> dict[str, torch.Tensor]:
    return {key: value for key, value in done.method.state_dict().items() if key != "threshold"}


def test_the_same_seed_gives_the_same_weights_and_another_others(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    options = {"method": "consistency", "network_options": {"channels": [4, 8], "dropout": 0.2}}
    first, again, other = (
        run(small_config(seed=seed, **options), blobs, tmp_path / name) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert all(torch.equal(value, weights_of(again)[key]) for key, value in weights_of(first).items())
    assert not torch.equal(first.method.network.head.weight, other.method.network.head.weight)


def test_bfloat16_changes_what_is_learned_a_little_and_leaves_weights_in_float32(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    full, half = (
        run(small_config(method="full", epochs=2, precision=precision), blobs, tmp_path / precision)
        for precision in ("32", "bf16")
    )
    pairs = [(weights_of(full)[name], weight) for name, weight in weights_of(half).items()]
    assert all(ours.dtype == theirs.dtype for ours, theirs in pairs)
    assert any(not torch.equal(ours, theirs) for ours, theirs in pairs)
    assert all(torch.allclose(ours.float(), theirs.float(), atol=0.05) for ours, theirs in pairs)


def test_training_stops_when_validation_does_not_get_better(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    config = small_config(epochs=30, patience=2, settings={"lr": 1e-12})
    done = run(config, blobs, tmp_path / "run")
    assert len(read_history(done.folder / "history.csv")) == 3


def test_validation_can_be_every_few_epochs(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import groundglass.training.callbacks as callbacks

    calls: list[dict[str, float]] = []

    def count(predictor: Predictor, pairs: Any, monitor: str) -> dict[str, float]:
        calls.append(validate(predictor, pairs, monitor) | {"dice_global": 0.1 * (len(calls) + 1)})
        return calls[-1]

    monkeypatch.setattr(callbacks, "validate", count)
    run(small_config(epochs=5, validate_every=2), blobs, tmp_path / "run")
    rows = read_history(tmp_path / "run" / "history.csv")
    assert [row["val_dice_global"] for row in rows] == ["0.1", "0.2", "", "0.3", ""]


def test_an_epoch_can_be_a_number_of_samples(small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path) -> None:
    run(small_config(epochs=2, epoch_samples=20, batch_size=4), blobs, tmp_path / "run")
    content = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["global_step"] == 2 * 20 // 4


def test_the_learning_rate_decays_to_zero_over_all_steps(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    for power, expected in ((0.9, 0.0), (0.0, 1e-3)):
        run(small_config(settings={"power": power}), blobs, tmp_path / str(power))
        content = torch.load(tmp_path / str(power) / "checkpoints" / "last.ckpt", weights_only=True)
        assert content["optimizer_states"][0]["param_groups"][0]["lr"] == pytest.approx(expected)


def without_lesions(folder: DatasetFolder) -> DatasetFolder:
    """The same dataset, with empty masks in its validation part."""
    for case in folder.split.validation:
        mask = folder.mask(case)
        assert mask is not None
        write_nifti(replace(mask, voxels=np.zeros_like(mask.voxels)), folder.root / str(case.label))
    return folder


def test_validation_without_a_lesion_chooses_nothing(
    small_config: MakeConfig, blobs_copy: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = run(small_config(epochs=2), without_lesions(blobs_copy), tmp_path / "run")
    said = "no mask of a validation case shows a lesion, so the last epoch is kept and the threshold stays at 0.5"
    assert said in caplog.text
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["last.ckpt"]
    assert done.result["threshold"] == 0.5


def test_lesions_can_be_counted_where_there_are_none(
    small_config: MakeConfig, blobs_copy: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = run(small_config(epochs=1, monitor="count"), without_lesions(blobs_copy), tmp_path / "run")
    assert "no mask" not in caplog.text
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").exists()
    assert done.result["threshold"] == 0.5


def test_a_run_is_not_overwritten(finished: Run, blobs: DatasetFolder) -> None:
    before = (finished.folder / "result.json").read_bytes()
    with pytest.raises(InputError, match="there is a run already; go on with it by --resume"):
        run(finished.config, blobs, finished.folder)
    assert (finished.folder / "result.json").read_bytes() == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_start_that_failed_leaves_the_folder_free(
    resume: bool, small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="diverged in epoch 1"):
        run(small_config(epochs=1, settings={"lr": 1e30}), blobs, tmp_path / "run")
    corrected = run(small_config(epochs=1), blobs, tmp_path / "run", resume=resume)
    assert Config.from_dict(record_of(corrected)) == corrected.config


def record_of(done: Run) -> dict[str, Any]:
    content = yaml.safe_load((done.folder / "config.yaml").read_text())
    return {key: value for key, value in content.items() if key in Config.__dataclass_fields__}


@pytest.mark.parametrize(
    "change", [{"seed": 9}, {"epochs": 99}, {"settings": {"lr": 0.5}}, {"network_options": {"channels": [4, 4]}}]
)
def test_a_run_is_not_resumed_with_another_recipe(
    change: dict[str, Any], finished: Run, small_config: MakeConfig, blobs: DatasetFolder
) -> None:
    before = (finished.folder / "config.yaml").read_bytes()
    config = Config.from_dict(finished.config.to_dict() | change)
    with pytest.raises(InputError, match=f"{next(iter(change))} is not what this run was started with"):
        run(config, blobs, finished.folder, resume=True)
    assert (finished.folder / "config.yaml").read_bytes() == before


def test_a_run_is_not_resumed_with_another_split(finished: Run, blobs_copy: DatasetFolder) -> None:
    split = blobs_copy.split
    changed = replace(split, training=split.training[1:], test=(*split.test, split.training[0]))
    DatasetFolder(blobs_copy.root, blobs_copy.name, changed).save()
    with pytest.raises(InputError, match="the dataset's split is not what this run was started with"):
        run(finished.config, blobs_copy, finished.folder, resume=True)


@pytest.mark.parametrize(
    ("method", "kinds", "command"),
    [("points", "point or region", "--labels points"), ("full", "mask", "--labels masks")],
)
def test_missing_labels_are_answered_with_the_command_that_makes_them(
    method: str, kinds: str, command: str, small_config: MakeConfig, blobs_copy: DatasetFolder, tmp_path: Path
) -> None:
    blobs_copy.store.path.unlink()
    with pytest.raises(InputError, match=f"needs labels of kind {kinds} .*'groundglass prepare .* {command}'"):
        run(small_config(method=method), blobs_copy, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("method", "way"), [("points", "groundglass annotate"), ("full", "prepare the images together with masks")]
)
def test_without_masks_labels_are_not_said_to_come_from_them(
    method: str, way: str, small_config: MakeConfig, blobs_copy: DatasetFolder, tmp_path: Path
) -> None:
    blobs_copy.store.path.unlink()
    split = replace(blobs_copy.split, training=tuple(replace(case, label=None) for case in blobs_copy.split.training))
    DatasetFolder(blobs_copy.root, blobs_copy.name, split).save()
    with pytest.raises(InputError, match=f"the training cases have none; nor have they masks.*{way}"):
        run(small_config(method=method), blobs_copy, tmp_path / "run")


def test_labels_of_other_cases_do_not_count(
    small_config: MakeConfig, blobs_copy: DatasetFolder, tmp_path: Path
) -> None:
    split = blobs_copy.split
    changed = replace(split, training=split.test, test=split.training)
    DatasetFolder(blobs_copy.root, "blobs", changed).save()
    with pytest.raises(InputError, match="the training cases have none"):
        run(small_config(), blobs_copy, tmp_path / "run")


def test_an_unknown_kind_of_labels_is_answered_with_the_known_ones(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no labels of kind 'points'; choose from point, region"):
        run(small_config(labels=["points"]), blobs, tmp_path / "run")


def test_a_folder_that_is_no_dataset_is_said(small_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a prepared dataset"):
        train(small_config(), tmp_path, tmp_path / "run", quiet=True)


def test_a_batch_too_small_for_batch_normalization_is_said(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    """One slice of 32 x 32 pixels is a single one at stride 32."""
    config = small_config(network="unet", network_options={}, batch_size=1, epochs=1)
    says = r"recipe: batch_size 1 with grid\.size \[32, 32\], .* leave normalization a single value .*; raise one"
    with pytest.raises(InputError, match=says):
        run(config, blobs, tmp_path / "run")


@pytest.mark.parametrize("lr", [1e30, 1e4])  # beyond all numbers, and merely senseless
def test_diverged_training_is_said(lr: float, small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path) -> None:
    says = r"training diverged in epoch 1: a weight of network is \S+, the loss .*no good epoch.*lower settings\.lr"
    with pytest.raises(InputError, match=says):
        run(small_config(epochs=4, settings={"lr": lr}), blobs, tmp_path / "run")
    assert not (tmp_path / "run" / "result.json").exists()


@pytest.mark.parametrize(
    ("monitor", "score"),
    [
        ("dice", r"Dice 0\.\d{3} at 0\.5"),
        ("best-dice", r"best Dice 0\.\d{3}"),
        ("precision", r"AP 0\.\d{3}"),
        ("count", r"MAE \d+\.\d{3}"),
    ],
)
def test_progress_is_shown_unless_quiet(
    monitor: str, score: str, small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    from rich.console import Console

    console = Console(record=True, width=80, force_terminal=True)
    train(small_config(monitor=monitor), blobs.root, tmp_path / "run", device="cpu", console=console)
    shown = console.export_text()
    assert "points, plain-unet, seed 0" in shown
    for title, count in {"reading training": "4/4", "reading validation": "1/1", "scoring test": "1/1"}.items():
        assert re.search(rf"{title} cases +\S+ {count} ", shown)
    assert re.search(r"choosing the threshold +\S+ 1/1 ", shown)
    assert "2/2" in shown
    assert re.search(rf"loss \d\.\d{{3}}  {score} 0:00:00 left", shown)


@pytest.fixture(autouse=True)
def _same_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    assert torch.get_num_threads() == before


def test_the_machine_is_described() -> None:
    assert "cores" in machine()
    assert {"groundglass", "python", "torch", "lightning", "numpy"} == set(versions())


def test_keeping_freed_memory_says_whether_it_can() -> None:
    import platform

    assert keep_freed_memory() is (platform.libc_ver()[0] == "glibc")


def test_few_steps_are_said(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(small_config(epochs=1, epoch_samples=8), blobs, tmp_path / "short")
    assert "only 2 steps: that is little to learn in; try --epochs 100" in caplog.text
    caplog.clear()
    stages = {"method": "attention-fusion", "network": "classifier", "network_options": {"attention": True}}
    stages |= {"method_options": {"stage1_epochs": 2}, "grid": {"size": [64, 64]}, "monitor": "precision"}
    run(small_config(**stages, epochs=3, epoch_samples=8), blobs, tmp_path / "stages")
    assert "only 2 steps in its second stage: that is little to learn in; try --epochs 102" in caplog.text
    caplog.clear()
    run(small_config(epochs=1, epoch_samples=100, batch_size=1), blobs, tmp_path / "long")
    assert "little to learn in" not in caplog.text
