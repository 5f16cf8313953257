"""The report of a scan: a page that needs nothing else, figures in JSON, pictures the right way round, no names."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from chests import Chest
from chests import make_chest
from chests import turned
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from groundglass.report import plots
from groundglass.report import scan_pictures
from groundglass.report import scan_report
from groundglass.report.burden import measure
from groundglass.report.ct_figures import pair
from groundglass.report.measurements import Profile
from groundglass.report.provenance import Provenance
from groundglass.report.scan_report import write_report
from groundglass.report.views import Surroundings
from groundglass.report.views import slices_to_show
from groundglass.scans.window import Window

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a report with two slices instead of eight, which takes a quarter of the time."""
    monkeypatch.setattr(scan_pictures, "SLICES", 2)

    def write_one(chest: Chest, **options: object) -> Path:
        provenance = Provenance("a model", "truth", {"threshold": 0.4}, {"network": 3.21}, ("The scan is odd.",))
        named = Chest(*(replace(one, path=Path("/scans/DOE^JANE.nii.gz")) for one in chest))
        write_report(
            tmp_path / "out",
            scan=named.scan,
            lesions=named.lesions,
            lungs=named.lungs,
            measurements=measure(*named),
            provenance=provenance,
            **options,  # type: ignore[arg-type]
        )
        return tmp_path / "out"

    return write_one


