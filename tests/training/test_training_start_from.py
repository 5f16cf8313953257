"""A training that starts from the weights of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from groundglass.cli import main
from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import load_recipe
from groundglass.prediction.shipped import SHIPPED
from groundglass.training.run import Run
from groundglass.training.run import train
from groundglass.training.start_from import start_from

MakeConfig = Callable[..., Config]


def run(config: Config, folder: DatasetFolder, output: Path, **options: Any) -> Run:
    return train(config, folder.root, output, quiet=True, device="cpu", **options)


@pytest.fixture(scope="module")
def first(small_config: MakeConfig, blobs: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(small_config(method="full", epochs=6, settings={"lr": 1e-2}), blobs, tmp_path_factory.mktemp("a") / "a")


def test_it_goes_on_from_there_with_another_method(
    first: Run, small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    """With so small a learning rate the weights stay what they were, and the clicks' own threshold is chosen."""
    config = small_config(method="points", epochs=1, settings={"lr": 1e-12}, seed=3)
    second = run(config, blobs, tmp_path / "b", start=first.folder)
    for before, after in zip(first.method.network.parameters(), second.method.network.parameters(), strict=True):
        assert torch.allclose(before, after, atol=1e-6)
    assert len(yaml.safe_load((second.folder / "config.yaml").read_text())["started_from"]) == 12
    assert "pretrained" not in load_method(second.folder)[1].network_options, "the recipe stays as it was"


def test_another_start_is_another_run(
    first: Run, small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    config = small_config(method="full", epochs=1)
    run(config, blobs, tmp_path / "b", start=first.folder)
    with pytest.raises(InputError, match="what --start-from names is not what this run was started with"):
        run(config, blobs, tmp_path / "b", resume=True)
    run(config, blobs, tmp_path / "b", start=first.folder, resume=True)


def test_the_shipped_model_is_a_start() -> None:
    method = build_method(load_recipe("cb-flip-rot"), pretrained=False)
    start_from(method, "shipped")
    shipped = load_method(SHIPPED)[0].network.state_dict()
    assert all(torch.equal(value, shipped[name]) for name, value in method.network.state_dict().items())


def test_another_network_is_said(
    first: Run, small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = small_config(method="full", network_options={"channels": [4, 8, 16]})
    with pytest.raises(InputError, match=r"best\.ckpt: its network \(plain-unet, .*\) is not the one this recipe"):
        run(config, blobs, tmp_path / "b", start=first.folder)
    assert not (tmp_path / "b").exists()
    command = ["train", str(blobs.root), "-o", str(tmp_path / "b"), "--recipe", "full", "--start-from", "nowhere"]
    assert main(command) == 2
    assert "nowhere: there is no checkpoint" in capsys.readouterr().err
