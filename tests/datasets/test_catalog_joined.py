from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_volume

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.pairs import PairedFolders
from groundglass.datasets.prepare import prepare
from groundglass.datasets.simulated import simulate_labels
from groundglass.errors import InputError

PHANTOMS: dict[str, Any] = {"layout": "phantom", "count": 3, "shape": [8, 64, 64]}


def test_cases_of_all_datasets_stay_in_their_own_part_and_get_labels_of_their_own(tmp_path: Path) -> None:
    layout = LAYOUTS.build("joined", {"layouts": {"one": PHANTOMS, "two": PHANTOMS | {"seed": 1}}})
    folder = prepare(layout, tmp_path / "data", name="both")
    assert [case.case for case in folder.split.training] == ["one-phantom-000", "two-phantom-000"]
    assert [case.case for case in folder.split.test] == ["one-phantom-002", "two-phantom-002"]
    assert [case.dataset for case in folder.split.test] == ["one", "two"]
    simulate_labels(folder, ["masks"], only="one-*")
    simulate_labels(folder, ["slice-tags"], only="two-*")
    kinds = {name: {label.kind for label in labels} for name, labels in folder.labels().items()}
    assert kinds == {"one-phantom-000": {"mask"}, "two-phantom-000": {"slice_tag"}}


def test_nothing_to_join_is_refused() -> None:
    with pytest.raises(InputError, match="name one layout or more"):
        LAYOUTS.build("joined", {"layouts": {}})


def test_an_unknown_layout_is_named() -> None:
    with pytest.raises(InputError, match="there is no layout called 'phantoms'"):
        LAYOUTS.build("joined", {"layouts": {"one": {"layout": "phantoms"}}})


def test_a_layout_that_splits_by_patients_does_so_on_its_own(tmp_path: Path) -> None:
    for site in ("a", "b"):
        for seed, name in enumerate("123456"):
            write_volume(tmp_path / site / "images" / f"{name}.nii.gz", hu(seed))
            write_volume(tmp_path / site / "masks" / f"{name}.nii.gz", lesion())
    (tmp_path / "a/patients.csv").write_text("case,patient\n1,p\n2,p\n3,p\n4,q\n5,q\n6,r\n")
    options = {site: {"layout": "folder", "root": str(tmp_path / site)} for site in ("a", "b")}
    split = prepare(LAYOUTS.build("joined", {"layouts": options}), tmp_path / "data", name="both").split
    for site in ("a", "b"):
        alone = prepare(PairedFolders(tmp_path / site), tmp_path / f"{site}-alone", name=site).split
        for part in ("training", "validation", "test"):
            joined = [case.case for case in getattr(split, part) if case.dataset == site]
            assert joined == [f"{site}-{case.case}" for case in getattr(alone, part)]


def test_a_joined_layout_needs_the_options_of_its_own() -> None:
    with pytest.raises(InputError, match="layout 'folder' needs the option 'root'; give it"):
        LAYOUTS.build("joined", {"layouts": {"own": {"layout": "folder"}}})
