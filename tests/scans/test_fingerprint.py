"""What tells one file or folder from another."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundglass.errors import InputError
from groundglass.scans.fingerprint import fingerprint


def test_content_decides_and_names_do_not(tmp_path: Path) -> None:
    for folder, content in (("a", "12"), ("doe", "12"), ("b", "13"), ("c", "21")):
        (tmp_path / folder).mkdir()
        for number, text in enumerate(content):
            (tmp_path / folder / f"{folder}{number}.dcm").write_text(text)
    (tmp_path / "a" / ".hidden").touch()
    prints = {folder: fingerprint(tmp_path / folder) for folder in ("a", "doe", "b", "c")}
    assert prints["a"] == prints["doe"]
    assert len(set(prints.values())) == 3
    with pytest.raises(InputError, match="there is no such file or folder"):
        fingerprint(tmp_path / "nowhere")


@pytest.mark.parametrize("header", ["NRRD0004\ndata file: a.raw\n", "NDims = 3\nElementDataFile = a.raw\n"])
def test_voxels_beside_their_header_count(tmp_path: Path, header: str) -> None:
    path, voxels = tmp_path / "a.nhdr", tmp_path / "a.raw"
    path.write_text(header)
    voxels.write_bytes(b"1")
    before = fingerprint(path)
    voxels.write_bytes(b"2")
    assert fingerprint(path) != before
