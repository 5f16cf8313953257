"""Which slices an epoch is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.loader import EpochSampler
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


@pytest.mark.parametrize("draw", ["cases", "halves", "lesions", "tags"])
def test_drawing_needs_a_number_of_slices(small_config: MakeConfig, draw: str) -> None:
    with pytest.raises(InputError, match=f"draw: {draw} needs epoch_samples"):
        small_config(draw=draw)


def tagged(small_config: MakeConfig, batch_size: int = 4) -> Config:
    return small_config(method="mixed", labels=["slice_tag"], draw="tags", epoch_samples=30, batch_size=batch_size)


def test_pairs_of_tags_fill_every_batch_half_and_half(
    small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path
) -> None:
    config = tagged(small_config)
    samples = SliceSamples(blobs, blobs.split.training, config.grid, kinds=["slice_tag"])
    method = build_method(config)
    trainer = build_trainer(config, tmp_path / "run", method, [], device="cpu", devices=1, console=None)
    loader = build_loader(config, method, samples, trainer)
    batches = list(loader)
    assert len(batches) == len(loader) == 7
    assert all(batch["tag"].tolist() == [1, 0, 1, 0] for batch in batches)


def test_two_processes_share_the_pairs(small_config: MakeConfig) -> None:
    chosen = torch.arange(10)
    lesion = chosen < 4
    shares = []
    for rank in (0, 1):
        shares.append(list(EpochSampler(chosen, seed=3, length=20, pair=lesion, rank=rank, world_size=2)))
    assert [len(share) for share in shares] == [10, 10]
    assert all((share[0::2] < torch.tensor(4)).all() for share in map(torch.tensor, shares))
    assert all((share[1::2] >= torch.tensor(4)).all() for share in map(torch.tensor, shares))
    whole = list(EpochSampler(chosen, seed=3, length=20, pair=lesion))
    assert sorted(whole) == sorted(shares[0] + shares[1])


def test_pairs_need_both_kinds_of_tags(small_config: MakeConfig, blobs: DatasetFolder, tmp_path: Path) -> None:
    config = tagged(small_config)
    samples = SliceSamples(blobs, blobs.split.training, config.grid, kinds=["slice_tag"])
    samples.tensors["tag"].fill_(1)
    method = build_method(config)
    trainer = build_trainer(config, tmp_path / "run", method, [], device="cpu", devices=1, console=None)
    with pytest.raises(InputError, match="draw: tags needs slices"):
        build_loader(config, method, samples, trainer)
