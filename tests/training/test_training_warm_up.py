"""Runs that end before the network whose answer is kept has learned anything are refused before they begin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.config import Config
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
    small_config: Callable[..., Config], folder: DatasetFolder, output: Path, method: str, options: dict[str, Any]
) -> None:
    recipe = small_config(method=method, method_options=options, epochs=2, **NETWORKS[method], **TAGS)
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
