"""Which slices an epoch is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.training.trainer import build_loader
from groundglass.training.trainer import build_trainer

MakeConfig = Callable[..., Config]


def drawn(config: Config, blobs: DatasetFolder, output: Path, keep: dict[str, list[int]]) -> Counter[int]:
    """How often each usable slice comes in an epoch; ``keep`` says which slices still have their labels."""
    method = build_method(config)
    samples = SliceSamples(blobs, blobs.split.training, config.grid, kinds=["point"])
    unlabeled = torch.ones(len(samples), dtype=torch.bool)
    unlabeled[keep["labeled"]] = False
    samples.tensors["target"][unlabeled] = 255
    samples.tensors["case"] = torch.as_tensor(keep["cases"])
    samples.datasets = torch.tensor([0, 0, 1])
    trainer = build_trainer(config, output, method, [], device="cpu", devices=1, console=None)
    loader = build_loader(config, method, samples, trainer)
    return Counter(loader.sampler)


def config_of(small_config: MakeConfig, draw: str) -> Config:
    return small_config(
        method="consistency", method_options={"unlabeled": True}, draw=draw, epoch_samples=4000, batch_size=8
    )


@pytest.mark.parametrize(
    ("draw", "labeled_share", "first_share"),
    [
        ("slices", 2 / 8, 1 / 8),
        ("halves", 1 / 2, 1 / 4),
        ("lesions", 1 / 2, 1 / 4),
        ("cases", 1 / 2 + 1 / 14, 1 / 2),
        ("datasets", 1 / 7, 1 / 14),
    ],
)
def test_slices_cases_datasets_or_halves_have_equal_chances(
    small_config: MakeConfig,
    blobs: DatasetFolder,
    tmp_path: Path,
    draw: str,
    labeled_share: float,
    first_share: float,
) -> None:
    """Eight slices; two have labels; the first is a case of its own, the others are one case.

    For datasets the last is a case too, the only one of its dataset.
    """
    keep = {"labeled": [0, 2], "cases": [0, 1, 1, 1, 1, 1, 1, 2] if draw == "datasets" else [0, 1, 1, 1, 1, 1, 1, 1]}
    counts = drawn(config_of(small_config, draw), blobs, tmp_path / "run", keep)
    assert sum(counts.values()) == 4000
    assert (counts[0] + counts[2]) / 4000 == pytest.approx(labeled_share, abs=0.03)
    assert counts[0] / 4000 == pytest.approx(first_share, abs=0.03)


def test_without_the_option_only_labeled_slices_are_drawn(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    config = small_config(method="consistency", epoch_samples=400)
    counts = drawn(config, blobs, tmp_path / "run", {"labeled": [2, 4], "cases": list(range(8))})
    assert set(counts) == {2, 4}


@pytest.mark.parametrize("draw", ["cases", "halves", "lesions"])
def test_drawing_needs_a_number_of_slices(small_config: MakeConfig, draw: str) -> None:
    with pytest.raises(InputError, match=f"draw: {draw} needs epoch_samples"):
        small_config(draw=draw)
