from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from groundglass.datasets.folder import DatasetFolder
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.config import Config
from groundglass.experiments.export import export
from groundglass.training.run import train


def test_an_exported_model_is_half_the_size_and_predicts_the_same(
    small_config: Callable[..., Config], blobs: DatasetFolder, tmp_path: Path
) -> None:
    run = train(small_config(epochs=1), blobs.root, tmp_path / "run", quiet=True, device="cpu")
    export(run.folder, tmp_path / "given.ckpt")
    method, config = load_method(tmp_path / "given.ckpt")
    assert config == run.config
    assert float(method.threshold) == pytest.approx(float(run.method.threshold), abs=1e-3)
    image = torch.rand(1, 1, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(method.probabilities(image), run.method.eval().probabilities(image), atol=1e-2)
    content = torch.load(tmp_path / "given.ckpt", weights_only=True)
    assert set(content) == {"state_dict", "hyper_parameters"}
    assert {value.dtype for value in content["state_dict"].values() if value.ndim} == {torch.float16}


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no checkpoint"):
        export(tmp_path / "nothing", tmp_path / "given.ckpt")
    assert not (tmp_path / "given.ckpt").exists()
