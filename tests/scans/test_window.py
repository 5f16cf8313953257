from __future__ import annotations

import numpy as np
import pytest

from groundglass.errors import InputError
from groundglass.scans.scan import Scan
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan


def test_lung_window_of_gasnet() -> None:
    grey = Window.named("lung").apply(np.array([-3000, -1250, -500, 250, 3000], np.int16))
    np.testing.assert_allclose(grey, [0, 0, 0.5, 1, 1])
    assert grey.dtype == np.float32


def test_intensity_decides_and_not_the_range() -> None:
    voxels = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3)
    lung = Window.named("lung")
    np.testing.assert_allclose(window_scan(Scan(voxels, np.eye(4), "display"), lung).ravel(), [0, 0.2, 1])
    np.testing.assert_allclose(window_scan(Scan(voxels, np.eye(4), "hu"), lung).ravel(), [1250 / 1500, 1301 / 1500, 1])
    with pytest.raises(ValueError, match="mask"):
        window_scan(Scan(voxels, np.eye(4), "mask"), lung)


def test_applying_leaves_the_voxels_alone() -> None:
    voxels = np.array([-500.0], np.float32)
    Window.named("soft-tissue").apply(voxels)
    assert voxels[0] == -500


def test_impossible_windows_are_refused() -> None:
    with pytest.raises(InputError, match="below"):
        Window(250, -1250)
    with pytest.raises(InputError, match="'bone': not known; choose one of lung, soft-tissue"):
        Window.named("bone")
