"""Looking at a slice of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from groundglass.cli import main
from groundglass.datasets.folder import DatasetFolder
from groundglass.experiments.config import Config
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


@pytest.mark.parametrize(
    ("case", "index", "words"), [("nobody", "0", "no case"), ("case5", "2", "slices 0 to 1, not 2")]
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
