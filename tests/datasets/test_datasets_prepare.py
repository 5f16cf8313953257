from __future__ import annotations

import weakref
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_files import LPS
from tiny_files import hu
from tiny_files import lesion
from tiny_files import make_source
from tiny_files import write_volume

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.pairs import PairedFolders
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import published_split
from groundglass.errors import InputError
from groundglass.labels.events import MaskLabel
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import SliceTag
from groundglass.scans.scan import Scan

PARTS = ("training", "training", "validation", "test")


class Listed(Layout):
    """The sources it is given; its protocols train on two scans and validate on one."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources

    def sources(self) -> list[Source]:
        return list(self._sources)

    def split(self, cases: Sequence[Case], depths: dict[str, int], protocol: str | None) -> Split:
        return published_split(cases, depths, protocol, training=2, validation=1)


def four(**changes: Any) -> list[Source]:
    return [make_source(name, **({"part": part} | changes)) for name, part in zip("abcd", PARTS, strict=True)]


def test_a_prepared_dataset_holds_what_was_read(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    folder = prepare(Listed(four()), tmp_path / "set", name="mine", progress=lambda *count: done.append(count))
    opened = DatasetFolder.open(tmp_path / "set")
    assert opened.name == "mine"
    assert opened.split == folder.split
    assert [case.case for case in opened.split.training] == ["a", "b"]
    assert [case.case for case in opened.split.validation] == ["c"]
    assert [case.case for case in opened.split.test] == ["d"]
    case = opened.split.test[0]
    mask = opened.mask(case)
    assert mask is not None
    np.testing.assert_array_equal(opened.scan(case).voxels, hu(1))
    np.testing.assert_array_equal(mask.voxels, lesion())
    assert case.lungs is None
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_intensity_is_stated_for_each_case(tmp_path: Path) -> None:
    display = Scan(np.arange(2048).reshape(8, 16, 16).astype(np.uint8), LPS, "display")
    sources = [*four()[:3], make_source("d", part="test", image=lambda: display)]
    split = prepare(Listed(sources), tmp_path, name="mixed").split
    assert [case.intensity for case in (*split.training, *split.test)] == ["hu", "hu", "display"]


def test_a_protocol_replaces_the_parts_the_sources_name(tmp_path: Path) -> None:
    split = prepare(Listed(four()), tmp_path, name="mixed", protocol="mixed").split
    assert split.shared_patients
    assert [case.slices for case in split.training] == [(0, 3)] * 4
    assert [case.slices for case in split.test] == [(4, 8)] * 4
    assert DatasetFolder.open(tmp_path).split == split


def test_only_one_case_is_in_memory_at_a_time(tmp_path: Path) -> None:
    alive: weakref.WeakSet[Scan] = weakref.WeakSet()
    seen = []

    def image() -> Scan:
        seen.append(len(alive))
        scan = Scan(hu(), LPS, "hu")
        alive.add(scan)
        return scan

    prepare(Listed(four(image=image)), tmp_path, name="lean")
    assert seen == [0, 0, 0, 0]


def test_a_dataset_is_never_overwritten(tmp_path: Path) -> None:
    prepare(Listed(four()), tmp_path, name="first")
    before = (tmp_path / "dataset.json").read_text()
    with pytest.raises(InputError, match="prepared dataset already"):
        prepare(Listed(four()), tmp_path, name="second")
    assert (tmp_path / "dataset.json").read_text() == before


def test_the_folder_that_is_read_is_not_written_to(tmp_path: Path) -> None:
    write_volume(tmp_path / "scans/images/a.nii.gz", hu())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="is the folder that is read"):
        prepare(PairedFolders(tmp_path / "scans"), tmp_path / "scans/../scans", name="same")
    assert sorted(tmp_path.rglob("*")) == before


def test_raw_scans_of_the_same_names_are_not_overwritten(tmp_path: Path) -> None:
    for site, seed in (("a", 1), ("b", 2)):
        for name in ("1", "2", "3"):
            write_volume(tmp_path / site / f"images/{name}.nii.gz", hu(seed))
            write_volume(tmp_path / site / f"masks/{name}.nii.gz", lesion())
    before = {path: path.read_bytes() for path in (tmp_path / "b").rglob("*.nii.gz")}
    with pytest.raises(InputError, match="b: holds images and was not left by an unfinished 'prepare'; choose another"):
        prepare(PairedFolders(tmp_path / "a"), tmp_path / "b", name="a")
    assert {path: path.read_bytes() for path in (tmp_path / "b").rglob("*.*") if path.is_file()} == before
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/.DS_Store").touch()
    prepare(PairedFolders(tmp_path / "a"), tmp_path / "empty", name="a")


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is a file; choose a folder"):
        prepare(Listed(four()), tmp_path / "file", name="set")


def test_what_is_left_of_a_failure_is_no_dataset_and_can_be_prepared_again(tmp_path: Path) -> None:
    sources = four()
    broken = [*sources[:2], make_source("c", part="validation", lesions=np.ones((8, 16, 16), np.uint8)), sources[3]]
    with pytest.raises(InputError, match="c-mask: every pixel is lesion"):
        prepare(Listed(broken), tmp_path, name="set")
    assert (tmp_path / "images/b.nii.gz").exists()
    with pytest.raises(InputError, match="not a prepared dataset"):
        DatasetFolder.open(tmp_path)
    prepare(Listed(sources), tmp_path, name="set")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset.json", "images", "masks"]
    whole = DatasetFolder.open(tmp_path)
    assert whole.mask(whole.split.validation[0]) is not None


def test_masks_that_are_all_empty_are_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    empty = four(mask=lambda: Scan(lesion() * 0, LPS, "mask"))
    prepare(Listed([*empty[:3], four()[3]]), tmp_path / "one", name="set")
    prepare(Listed(four(mask=None)), tmp_path / "none", name="set")
    assert not caplog.messages
    prepare(Listed(empty), tmp_path / "empty", name="set")
    assert caplog.messages == [f"{tmp_path / 'empty'}: not one mask has a lesion; check that these are the masks"]


def fails_before_writing(sources: list[Source], output: Path, says: str, protocol: str | None = None) -> None:
    with pytest.raises(InputError, match=says):
        prepare(Listed(sources), output, name="set", protocol=protocol)
    assert not (output / "images").exists()


def test_a_split_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    leak = [make_source(name, part=part, patient="same") for name, part in zip("abcd", PARTS, strict=True)]
    fails_before_writing(leak, tmp_path, "patient same is in both training and validation")
    fails_before_writing(four(), tmp_path, "'both'", protocol="both")
    fails_before_writing(four(part=None)[:3], tmp_path, "there are 3 scans")


@pytest.mark.parametrize("name", ["", "..", ".a", "a/b", "a\\b", "a:b", "a\nb", "a ", "-a", "a" * 151])
def test_names_that_cannot_be_file_names_are_refused(tmp_path: Path, name: str) -> None:
    sources = [*four()[:3], make_source(name, part="test")]
    fails_before_writing(sources, tmp_path, "cannot name a file")


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    fails_before_writing([*four(), make_source("A", part="test")], tmp_path, "two cases are named 'a'")
    fails_before_writing([], tmp_path, "no case to prepare")


@pytest.fixture
def mixed(tmp_path: Path) -> DatasetFolder:
    """Four scans with lesions on slices 1, 2 and 6, of which 0 to 2 train."""
    mask = lesion()
    mask[6, 4, 4] = 1
    return prepare(Listed(four(lesions=mask)), tmp_path / "mixed", name="mixed", protocol="mixed")


def slices_of(folder: DatasetFolder, kind: type, place: Callable[[Any], Any]) -> set[int]:
    """Slices the simulated labels of one kind are on, each case's own."""
    found = set()
    for case in folder.split.training:
        scan = folder.scan(case)
        labels = [label for label in folder.labels()[case.case] if isinstance(label, kind)]
        assert labels
        found |= {int(np.rint(scan.to_indices(np.array([place(label)]))[0, 0])) for label in labels}
    return found