def text_of(page: str) -> str:
    """What a reader sees."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


class Balance(HTMLParser):
    """Checks that every tag that is opened is closed, in order."""

    VOID = ("meta", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_holds_everything_and_needs_nothing(write: Write) -> None:
    page = (write(make_chest()) / "report.html").read_text()
    checked = Balance()
    checked.feed(page)
    assert checked.open == []
    assert len(checked.pictures) == 4
    assert all(picture["alt"] and str(picture["src"]).startswith("data:image/png") for picture in checked.pictures)
    assert "<script" not in page
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:)|url\(|@import", page)
    text = text_of(page)
    for words in ("CT-1", "2.3 %", "Research use only", "not a medical device", "a model", "threshold 0.4"):
        assert words in text
    for words in ("The scan is odd.", "950 to \u2212700 HU", "0.2 ml are marked outside", "network 3.2", "numpy"):
        assert words in text


def test_of_one_slice_nothing_is_told_of_heights(write: Write) -> None:
    whole = write(make_chest())
    assert (whole / "overlays/coronal.png").exists()
    folder = write(Chest(*(one.slab(5, 6) for one in make_chest())))
    page = (folder / "report.html").read_text()
    checked = Balance()
    checked.feed(page)
    assert checked.open == []
    assert [path.name for path in (folder / "overlays").iterdir()] == ["slice-001.png"]
    assert len(checked.pictures) == 1
    text = text_of(page)
    assert "right lung" in text
    for words in ("third", "upper", "Slice by slice", "Coronal"):
        assert words not in text


def test_slices_of_unknown_distance_are_counted_from_1(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "png", lambda figure: drawn.append(figure) or b"")
    plots.profile_plot(
        Profile((0.0, 1.0, 2.0), (4.0, 4.0, 4.0), (0.0, 1.0, 0.0), (0.0, 25.0, 0.0)), [1], measured=False
    )
    part = drawn[0].axes[1]
    assert list(part.lines[0].get_xdata()) == [1, 2, 3]
    assert part.get_xlabel().startswith("slice, from 1")


def test_json_holds_all_measurements(write: Write) -> None:
    chest = make_chest()
    record = json.loads((write(chest) / "report.json").read_text())
    assert record["measurements"] == measure(*chest).to_dict()
    assert record["scan"]["axes"] == ["feet to head", "front to back", "right to left"]
    assert record["limits"]["ground_glass_hu"] == [-750, -300]
    assert record["provenance"]["model"] == "a model"
    assert "The scan is odd." in record["warnings"]
    assert "Research use only" in record["note"]


def test_no_name_anywhere_unless_asked(write: Write) -> None:
    folder = write(make_chest())
    for path in folder.rglob("*"):
        assert "DOE" not in path.name
        assert path.is_dir() or b"DOE" not in path.read_bytes()
    shown = write(make_chest(), identifiers={"patient": "DOE^<b>JANE</b>"})
    assert "DOE^&lt;b&gt;JANE" in (shown / "report.html").read_text()
    assert json.loads((shown / "report.json").read_text())["identifiers"] == {"patient": "DOE^<b>JANE</b>"}


def test_without_lesion_the_page_says_so(write: Write) -> None:
    folder = write(make_chest(lesion=False))
    text = text_of((folder / "report.html").read_text())
    assert "No lesion is marked" in text
    assert "CT-0" in text
    assert "mean HU" not in text
    assert "None" not in text
    assert "nan" not in text.split()
    assert len(list((folder / "overlays").glob("slice-*.png"))) == 2


def test_8_bit_scan_says_why_figures_are_missing(write: Write) -> None:
    chest = make_chest()
    grey = chest.scan.with_voxels(np.clip((chest.scan.voxels + 1250) / 6, 0, 255).astype(np.uint8), "display")
    text = text_of((write(chest._replace(scan=grey)) / "report.html").read_text())
    assert "8-bit grey values, not Hounsfield units" in text
    assert "needs Hounsfield units" in text
    assert "None" not in text


def test_pictures_of_unknown_size_have_shares_and_numbers_of_pixels_but_no_ml(write: Write) -> None:
    chest = make_chest()
    grid = np.eye(4)[[2, 1, 0, 3]]
    plain = Chest(*(replace(one, affine=grid, measured=False) for one in chest))
    folder = write(plain)
    text = text_of((folder / "report.html").read_text())
    assert "450 pixels of 19 440 pixels lung" in text
    assert "Numbers of pixels" in text
    assert "48 voxels of unknown size" in text
    assert not re.search(r"\b(ml|mm|cm²)\b", text.replace("there are no figures in ml or mm", "")), text
    record = json.loads((folder / "report.json").read_text())
    both, known = record["measurements"]["regions"]["both"], measure(*chest).both
    assert both["burden_percent"] == pytest.approx(known.burden_percent, abs=1e-3)
    assert both["lung_ml"] is both["lesion_ml"] is both["ground_glass_ml"] is None
    assert record["measurements"]["lesions"]["largest"][0] == {
        **{"volume_ml": None, "centroid_mm": None, "slice_index": 4, "lung": "right", "zone": "lower"},
        **{"mean_hu": -500, "mean_probability": None},
    }
    assert record["measurements"]["lesions"]["count"] == 2
    assert record["measurements"]["lesions"]["speck_count"] is None
    assert record["measurements"]["profile"]["lesion_cm2"] is None
    assert record["scan"]["spacing_mm"] is None
    assert not any("little for an adult" in warning for warning in record["warnings"])


def test_a_report_that_is_being_replaced_is_not_complete(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(make_chest())

    def stopped(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scan_report, "write_page", stopped)
    with pytest.raises(KeyboardInterrupt):
        write(make_chest(lesion=False))
    assert not (folder / "report.json").exists()


def test_one_lung_of_a_single_slice(write: Write) -> None:
    chest = Chest(*(one.slab(5, 6) for one in make_chest()))
    right = chest.lungs.with_voxels((chest.lungs.voxels == 1).astype(np.uint8))
    folder = write(chest._replace(lungs=right))
    text = text_of((folder / "report.html").read_text())
    assert "no left lung" in text
    checked = Balance()
    checked.feed((folder / "report.html").read_text())
    said = [picture["alt"] for picture in checked.pictures]
    assert "The slice, above without and below with the borders of lungs and lesions" in said
    assert [path.name for path in (folder / "overlays").glob("slice-*")] == ["slice-001.png"]


def test_a_second_report_replaces_the_first_and_nothing_else(write: Write) -> None:
    folder = write(make_chest())
    first = {path.name for path in (folder / "overlays").glob("slice-*")}
    (folder / "overlays" / "mine.png").write_text("mine")
    write(make_chest(lesion=False))
    second = {path.name for path in (folder / "overlays").glob("slice-*")}
    assert len(first) == len(second) == 2
    assert not first & second
    assert (folder / "overlays" / "mine.png").read_text() == "mine"
    assert json.loads((folder / "report.json").read_text())["measurements"]["lesions"]["count"] == 0


def pixels(content: bytes) -> NDArray[np.int_]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def orange(picture: NDArray[np.int_]) -> NDArray[np.bool_]:
    red, green, blue = np.moveaxis(picture, -1, 0)
    return (red > 150) & (red - blue > 80) & (red > green)


@pytest.mark.parametrize("flips", [(False, False, False), (True, True, True), (False, False, True)])
def test_right_lesion_is_drawn_at_the_left_at_the_back_and_in_coronal_at_the_bottom(flips: tuple[bool, ...]) -> None:
    chest = turned(make_chest(), (2, 0, 1), flips)
    around = Surroundings.of(*chest, window=Window.named("lung"))
    axial = pixels(pair(around.axial(5), "slice"))
    half = axial.shape[1] // 2
    assert not orange(axial[:, :half]).any()
    rows, columns = np.nonzero(orange(axial[:, half:]))
    assert columns.mean() < half / 2
    assert rows.mean() > axial.shape[0] / 2
    coronal = around.coronal()
    assert coronal.aspect == pytest.approx(2.5)
    rows, columns = np.nonzero(coronal.lesion)
    assert rows.mean() > coronal.lesion.shape[0] / 2
    assert columns.mean() < coronal.lesion.shape[1] / 2


def test_pictures_have_the_aspect_of_the_patient() -> None:
    chest = make_chest()
    affine = chest.scan.affine.copy()
    affine[:, 1] *= 2
    stretched = Chest(*(replace(one, affine=affine) for one in chest))
    plain, long = (
        pixels(pair(Surroundings.of(*one, window=Window.named("lung")).axial(5), "")) for one in (chest, stretched)
    )
    assert long.shape[0] > 1.7 * plain.shape[0]


def profile_of(lesion: list[float]) -> Profile:
    count = len(lesion)
    return Profile(tuple(map(float, range(count))), (100.0,) * count, tuple(lesion), tuple(lesion))


def test_slices_shown_hold_most_lesion_but_differ() -> None:
    area = [0.0] * 40
    area[10:30] = [50 - abs(index - 20) for index in range(10, 30)]
    chosen = slices_to_show(profile_of(area), 4)
    assert chosen == sorted(chosen)
    assert 20 in chosen
    assert np.diff(chosen).min() >= 2
    assert all(area[index] > 0 for index in chosen)
    assert slices_to_show(profile_of([0, 0, 5, 0]), 4) == [2]
    assert slices_to_show(profile_of([0] * 50), 4) == [9, 19, 29, 39]
