"""Looking at a slice of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from groundglass.cli import main
from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.config import Config
from groundglass.report.figures import png
from groundglass.report.slice_views import _picture
from groundglass.training.run import train


@pytest.fixture(scope="module")
def run(small_config: Callable[..., Config], blobs: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("look") / "run"
    options = {"critic_channels": [4, 8]}
    config = small_config(
        method="decomposition", network="decomposition", method_options=options, draw="tags", epoch_samples=4, epochs=1
    )
    train(config, blobs.root, folder, quiet=True, device="cpu")
    return folder


def test_a_slice_is_drawn_with_its_versions(run: Path, blobs: DatasetFolder, tmp_path: Path) -> None:
    picture = tmp_path / "slice.png"
    assert main(["look", str(run), str(blobs.root), "--case", "case5", "--slice", "0", "-o", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("top", "title"), [(0.00123, "0 to 0.0012"), (0.75, "0 to 0.75"), (0.0, "0 everywhere")])
def test_heat_is_scaled_by_the_slices_own_maximum(top: float, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heat = torch.zeros(1, 1, 20, 20)
    heat[..., :10] = top
    drawn: list[Figure] = []
    monkeypatch.setattr("groundglass.report.slice_views.png", lambda figure: drawn.append(figure) or png(figure))
    _picture({"slice": torch.zeros_like(heat), "heat map": heat}, None)
    axes = drawn[0].axes[1]
    colors = axes.images[0].to_rgba(heat[0, 0].numpy())[..., :3]
    assert axes.get_title() == f"heat map ({title})"
    assert colors[0, 0].min() == pytest.approx(0.644 if top else 0.001, abs=0.01), "the brightest of the map, or black"
    assert colors[0, 19].max() < 0.02


@pytest.mark.parametrize(
    ("case", "index", "words"),
    [("nobody", "0", "no case"), ("case5", "2", "slices 0 to 1, not 2; choose from")],
)
def test_what_is_not_there_is_named(
    run: Path,
    blobs: DatasetFolder,
    tmp_path: Path,
    case: str,
    index: str,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["look", str(run), str(blobs.root), "--case", case, "--slice", index, "-o", str(tmp_path / "slice.png")]
    assert main(command) == 2
    assert words in capsys.readouterr().err
