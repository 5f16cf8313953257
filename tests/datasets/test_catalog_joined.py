from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.prepare import prepare
from groundglass.datasets.prepare import simulate_labels
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


def test_a_layout_that_splits_by_chance_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    from tiny_files import hu
    from tiny_files import write_volume

    write_volume(tmp_path / "images" / "a.nii.gz", hu())
    layout = LAYOUTS.build("joined", {"layouts": {"own": {"layout": "folder", "root": str(tmp_path)}}})
    with pytest.raises(InputError, match="case own-a: its layout does not say which part it is in"):
        layout.sources()
