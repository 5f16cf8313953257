from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundglass.errors import InputError
from groundglass.scans.reader import read_mask
from groundglass.scans.reader import read_scan

GREY = np.arange(20, dtype=np.uint8).reshape(4, 5) * 12


def test_one_image_is_one_slice(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "slice.png")
    scan = read_scan(tmp_path / "slice.png")
    assert (scan.shape, scan.intensity, scan.voxels.dtype) == ((1, 4, 5), "display", np.uint8)
    np.testing.assert_array_equal(scan.voxels[0], GREY)
    down, left, up = scan.to_mm(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])).tolist()
    assert (down, left, up) == ([0, 1, 0], [1, 0, 0], [0, 0, 1])


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.tif", "a.bmp"])
def test_other_formats(tmp_path: Path, name: str) -> None:
    Image.fromarray(GREY).save(tmp_path / name)
    assert abs(read_scan(tmp_path / name).voxels[0].astype(int) - GREY).max() < 12


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_color_images_become_grey(tmp_path: Path, mode: str) -> None:
    Image.fromarray(GREY).convert(mode).save(tmp_path / "slice.png")
    np.testing.assert_array_equal(read_scan(tmp_path / "slice.png").voxels[0], GREY)


def test_a_folder_is_stacked_in_natural_order(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        Image.fromarray(np.full((4, 5), number + 50, np.uint8)).save(tmp_path / f"slice{number}.png")
    (tmp_path / "notes.txt").write_text("from the clinic")
    (tmp_path / "._slice1.png").write_bytes(b"macOS")
    assert read_scan(tmp_path).voxels[:, 0, 0].tolist() == [51, 52, 60]


def test_slices_of_different_size_are_named(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    Image.fromarray(GREY.T).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b\.png: 4 x 5 pixels, but a\.png has 5 x 4"):
        read_scan(tmp_path)


def test_sixteen_bits_are_not_display(tmp_path: Path) -> None:
    Image.fromarray(GREY.astype(np.uint16) * 100).save(tmp_path / "deep.png")
    with pytest.raises(InputError, match=r"deep\.png: min 0, max 22800: neither"):
        read_scan(tmp_path / "deep.png")


def test_masks_are_thresholded(tmp_path: Path) -> None:
    mask = np.array([[0, 3, 127, 128, 255]], np.uint8)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png").voxels[0, 0].tolist() == [0, 1, 1, 1, 1]
    assert read_mask(tmp_path / "mask.png", threshold=127).voxels[0, 0].tolist() == [0, 0, 0, 1, 1]
    assert read_mask(tmp_path, threshold=127).voxels.dtype == np.uint8


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 0, 255), (0, 200, 0)])
def test_masks_may_be_colored(tmp_path: Path, color: tuple[int, int, int]) -> None:
    marked = np.zeros((32, 32), bool)
    marked[8:24, 8:24] = True
    image = Image.fromarray(marked[..., None] * np.array(color, np.uint8))
    for name in ("mask.png", "mask.jpg"):
        image.save(tmp_path / name)
        found = read_mask(tmp_path / name, threshold=127).voxels[0] > 0
        assert (found != marked).mean() < 0.05, name
    clear = Image.fromarray(np.where(marked, 255, 0).astype(np.uint8))
    for under in (image, Image.new("RGB", image.size, color)):
        under.putalpha(clear)
        under.save(tmp_path / "clear.png")
        np.testing.assert_array_equal(read_mask(tmp_path / "clear.png").voxels[0] > 0, marked)


def test_a_mask_in_transparency_alone_is_refused(tmp_path: Path) -> None:
    image = Image.new("RGBA", (4, 4))
    image.save(tmp_path / "empty.png")
    assert not read_mask(tmp_path / "empty.png").voxels.any()
    image.putpixel((1, 1), (0, 0, 0, 255))
    image.save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"mask\.png: is black and differs in its transparency alone; save"):
        read_mask(tmp_path / "mask.png")


def test_a_jpeg_mask_that_is_not_white_is_refused(tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    Image.fromarray(mask).save(tmp_path / "0.jpg")
    mask[8:24, 8:24] = 255
    Image.fromarray(mask).save(tmp_path / "1.jpg")
    assert read_mask(tmp_path, threshold=127).voxels.any(axis=(1, 2)).tolist() == [False, True]
    Image.fromarray(mask // 255 * 100).save(tmp_path / "2.jpg")
    with pytest.raises(InputError, match=r"slice 3 has no pixel above 1\d\d, but .* 127 counts; save it as PNG"):
        read_mask(tmp_path, threshold=127)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says what it repairs
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp"])
def test_damaged_images_give_a_scan_or_a_sentence_and_never_a_traceback(tmp_path: Path, suffix: str) -> None:
    bad = tmp_path / f"bad{suffix}"
    Image.fromarray(GREY).save(bad)
    whole = bad.read_bytes()
    rng = np.random.default_rng(2)
    messages = []
    for _ in range(100):
        raw = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        raw[rng.integers(0, len(raw))] = rng.integers(0, 256)
        bad.write_bytes(raw)
        try:
            read_scan(bad)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 0
    assert all(message.startswith(str(bad)) for message in messages)


def test_several_pages_are_refused(tmp_path: Path) -> None:
    page = Image.fromarray(GREY)
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    with pytest.raises(InputError, match="has 2 pages"):
        read_scan(tmp_path / "pages.tif")
