"""``groundglass report``: from files to a page, and one sentence for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from jsonargparse import ArgumentParser
from PIL import Image

from groundglass.cli import main
from groundglass.cli import report
from groundglass.errors import InputError
from groundglass.prediction.lungs import PARTED
from groundglass.report import scan_pictures
from groundglass.scans.checks import NO_SIZE
from groundglass.scans.nifti import write_nifti
from groundglass.scans.phantom import Phantom
from groundglass.scans.phantom import generate_phantom
from groundglass.scans.scan import Scan


@pytest.fixture(autouse=True)
def few_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_pictures, "SLICES", 1)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return generate_phantom(2, shape=(40, 96, 96), burden=0.2)


@pytest.fixture(scope="module")
def files(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doe_jane")
    write_nifti(phantom.scan, folder / "scan.nii.gz")
    write_nifti(phantom.scan.with_voxels(phantom.lesion_mask, "mask"), folder / "lesions.nii.gz")
    write_nifti(phantom.scan.with_voxels(phantom.lungs, "mask"), folder / "lungs.nii.gz")
    return folder


def run(files: Path, output: Path, *options: str, mask: str = "lesions.nii.gz") -> None:
    parser = ArgumentParser(exit_on_error=False)
    report.add_arguments(parser)
    command = [str(files / "scan.nii.gz"), str(files / mask), "-o", str(output), *options]
    report.run(parser.parse_args(command))


def given(files: Path) -> list[str]:
    return ["--lungs", str(files / "lungs.nii.gz")]


def test_report_from_files(files: Path, phantom: Phantom, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(files, tmp_path / "out", *given(files))
    said = capsys.readouterr().out
    assert "CT-1" in said
    assert said.splitlines()[-1] == str(tmp_path / "out" / "report.html")
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["measurements"]["regions"]["both"]["burden_percent"] == pytest.approx(100 * phantom.burden, abs=1e-3)
    assert record["provenance"]["lungs"] == "given by the user"
    assert set(record["provenance"]["seconds"]) == {"reading", "lungs", "measuring"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<title>Chest CT: lesion report</title>" in page
    assert "scan.nii.gz" not in page
    assert "doe_jane" not in page


def test_lungs_are_found_where_none_are_given(files: Path, phantom: Phantom, tmp_path: Path) -> None:
    run(files, tmp_path / "out")
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    both = record["measurements"]["regions"]["both"]
    assert both["burden_percent"] == pytest.approx(100 * phantom.burden, abs=5)
    assert "morphology" in record["provenance"]["lungs"]


def test_given_lungs_need_no_sides(files: Path, phantom: Phantom, tmp_path: Path) -> None:
    write_nifti(phantom.scan.with_voxels(phantom.lungs > 0, "mask"), files / "no-sides.nii.gz")
    run(files, tmp_path / "out", "--lungs", str(files / "no-sides.nii.gz"))
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    regions = record["measurements"]["regions"]
    for side, number in (("right", 1), ("left", 2)):
        true = np.count_nonzero(phantom.lungs == number) / np.count_nonzero(phantom.lungs)
        assert regions[side]["lung_ml"] / regions["both"]["lung_ml"] == pytest.approx(true, abs=0.05)
    assert any("parted at its middle" in warning for warning in record["warnings"])


def test_gray_edges_of_a_jpeg_mask_are_no_lesion(tmp_path: Path) -> None:
    lesion, lungs = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    lesion[20:30, 14:26], lungs[8:56, 4:60] = 255, 255
    for name, pixels in (("scan.png", lungs // 3), ("lesions.jpg", lesion), ("lungs.png", lungs)):
        Image.fromarray(pixels).save(tmp_path / name, **({"quality": 30} if name.endswith("jpg") else {}))
    assert np.count_nonzero(np.asarray(Image.open(tmp_path / "lesions.jpg"))) > np.count_nonzero(lesion)
    parser = ArgumentParser(exit_on_error=False)
    report.add_arguments(parser)
    command = [str(tmp_path / "scan.png"), str(tmp_path / "lesions.jpg"), "--lungs", str(tmp_path / "lungs.png")]
    report.run(parser.parse_args([*command, "--intensity", "display", "-o", str(tmp_path / "out")]))
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    share = np.count_nonzero(lesion) / np.count_nonzero(lungs)
    assert record["measurements"]["regions"]["both"]["burden_percent"] == pytest.approx(100 * share, abs=0.01)


def test_identifiers_are_kept_on_request(files: Path, tmp_path: Path) -> None:
    run(files, tmp_path / "out", *given(files), "--keep-identifiers", "--title", "Follow-up")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<dt>file</dt><dd>scan.nii.gz</dd>" in page
    assert "<h1>Follow-up</h1>" in page


def test_nothing_is_overwritten_unasked(files: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        run(files, output, *given(files))
    assert [path.name for path in output.iterdir()] == ["notes.txt"]
    run(files, output, *given(files), "--overwrite")
    run(files, output, *given(files), "--overwrite")
    assert (output / "notes.txt").read_text() == "mine"
    assert (output / "report.html").exists()
    with pytest.raises(InputError, match="is a file"):
        run(files, output / "notes.txt", "--overwrite")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A picture of two lungs, its lesion as PNG and JPEG, and a lung mask that does not tell the sides."""
    lungs, lesions = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    lungs[8:56, 4:28] = lungs[8:56, 36:60] = 255
    lesions[20:36, 8:24] = 255
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(folder / "scan.png")
    Image.fromarray(lungs).save(folder / "lungs.png")
    Image.fromarray(lesions).save(folder / "lesions.png")
    Image.fromarray(lesions).save(folder / "lesions.jpg", quality=50)
    return folder