def test_labels_are_simulated_on_training_slices_only(mixed: DatasetFolder) -> None:
    simulate_labels(mixed, ["points", "masks", "slice-tags", "scan-tags"], lesion_free="background")
    assert slices_of(mixed, Point, lambda label: label.position) == {1, 2}
    assert slices_of(mixed, Region, lambda label: label.lower) == {0}
    assert slices_of(mixed, SliceTag, lambda label: label.position) == {0, 1, 2}
    masks = [label for some in mixed.labels(["mask"]).values() for label in some if isinstance(label, MaskLabel)]
    assert [label.slices for label in masks] == [(0, 3)] * 4


def test_labels_are_simulated_on_training_cases_only(tmp_path: Path) -> None:
    folder = prepare(Listed(four()), tmp_path, name="set")
    count = simulate_labels(folder, ["scan-tags"])
    assert count == 2
    assert set(folder.labels()) == {"a", "b"}


def test_simulated_points_lie_on_lesions_and_beside_them(mixed: DatasetFolder) -> None:
    simulate_labels(mixed, ["points"])
    case = mixed.split.training[0]
    mask = mixed.mask(case)
    assert mask is not None
    for label in mixed.labels(["point"])[case.case]:
        assert isinstance(label, Point)
        d, h, w = np.rint(mask.to_indices(np.array([label.position]))[0]).astype(int)
        assert mask.voxels[d, h, w] == label.label


def test_simulating_twice_or_nothing_or_the_unknown_is_refused(mixed: DatasetFolder, tmp_path: Path) -> None:
    simulate_labels(mixed, ["points"])
    with pytest.raises(InputError, match="simulated point labels already; leave them out, or prepare another"):
        simulate_labels(mixed, ["points"])
    simulate_labels(mixed, ["scan-tags"])
    with pytest.raises(InputError, match="'scribbles'"):
        simulate_labels(mixed, ["scribbles"])
    with pytest.raises(InputError, match=r"no training case has a name like 'zzz\*'"):
        simulate_labels(mixed, ["points"], only="zzz*")
    bare = [make_source(name, mask=None, part="training") for name in "ab"]
    with pytest.raises(InputError, match="no training case has a mask"):
        simulate_labels(prepare(Listed(bare), tmp_path / "bare", name="bare"), ["points"])


@pytest.mark.parametrize(
    ("options", "words"), [({"rule": "center"}, "rule 'center'"), ({"lesion_free": "no"}, "lesion-free")]
)
def test_a_rule_that_does_not_exist_is_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    folder = prepare(Listed(four()), tmp_path, name="mine")
    with pytest.raises(InputError, match=words):
        simulate_labels(folder, ["points"], **options)
    assert folder.store.read() == []
