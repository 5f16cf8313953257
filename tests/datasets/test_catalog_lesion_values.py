from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_files import hu
from tiny_files import lesion
from tiny_files import write_picture
from tiny_files import write_volume

from groundglass.datasets.catalog import LAYOUTS
from groundglass.datasets.catalog.lesion_values import read_lesions
from groundglass.errors import InputError

SMOOTH = (lesion()[1] * np.arange(90, 90 + 16, dtype=np.uint8)).astype(np.uint8)
"""Greys as a smooth edge has them."""


def classes(*values: int) -> Any:
    """A mask whose lesions of slice 1 have the last value, and those of slice 2 the others."""
    mask = lesion() * values[-1]
    mask[2, :8][mask[2, :8] > 0] = values[0]
    mask[2, 10:][mask[2, 10:] > 0] = values[len(values) // 2]
    return mask.astype(np.uint8)


@pytest.mark.parametrize("value", [1, 2, 255])
@pytest.mark.parametrize("name", ["mask.nii.gz", "mask"])
def test_the_one_value_of_a_mask_is_lesion(tmp_path: Path, value: int, name: str) -> None:
    path = tmp_path / name
    if path.suffix:
        write_volume(path, lesion() * value)
    else:
        for z in range(8):
            write_picture(path / f"{z}.png", lesion()[z] * value)
    np.testing.assert_array_equal(read_lesions(path).voxels, lesion())


@pytest.mark.parametrize(("values", "says"), [((1, 255), "1, 255"), ((1, 2, 3), "1, 2, 3")])
@pytest.mark.parametrize("name", ["mask.nii.gz", "mask"])
def test_several_values_are_refused_unless_the_user_says_which(
    tmp_path: Path, values: tuple[int, ...], says: str, name: str
) -> None:
    path = tmp_path / name
    if path.suffix:
        write_volume(path, classes(*values))
    else:
        for z in range(8):
            write_picture(path / f"{z}.png", classes(*values)[z])
    option = f"--options '{{\"lesion_labels\": [{values[0]}]}}'"
    with pytest.raises(InputError, match=rf"{name}: holds the values {says}, and .* {re.escape(option)}"):
        read_lesions(path)
    np.testing.assert_array_equal(read_lesions(path, [values[0]]).voxels, classes(*values) == values[0])
    np.testing.assert_array_equal(read_lesions(path, values).voxels, lesion())


def test_a_mask_of_nothing_but_another_value_has_no_lesion(tmp_path: Path) -> None:
    write_volume(tmp_path / "mask.nii.gz", lesion() * 255)
    assert not read_lesions(tmp_path / "mask.nii.gz", [1]).voxels.any()


def test_smooth_edges_and_colors_of_images_are_no_classes(tmp_path: Path) -> None:
    write_picture(tmp_path / "smooth.png", SMOOTH)
    np.testing.assert_array_equal(read_lesions(tmp_path / "smooth.png").voxels[0], lesion()[1])
    write_volume(tmp_path / "smooth.nii.gz", SMOOTH[None])
    with pytest.raises(InputError, match="holds the values 93, 94"):
        read_lesions(tmp_path / "smooth.nii.gz")
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = lesion()[1] * 200
    write_picture(tmp_path / "red.png", red)
    np.testing.assert_array_equal(read_lesions(tmp_path / "red.png").voxels[0], lesion()[1])


def test_a_dark_image_with_many_values_holds_classes(tmp_path: Path) -> None:
    write_picture(tmp_path / "lobes.png", (SMOOTH - 89) * (SMOOTH > 0))
    with pytest.raises(InputError, match="holds the values 4, 5, 6"):
        read_lesions(tmp_path / "lobes.png")


def test_of_a_jpeg_no_value_can_be_told(tmp_path: Path) -> None:
    Image.fromarray(lesion()[1] * 255).save(tmp_path / "mask.jpg", quality=30)
    assert read_lesions(tmp_path / "mask.jpg").voxels.any()
    with pytest.raises(InputError, match=r"mask\.jpg: JPEG does not keep values, so lesion_labels cannot be found"):
        read_lesions(tmp_path / "mask.jpg", [255])


def test_the_folder_takes_lesion_labels_for_its_masks_alone(tmp_path: Path) -> None:
    write_volume(tmp_path / "images/a.nii.gz", hu())
    write_volume(tmp_path / "masks/a.nii.gz", classes(1, 255))
    write_volume(tmp_path / "lungs/a.nii.gz", lesion() * 2)
    with pytest.raises(InputError, match=r"masks/a\.nii\.gz: holds the values 1, 255"):
        LAYOUTS.build("folder", {}, root=tmp_path).sources()[0].mask()
    source = LAYOUTS.build("folder", {"lesion_labels": [255]}, root=tmp_path).sources()[0]
    np.testing.assert_array_equal(source.mask().voxels, classes(1, 255) == 255)
    np.testing.assert_array_equal(source.lungs().voxels, lesion() * 2)


@pytest.mark.parametrize("values", [[], [0, 1], [256]])
def test_what_cannot_be_lesion_is_refused(tmp_path: Path, values: list[int]) -> None:
    with pytest.raises(InputError, match=re.escape(f"lesion_labels {values}: give the values")):
        LAYOUTS.build("folder", {"lesion_labels": values}, root=tmp_path)