@pytest.mark.parametrize("mask", ["lesions.png", "lesions.jpg"])
def test_a_picture_has_shares_of_each_lung_but_no_volumes(
    pictures: Path, mask: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, lesions, lungs = (str(pictures / name) for name in ("scan.png", mask, "lungs.png"))
    assert main(["report", scan, lesions, "--lungs", lungs, "-o", str(tmp_path / "out")]) == 0
    assert "lesion burden 11.1" in capsys.readouterr().out
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    regions = record["measurements"]["regions"]
    assert {regions[side]["lesion_ml"] for side in ("both", "right", "left")} == {None}
    assert regions["right"]["burden_percent"] == pytest.approx(100 * 16 * 16 / (48 * 24), abs=1e-3)
    assert regions["left"]["burden_percent"] == 0
    assert {NO_SIZE, PARTED} <= set(record["warnings"])


def test_what_makes_a_scan_doubtful_is_in_its_report(files: Path, tmp_path: Path) -> None:
    run(files, tmp_path / "out", *given(files))
    warnings = json.loads((tmp_path / "out" / "report.json").read_text())["warnings"]
    assert "Slices lie 7.5 mm apart: small lesions between them are missed." in warnings


def test_mistakes_are_told_in_a_sentence(files: Path, phantom: Phantom, tmp_path: Path) -> None:
    small = Scan(np.zeros((4, 5, 6), np.uint8), phantom.scan.affine, "mask")
    write_nifti(small, files / "small.nii.gz")
    with pytest.raises(InputError, match="4 x 5 x 6 voxels instead of 40 x 96 x 96"):
        run(files, tmp_path / "out", *given(files), mask="small.nii.gz")
    with pytest.raises(InputError, match=r"small\.nii\.gz"):
        run(files, tmp_path / "out", "--lungs", str(files / "small.nii.gz"))
    with pytest.raises(InputError, match="choose hu or display"):
        run(files, tmp_path / "out", "--intensity", "gray")
    with pytest.raises(InputError, match="leave --series out"):
        run(files, tmp_path / "out", "--series", "2")
    assert not (tmp_path / "out").exists()
