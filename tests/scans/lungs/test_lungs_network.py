from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from groundglass.errors import InputError
from groundglass.scans.lungs import lung_mask
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

TURNED = np.array([[0.0, -1, 0, 9], [1, 0, 0, 4], [0, 0, -3, 60], [0, 0, 0, 1]])


class FakeInferer:
    """Calls the dark half in view of the patient's right 1 and the rest 2, as ``(slices, rows, columns)``."""

    asked: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        if Path(options["modelpath"]).read_bytes() != b"weights":
            raise RuntimeError("Error(s) in loading state_dict for UNet")
        FakeInferer.asked = options

    def apply(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        side = np.where(np.arange(image.shape[2]) < image.shape[2] // 2, 1, 2)
        return ((image < 0) * side).astype(np.uint8)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fake = ModuleType("lungmask")
    fake.LMInferer = FakeInferer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lungmask", fake)
    path = tmp_path / "r231.pth"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def scan() -> Scan:
    voxels = np.random.default_rng(0).choice([-800, 40], (6, 5, 4)).astype(np.int16)
    return Scan(voxels, TURNED, "hu")


def test_the_network_sees_an_upright_scan_and_its_mask_lies_on_the_scan(scan: Scan, weights: Path) -> None:
    lungs = lung_mask(scan, weights=weights)
    assert FakeInferer.asked["modelname"] == "R231"
    assert FakeInferer.asked["modelpath"] == str(weights)
    np.testing.assert_array_equal(lungs.voxels > 0, scan.voxels < 0)
    assert lungs.voxels.dtype == np.uint8
    upright = to_canonical(lungs).voxels
    assert set(np.unique(upright[:, :, :2])) == {0, 1}
    assert set(np.unique(upright[:, :, 2:])) == {0, 2}


def test_no_lungs_by_the_network_is_refused(scan: Scan, weights: Path) -> None:
    with pytest.raises(InputError, match="no lungs are in view"):
        lung_mask(scan.with_voxels(np.full_like(scan.voxels, 40)), weights=weights)


def test_a_missing_package_is_named(scan: Scan, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lungmask", None)
    with pytest.raises(InputError, match=r'pip install "groundglass\[lungmask\]"'):
        lung_mask(scan, weights=weights)


def test_a_missing_file_is_named(scan: Scan, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pth: there is no such weights file"):
        lung_mask(scan, weights=tmp_path / "none.pth")


def test_another_file_is_refused(scan: Scan, weights: Path) -> None:
    weights.write_bytes(b"a picture")
    with pytest.raises(InputError, match=r"r231\.pth: these are not weights"):
        lung_mask(scan, weights=weights)
