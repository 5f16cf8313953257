"""What a network runs on."""

from __future__ import annotations

from typing import Any
from typing import cast

import pytest
import torch

from groundglass.errors import InputError
from groundglass.experiments.device import on_device


class Moved:
    """Stands in for a method, and for a torch without CUDA."""

    def to(self, device: str) -> str:
        if device.startswith("cuda"):
            raise AssertionError("Torch not compiled with CUDA enabled")
        return device


def on(device: str) -> Any:
    return on_device(cast(Any, Moved()), device)


def test_auto_is_a_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for there, best in ((True, "mps"), (False, "cpu")):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=there: there)
        assert on("auto") == best
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(InputError, match="--device 'auto' cannot be used here; choose cpu"):
        on("auto")


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_device_that_is_not_there_is_said(device: str) -> None:
    with pytest.raises(InputError, match=f"--device '{device}' cannot be used here; choose cpu"):
        on(device)


@pytest.mark.parametrize("device", ["tpu", "meta", ""])
def test_a_device_nobody_knows_is_said(device: str) -> None:
    with pytest.raises(InputError, match="choose auto, cpu, cuda or mps"):
        on(device)
