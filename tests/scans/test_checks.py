from __future__ import annotations

import numpy as np
import pytest

from groundglass.scans.checks import scan_warnings
from groundglass.scans.scan import Scan


def chest(shape: tuple[int, int, int] = (60, 50, 60), spacing: tuple[float, ...] = (5, 6, 6)) -> Scan:
    """Soft tissue with lungs and some air around."""
    voxels = np.full(shape, 40, np.int16)
    voxels[:, : shape[1] // 2] = -850
    voxels[..., 0] = -1000
    return Scan(voxels, np.diag([*spacing, 1.0])[[2, 1, 0, 3]], "hu")


USUAL = chest((100, 200, 200), (2.5, 1.6, 1.6))


def changed(scan: Scan, low: float, high: float) -> Scan:
    return scan.with_voxels(np.clip(scan.voxels, low, high))


def test_a_usual_chest_has_none() -> None:
    assert scan_warnings(USUAL) == []
    turned = Scan(USUAL.voxels.transpose(2, 0, 1), USUAL.affine[:, [2, 0, 1, 3]], "hu")
    assert scan_warnings(turned) == []


@pytest.mark.parametrize(
    ("scan", "word"),
    [
        (chest((10, 200, 200), (5, 1.6, 1.6)), "Only 10 slices"),
        (chest((30, 200, 200), (8, 1.6, 1.6)), "8 mm apart"),
        (chest((100, 200, 200), (2.5, 1.6, 1.2)), "resampled or reformatted"),
        (chest((100, 60, 60), (2.5, 6, 6)), "resampled or reformatted"),
        (chest((250, 300, 300), (1, 1, 1)), "exactly 1 mm"),
        (chest((30, 200, 200), (0.5, 1.6, 1.6)), "15 mm from feet to head"),
        (chest((100, 80, 80), (2.5, 1.6, 1.6)), "field of view of 128 x 128 mm"),
        (chest((1, 2000, 1500), (1, 0.2, 0.2)), "an X-ray or a photograph"),
        (chest((1, 200, 200), (5, 1.6, 1.6)), "single slice"),
        (chest((200, 1, 200), (1.6, 5, 1.6)), "coronal or sagittal image"),
        (changed(USUAL, -100, 100), "no air"),
        (changed(USUAL, -1000, 40).with_voxels(np.where(USUAL.voxels == -850, -1000, 40)), "aerated lung"),
        (changed(USUAL, -1000, 40).with_voxels(np.where(USUAL.voxels == 40, 9000, -850)), "rescale slope"),
    ],
)
def test_each_oddity_is_one_sentence(scan: Scan, word: str) -> None:
    (found,) = [sentence for sentence in scan_warnings(scan) if word in sentence]
    assert found[-1] in ".?"
    assert "\n" not in found


def test_8_bit_values_have_no_densities() -> None:
    grey = USUAL.with_voxels((USUAL.voxels > 0).astype(np.uint8) * 200, "display")
    (sentence,) = scan_warnings(grey)
    assert "8-bit" in sentence


def test_a_mask_is_no_scan() -> None:
    with pytest.raises(ValueError, match="mask"):
        scan_warnings(USUAL.with_voxels(USUAL.voxels, "mask"))
