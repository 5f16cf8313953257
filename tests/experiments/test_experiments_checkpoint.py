from __future__ import annotations

import errno
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from groundglass.errors import InputError
from groundglass.experiments.checkpoint import AtomicCheckpointIO
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.checkpoint import find_checkpoint
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.checkpoint import read_checkpoint
from groundglass.experiments.checkpoint import set_threshold
from groundglass.experiments.config import Config

Content = dict[str, Any]


@pytest.fixture
def content(small_config: Callable[..., Config]) -> Content:
    method = build_method(small_config(method="consistency", method_options={"weight": 0.5}))
    return {"state_dict": method.state_dict(), "hyper_parameters": dict(method.hparams)}


@pytest.fixture
def path(tmp_path: Path, content: Content) -> Path:
    AtomicCheckpointIO().save_checkpoint(content, tmp_path / "good.ckpt")
    return tmp_path / "good.ckpt"


def test_a_method_comes_back_with_its_weights_and_recipe(path: Path, content: Content) -> None:
    method, config = load_method(path)
    assert all(torch.equal(value, content["state_dict"][key]) for key, value in method.state_dict().items())
    assert config == Config.from_dict(content["hyper_parameters"]["config"])
    assert (type(method).__name__, method.weight, method.training) == ("PointConsistency", 0.5, False)


def test_no_pretrained_weights_are_read_for_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from groundglass.networks.unet import LiteEncoder

    config = Config.from_dict({"method": "points", "network_options": {"channels": [8, 8, 8, 8, 8]}})
    asked = []
    build = LiteEncoder.__init__

    def record(self: LiteEncoder, *, pretrained: bool = True) -> None:
        asked.append(pretrained)
        build(self, pretrained=False)

    monkeypatch.setattr(LiteEncoder, "__init__", record)
    method = build_method(config)
    content = {"state_dict": method.state_dict(), "hyper_parameters": dict(method.hparams)}
    AtomicCheckpointIO().save_checkpoint(content, tmp_path / "a.ckpt")
    load_method(tmp_path / "a.ckpt")
    assert asked == [True, False]


@pytest.mark.parametrize(("names", "chosen"), [(["best", "last"], "best"), (["last"], "last")])
def test_a_run_folder_stands_for_its_best_checkpoint(tmp_path: Path, names: list[str], chosen: str) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in names:
        (tmp_path / "checkpoints" / f"{name}.ckpt").touch()
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoints" / f"{chosen}.ckpt"


@pytest.mark.parametrize("name", ["missing.ckpt", "."])
def test_a_missing_checkpoint_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="there is no checkpoint; give a run folder"):
        load_method(tmp_path / name)


GARBAGE = {
    "empty": b"",
    "text": b"method: points\n",
    "pickle": pickle.dumps({"a": 1}, protocol=2),
    "zip": b"PK\x03\x04" + bytes(60),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.ckpt").write_bytes(GARBAGE[name])
    with pytest.raises(InputError, match=r"bad\.ckpt: damaged, or not a checkpoint"):
        load_method(tmp_path / "bad.ckpt")


def test_a_checkpoint_cut_off_anywhere_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(0, len(whole), max(len(whole) // 60, 1)):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="damaged, or not a checkpoint"):
            load_method(path)


def test_random_bytes_never_end_in_anything_but_an_input_error(path: Path) -> None:
    generator = random.Random(0)
    for _ in range(150):
        path.write_bytes(generator.randbytes(generator.randrange(1, 200)))
        with pytest.raises(InputError):
            load_method(path)


class Evil:
    """Unpickling it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_no_code_is_run_from_a_checkpoint(tmp_path: Path, content: Content) -> None:
    torch.save({**content, "extra": Evil(tmp_path / "made")}, tmp_path / "evil.ckpt")
    with pytest.raises(InputError, match=r"evil\.ckpt: damaged, or not a checkpoint"):
        load_method(tmp_path / "evil.ckpt")
    with pytest.raises(InputError, match=r"evil\.ckpt"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "evil.ckpt", weights_only=False)
    assert not (tmp_path / "made").exists()
    torch.load(tmp_path / "evil.ckpt", weights_only=False)
    assert (tmp_path / "made").exists()  # so it would have been


@pytest.mark.parametrize("value", [1, [1], {}, {"hyper_parameters": None}, {"hyper_parameters": {"config": 5}}])
def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match=r"other\.ckpt: not a checkpoint of groundglass"):
        read_checkpoint(tmp_path / "other.ckpt")


@pytest.mark.parametrize(
    "change", [{"method": "gasnet"}, {"network": "vnet"}, {"seconds": 3}, {"method_options": {"q": 1}}]
)
def test_a_recipe_this_version_does_not_know_is_refused(path: Path, content: Content, change: dict[str, Any]) -> None:
    content["hyper_parameters"]["config"] |= change
    torch.save(content, path)
    with pytest.raises(InputError, match=r"good\.ckpt: from another version of groundglass .*; train again"):
        load_method(path)


@pytest.mark.parametrize("spoil", ["drop", "shape", "other method", "no weights"])
def test_weights_that_do_not_fit_are_refused(path: Path, content: Content, spoil: str) -> None:
    weights = content["state_dict"]
    key = next(iter(weights))
    if spoil == "drop":
        del weights["network.head.weight"]
    elif spoil == "shape":
        weights["network.head.weight"] = torch.zeros(2, 2)
    elif spoil == "other method":
        weights[f"critic.{key}"] = weights.pop(key)
    else:
        content["state_dict"] = 3
    torch.save(content, path)
    with pytest.raises(InputError, match=r"good\.ckpt: its weights do not fit its own recipe"):
        load_method(path)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), RuntimeError("write failed\nfile")]
)
def test_a_full_disk_leaves_the_previous_checkpoint(
    path: Path, content: Content, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    before = path.read_bytes()

    def full(checkpoint: Content, file: Path) -> None:
        Path(file).write_bytes(b"half a checkpoint")
        raise error

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(InputError, match=r"good\.ckpt: could not be written"):
        AtomicCheckpointIO().save_checkpoint(content, path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["good.ckpt"]


def test_a_checkpoint_can_be_removed_twice(path: Path) -> None:
    for _ in range(2):
        AtomicCheckpointIO().remove_checkpoint(path)
        assert not path.exists()


def test_a_threshold_is_put_into_a_checkpoint_and_nothing_else_changes(path: Path, content: Content) -> None:
    assert float(load_method(path)[0].threshold) == 0.5
    set_threshold(path, 0.75)
    method, _ = load_method(path)
    assert float(method.threshold) == 0.75
    weights = {key: value for key, value in method.state_dict().items() if key != "threshold"}
    assert all(torch.equal(value, content["state_dict"][key]) for key, value in weights.items())


def test_a_network_without_a_map_of_every_pixel_is_refused_for_methods_that_need_one() -> None:
    with pytest.raises(InputError, match=r"network 'classifier' gives no map of every pixel.*'points' needs"):
        build_method(Config(method="points", network="classifier"), pretrained=False)
