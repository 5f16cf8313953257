"""Before the network whose answer is kept learns anything, no weights are kept, and no run ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_training_resume import checkpoint
from test_training_resume import history

from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.config import Config
from groundglass.methods import METHODS
from groundglass.methods.settings import TrainingSettings
from groundglass.networks import build_network
from groundglass.training import callbacks
from groundglass.training.run import train

TAGS = {"draw": "tags", "epoch_samples": 8, "batch_size": 4, "monitor": "precision"}
"""Two steps an epoch, each of two slices of either kind."""

NETWORKS: dict[str, dict[str, Any]] = {
    "icd": {"network": "classifier", "network_options": {"encoder": "plain", "channels": [4, 8]}},
    "vagan": {"network": "map-generator", "network_options": {"channels": [2, 4]}},
    "bl": {"network": "map-generator", "network_options": {"channels": [2, 4]}},
    "decomposition": {"network": "decomposition", "network_options": {"channels": [2, 4]}},
}


def run(
    small_config: Callable[..., Config],
    folder: DatasetFolder,
    output: Path,
    method: str,
    options: dict[str, Any],
    **changes: Any,
) -> None:
    keys = {"epochs": 2, **NETWORKS[method], **TAGS, **changes}
    recipe = small_config(method=method, method_options=options, **keys)
    train(recipe, folder.root, output, quiet=True, device="cpu")


CRITIC = {"critic_channels": [2, 2]}


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("icd", {"warm_up": 2}, "epochs 2 leave none for the top-down branch; set it above method_options.warm_up, 2"),
        (
            "vagan",
            {"critic_start": 5, "long_turns": 0},
            "any of the run's 4 steps, as method_options.critic_start is 5",
        ),
        ("vagan", {}, "any of the run's 4 steps, as method_options.long_turns is 100"),
        ("decomposition", CRITIC | {"critic_steps": 5}, "4 steps, as method_options.critic_steps is 5; lower it, or"),
        ("bl", CRITIC | {"classifier_steps": 4}, "any of the run's 4 steps, as method_options.classifier_steps is 4"),
        ("bl", CRITIC | {"classifier_steps": 1, "critic_start": 4}, "as method_options.critic_start is 4"),
    ],
)
def test_a_run_that_is_all_warm_up_is_refused(
    method: str,
    options: dict[str, Any],
    sentence: str,
    small_config: Callable[..., Config],
    blobs: DatasetFolder,
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=sentence):
        run(small_config, blobs, tmp_path / "run", method, options)
    assert not list(tmp_path.glob("run/checkpoints/*"))


def test_both_kinds_of_slices_must_be_drawn_for_every_batch(
    small_config: Callable[..., Config], blobs: DatasetFolder, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"^recipe: this method compares .* with others; set draw: tags$"):
        run(small_config, blobs, tmp_path / "run", "decomposition", CRITIC, draw="slices")


def test_a_critic_is_trained_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_network("decomposition", {"channels": [2, 4]})
    method: Any = METHODS.build("decomposition", CRITIC, network=network, settings=TrainingSettings())
    monkeypatch.setattr(type(method), "trainer", SimpleNamespace(world_size=2))
    with pytest.raises(InputError, match="in one process; use --devices 1"):
        method.on_fit_start()


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("icd", {"warm_up": 1}),
        ("vagan", {"critic_start": 4, "critic_steps": 1, "long_turns": 0}),
        ("decomposition", CRITIC | {"adversarial": 0.0, "critic_start": 9}),
        ("bl", CRITIC | {"classifier_steps": 3}),
    ],
)
def test_one_step_of_training_is_enough(
    method: str, options: dict[str, Any], small_config: Callable[..., Config], blobs: DatasetFolder, tmp_path: Path
) -> None:
    run(small_config, blobs, tmp_path / "run", method, options)
    assert (tmp_path / "run" / "result.json").exists()


@pytest.mark.parametrize(
    ("method", "options", "first"),
    [
        ("icd", {"warm_up": 2}, 2),
        ("vagan", {"critic_start": 4, "critic_steps": 1, "long_turns": 0}, 1),
        ("bl", CRITIC | {"classifier_steps": 3}, 1),
        ("bl", CRITIC | {"classifier_steps": 4}, 2),
        ("decomposition", CRITIC, 0),
    ],
)
def test_weights_of_the_warm_up_are_not_kept_however_they_score(
    method: str,
    options: dict[str, Any],
    first: int,
    small_config: Callable[..., Config],
    blobs: DatasetFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = iter([0.9, 0.8, 0.7, 0.6])

    def worse_and_worse(*_: object) -> dict[str, float]:
        return {"average_precision": next(scores)}

    monkeypatch.setattr(callbacks, "validate", worse_and_worse)
    run(small_config, blobs, tmp_path / "run", method, options, epochs=4, validate_every=100)
    validated = [int(row["epoch"]) for row in history(tmp_path / "run") if row["val_average_precision"]]
    assert validated == sorted({0, first})
    assert checkpoint(tmp_path / "run", "best")["epoch"] == first
