"""Clicks of one's own beside the scans, from the folder to a trained run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_files import LPS
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_volume

from groundglass.cli import main
from groundglass.datasets.catalog.joined import Joined
from groundglass.datasets.catalog.pairs import PairedFolders
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import possible_kinds
from groundglass.datasets.unfinished import reopen
from groundglass.errors import InputError
from groundglass.labels.events import Point
from groundglass.labels.events import Retraction
from groundglass.labels.markups import to_slicer
from groundglass.labels.rasterize import rasterize
from groundglass.scans.scan import apply_affine

HEADER = "case,x_lps_mm,y_lps_mm,z_lps_mm,label"
SMALL = ["--network", "plain-unet", "--network_options.channels", "[4,8]", "--grid.size", "[32,32]"]


def at(*index: int) -> tuple[float, float, float]:
    """LPS mm of an index ``(d, h, w)``."""
    x, y, z = apply_affine(LPS, np.array([index]))[0].tolist()
    return x, y, z


def line(case: str, *index: int, label: str = "lesion") -> str:
    return ",".join([case, *map(str, at(*index)), label])


def table(root: Path, *lines: str) -> None:
    (root / "points.csv").write_text("\n".join([HEADER, *lines]) + "\n")


def slicer(root: Path, case: str, *indices: tuple[int, int, int]) -> None:
    (root / "points").mkdir(exist_ok=True)
    points = [Point(case="x", seconds=0, label=1, position=at(*index)) for index in indices]
    (root / f"points/{case}.mrk.json").write_text(to_slicer(points))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, name in enumerate("abcd"):
        write_volume(tmp_path / f"raw/images/{name}.nii.gz", hu(seed))
    return tmp_path / "raw"


def points(folder: DatasetFolder) -> list[Any]:
    return [(one.case, one.label, one.annotator) for one in folder.store.read() if isinstance(one, Point)]


def test_clicks_alone_train(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line(name, 1, 3, 5) for name in "abc"] + [line(name, 1, 12, 2, label="background") for name in "abc"]
    table(root, *lines)
    slicer(root, "d", (2, 10, 5))
    data = str(tmp_path / "data")
    assert main(["prepare", str(root), "-o", data, "--quiet"]) == 0
    assert "7 points that came with the scans" in capsys.readouterr().out
    folder = DatasetFolder.open(data)
    assert len(points(folder)) == 7
    assert points(folder)[0] == ("a", 1, "imported")
    run = ["train", data, "-o", str(tmp_path / "run"), "--recipe", "pl", "--epochs", "2", "--device", "cpu", "--quiet"]
    assert main([*run, *SMALL]) == 0
    assert (tmp_path / "run/checkpoints/last.ckpt").exists()


def test_clicks_lie_where_they_were_made_whatever_the_order_of_the_axes(root: Path, tmp_path: Path) -> None:
    upside_down = np.diag([1.0, 1.0, -1.0, 1.0])
    write_volume(root / "images/a.nii.gz", hu(), upside_down)
    (root / "points.csv").write_text("case,r,a,s\na.nii.gz,3,5,-2\n")
    folder = prepare(PairedFolders(root), tmp_path / "set", name="f")
    case = folder.split.training[0]
    scan = folder.scan(case)
    target = rasterize(
        folder.labels()["a"], affine=scan.affine, shape=scan.shape, read_mask=lambda _: np.zeros(scan.shape, bool)
    )
    (clicked,) = np.argwhere(target == 1)
    assert scan.voxels[tuple(clicked)] == hu()[2, 5, 3]


def test_clicks_beside_masks_are_not_simulated_unasked(root: Path, tmp_path: Path) -> None:
    for name in "abc":
        write_volume(root / f"masks/{name}.nii.gz", lesion())
    slicer(root, "d", (1, 3, 5))
    folder = prepare(PairedFolders(root), tmp_path / "set", name="f")
    assert "d" in [case.case for case in folder.split.training], "it has no mask to be scored by"
    assert len(folder.split.test) == 1
    assert possible_kinds(folder) == ["masks", "slice-tags", "scan-tags"]


def test_clicks_are_kept_once_and_not_again_once_taken_back(root: Path, tmp_path: Path) -> None:
    table(root, line("a", 1, 3, 5), line("a", 1, 3, 5), line("b", 1, 3, 5))
    folder = prepare(PairedFolders(root), tmp_path / "set", name="f")
    first, second = folder.store.read()
    folder.store.append([Retraction(case="a", seconds=0, target=first.id)])
    reopen(folder.root)
    prepare(PairedFolders(root), folder.root, name="f")
    assert folder.store.read() == [second]


def test_joined_datasets_bring_their_clicks(root: Path, tmp_path: Path) -> None:
    table(root, line("a", 1, 3, 5))
    both = Joined({"one": {"root": str(root)}, "two": {"root": str(root)}})
    assert points(prepare(both, tmp_path / "set", name="f")) == [("one-a", 1, "imported"), ("two-a", 1, "imported")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{HEADER}\n", "has no line below its header; add the points, or take the file away"),
        ("case,x,y,z\na,1,2,3\n", "the table has no columns x_lps_mm, y_lps_mm, z_lps_mm (or r, a, s); name the axes"),
        (f"{HEADER}\nA,-10,-20,-100,1\n", "there is no case 'A'; mend the name, or take its points out"),
        (
            f"{HEADER}\na,-10,-20,-100,maybe\n",
            "line 2 of the table: the label 'maybe' is neither lesion nor background",
        ),
        (f"{HEADER}\n,-10,-20,-100,1\n", "line 2 of the table: names no case"),
        (
            f"{HEADER}\na,-10,-20,-100,1\na,-10,-20,100,1\n",
            "1 of 2 points lie outside the image of case a, the first at -10, -20, 100 mm LPS; choose their case, or",
        ),
    ],
)
def test_a_wrong_table_of_points_is_named(text: str, says: str, root: Path, tmp_path: Path) -> None:
    (root / "points.csv").write_text(text)
    with pytest.raises(InputError, match=rf"raw/points\.csv: .*{re.escape(says)}"):
        prepare(PairedFolders(root), tmp_path / "set", name="f")


def test_a_table_in_another_encoding_is_refused(root: Path) -> None:
    (root / "points.csv").write_bytes(f"{HEADER},annotator\na,-10,-20,-100,1,Müller\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"points\.csv: is not text in UTF-8"):
        PairedFolders(root).sources()


def test_wrong_point_lists_are_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "points").mkdir()
    with pytest.raises(InputError, match=r"raw/points: holds no point list <case>\.mrk\.json; put one in"):
        PairedFolders(root).sources()
    slicer(root, "a", (1, 3, 5))
    (root / "points/notes.txt").touch()
    assert PairedFolders(root).sources()[0].points
    assert r"points: left out, as it is no point list <case>.mrk.json: notes.txt" in caplog.text
    table(root, line("a", 1, 3, 5))
    with pytest.raises(InputError, match=r"points/a\.mrk\.json: case a has points in points\.csv too; keep one"):
        PairedFolders(root).sources()
    (root / "points.csv").unlink()
    slicer(root, "e", (1, 3, 5))
    with pytest.raises(InputError, match=r"points/e\.mrk\.json: there is no case 'e'"):
        PairedFolders(root).sources()
    (root / "points/e.mrk.json").write_text("{}")
    with pytest.raises(InputError, match=r"points/e\.mrk\.json: the file is not a Slicer point list"):
        PairedFolders(root).sources()
