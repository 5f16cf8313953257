from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from tiny_files import make_source

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import complete_parts
from groundglass.datasets.catalog.layout import files_by_stem
from groundglass.datasets.catalog.layout import pair
from groundglass.errors import InputError


@pytest.mark.parametrize("name", LAYOUTS.entries)
def test_every_layout_of_the_registry_is_there_and_refuses_a_folder_that_is_not(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS.get(name)
    assert issubclass(layout, Layout)
    assert layout.__doc__
    if issubclass(layout, FolderLayout):
        assert next(iter(inspect.signature(layout).parameters)) == "root"
        with pytest.raises(InputError, match="missing: there is no such folder; give the folder that holds"):
            layout(tmp_path / "missing")
        (tmp_path / "empty").mkdir()
        with pytest.raises(InputError, match="empty"):
            layout(tmp_path / "empty").sources()


def test_files_are_sorted_by_name_without_ending(tmp_path: Path) -> None:
    for name in ("b.nii.gz", "a2.NII.GZ", "a10.nii", ".hidden.nii", "a.png", "._b.nii.gz"):
        (tmp_path / name).touch()
    assert list(files_by_stem(tmp_path, (".nii", ".nii.gz"))) == ["a10", "a2", "b"]
    (tmp_path / "b.nii").touch()
    with pytest.raises(InputError, match=r"b\.nii\.gz: has the same name but for its ending as b\.nii"):
        files_by_stem(tmp_path, (".nii", ".nii.gz"))


def test_the_first_file_that_stands_alone_is_named() -> None:
    one, other = Path("one.png"), Path("other.png")
    pair({"one": one}, {"one": other}, Path())
    with pytest.raises(InputError, match=r"one\.png: has no mask"):
        pair({"one": one, "two": other}, {"two": other}, Path())
    with pytest.raises(InputError, match=r"other\.png: has no image"):
        pair({"one": one}, {"one": one, "two": other}, Path())
    with pytest.raises(InputError, match="scans: holds no image"):
        pair({}, {"one": one}, Path("scans"))


def test_parts_that_are_there_are_left_alone() -> None:
    sources = [
        make_source(name, part=part) for name, part in zip("abc", ("training", "validation", "test"), strict=True)
    ]
    assert complete_parts(sources) == sources


def test_a_part_that_is_missing_comes_out_of_the_training_patients_alone() -> None:
    training = [make_source(f"t{number}", part="training", patient=f"p{number // 2}") for number in range(20)]
    validation = [make_source(f"v{number}", part="validation") for number in range(3)]
    completed = complete_parts([*training, *validation])
    assert completed[20:] == validation
    held_out = {source.patient for source in completed if source.part == "test"}
    assert len(held_out) == 2
    assert not held_out & {source.patient for source in completed if source.part == "training"}
    assert sum(source.part == "test" for source in completed) == 4
