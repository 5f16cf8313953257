"""``groundglass predict --lungs``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from groundglass.cli import main
from groundglass.experiments.checkpoint import build_method
from groundglass.experiments.config import Config
from groundglass.prediction.lungs import NO_LUNGS
from groundglass.prediction.lungs import PARTED
from groundglass.scans.checks import NO_SIZE
from groundglass.scans.reader import read_mask


@pytest.fixture
def command(small_config: Callable[..., Config], tmp_path: Path) -> list[str]:
    """Two 8-bit slices, their lung masks, and a model that wants lungs; everything is lesion."""
    rng = np.random.default_rng(0)
    lungs = np.zeros((40, 40), np.uint8)
    lungs[8:30, 4:18] = lungs[8:30, 22:36] = 255
    for name in ("a", "b"):
        for kind, pixels in (("scans", rng.integers(20, 200, (40, 40), dtype=np.uint8)), ("lungs", lungs)):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / kind / f"{name}.png")
    method = build_method(small_config(grid={"size": [32, 32], "crop": "lungs", "outside": "black"}))
    torch.save(
        {"state_dict": method.state_dict(), "hyper_parameters": dict(method.hparams)}, tmp_path / "some-run.ckpt"
    )
    options = ["--checkpoint", str(tmp_path / "some-run.ckpt"), "--intensity", "display", "--threshold", "0", "--quiet"]
    return ["predict", *options]


def lesions_of(path: Path) -> int:
    return int((read_mask(path).voxels > 0).sum())


def test_the_lungs_of_one_scan(command: list[str], tmp_path: Path) -> None:
    scan, mask, out = (str(tmp_path / name) for name in ("scans/a.png", "lungs/b.png", "out"))
    assert main([*command, scan, "--lungs", mask, "-o", out]) == 0
    assert lesions_of(tmp_path / "out" / "lesions.nii.gz") == lesions_of(tmp_path / "out" / "lungs.nii.gz") == 616
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["measurements"]["regions"]["right"]["burden_percent"] == pytest.approx(100)
    assert report["provenance"]["lungs"] == "given by the user"
    assert PARTED in report["warnings"]
    assert NO_LUNGS not in report["warnings"]
    assert main([*command, scan, "--lungs", mask, "-o", str(tmp_path / "mask.nii.gz")]) == 0
    assert lesions_of(tmp_path / "mask.nii.gz") == 616


def test_the_lungs_of_many_scans_lie_in_a_folder(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = [str(tmp_path / "scans" / f"{name}.png") for name in ("a", "b")]
    many = [*command, *scans, "--lungs", str(tmp_path / "lungs"), "-o"]
    assert main([*many, str(tmp_path / "out")]) == 0
    assert [lesions_of(tmp_path / "out" / name / "lesions.nii.gz") for name in ("a", "b")] == [616, 616]
    (tmp_path / "lungs" / "b.png").unlink()
    capsys.readouterr()
    assert main([*many, str(tmp_path / "other")]) == 2
    error = capsys.readouterr().err
    assert "1 of 2 scans failed: " in error
    assert "b.png: " in error
    assert "lungs holds no lung mask of its name; add it" in error
    assert len(error.strip().splitlines()) == 1
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["a"], "a missing mask stops no other scan"


def test_a_mask_that_does_not_fit_is_one_sentence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.full((30, 40), 255, np.uint8)).save(tmp_path / "small.png")
    scan, mask = str(tmp_path / "scans" / "a.png"), str(tmp_path / "small.png")
    for output in ("out", "out.nii.gz"):
        capsys.readouterr()
        assert main([*command, scan, "--lungs", mask, "-o", str(tmp_path / output)]) == 2
        error = capsys.readouterr().err
        assert "small.png: not on the grid of the scan, 1 x 30 x 40 voxels instead of 1 x 40 x 40" in error
        assert len(error.strip().splitlines()) == 1


def test_an_8_bit_scan_without_lungs_is_warned_of_in_the_report(
    command: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert main([*command, str(tmp_path / "scans" / "a.png"), "-o", str(tmp_path / "out")]) == 0
    assert NO_LUNGS in caplog.text
    assert NO_LUNGS in json.loads((tmp_path / "out" / "report.json").read_text())["warnings"]
    assert lesions_of(tmp_path / "out" / "lesions.nii.gz") == 1600


def test_a_file_that_is_there_is_not_replaced(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "scan.nii.gz"
    there.write_bytes(b"a scan")
    assert main([*command, str(tmp_path / "scans" / "a.png"), "-o", str(there)]) == 2
    error = capsys.readouterr().err
    assert "scan.nii.gz: exists already; choose another name, or remove it first" in error
    assert len(error.strip().splitlines()) == 1
    assert there.read_bytes() == b"a scan"


def test_what_a_mask_alone_cannot_hold_is_said_before_anything_is_read(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, blocked = str(tmp_path / "scans" / "a.png"), str(tmp_path / "scans" / "b.png" / "mask.nii.gz")
    for words, *options in (
        ("--count: does not fit in", "--count", "-o", str(tmp_path / "mask.nii.gz")),
        ("results are a folder, and a mask alone is .nii or .nii.gz", "-o", str(tmp_path / "mask.nrrd")),
        ("cannot be written to (Not a directory)", "-o", blocked),
    ):
        capsys.readouterr()
        assert main(["predict", "--checkpoint", "never-loaded.ckpt", scan, *options]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert len(error.strip().splitlines()) == 1
    assert not list(tmp_path.glob("mask*"))


def test_what_is_odd_about_a_scan_is_said_beside_a_mask_alone(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, lungs = str(tmp_path / "scans" / "a.png"), str(tmp_path / "lungs" / "a.png")
    assert main([*command, scan, "--lungs", lungs, "-o", str(tmp_path / "MASK.NII.GZ")]) == 0
    error = capsys.readouterr().err
    assert NO_SIZE in error
    assert PARTED in error
    assert (tmp_path / "MASK.NII.GZ").is_file()


def test_a_finished_scan_is_not_taken_for_one_of_another_model(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = [*command, str(tmp_path / "scans" / "a.png"), "--resume", "-o", str(tmp_path / "out")]
    assert main(again) == 0
    capsys.readouterr()
    assert main(again) == 0
    assert "1 finished before" in capsys.readouterr().out
    assert main([*again, "--orientations", "8"]) == 2
    assert "out: holds a result that differs in orientations from what is asked for; choose" in capsys.readouterr().err
