"""Pages need nothing but themselves; figures are pictures."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from groundglass.report.figures import clicks
from groundglass.report.figures import comparison
from groundglass.report.figures import curves
from groundglass.report.figures import montage
from groundglass.report.page import write_page

SLICE = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
MASK = SLICE > 0.7


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def orange(content: bytes) -> int:
    red, _, blue = np.moveaxis(pixels(content), -1, 0)
    return int((red - blue > 60).sum())


def test_mask_is_tinted_only_where_it_is() -> None:
    with_mask = montage([SLICE], [MASK], ["slice 1"])
    without = montage([SLICE], [np.zeros_like(MASK)], ["slice 1"])
    assert orange(with_mask) > 500
    assert orange(without) == 0


def test_comparison_and_clicks_show_one_picture_a_method_and_a_slice() -> None:
    row = {"image": SLICE, "truth": MASK, "masks": [MASK, ~MASK]}
    narrow = pixels(comparison([{**row, "masks": [MASK]}], ["a"]))
    wide = pixels(comparison([row], ["a", "b"]))
    assert wide.shape[1] > narrow.shape[1]
    marks = np.array([[5, 5, 1], [10, 12, 0]])
    assert pixels(clicks([SLICE] * 2, [marks] * 2, [MASK] * 2)).shape[1] > 500


def test_page_is_self_contained(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    line = curves({"<a&b>": ([1, 2], [0.1, 0.9])}, xlabel="epoch", ylabel="Dice")
    content = dict.fromkeys(("clicks", "curves", "comparison", "montage"), line)
    write_page(
        path,
        "demo.html",
        rows=[],
        training=3,
        test=2,
        minutes="0.1",
        true_burden=1.0,
        predicted_burden=2.0,
        mask_name="<script>alert(1)</script>",
        **content,
    )
    text = path.read_text()
    assert "Research use only" in text
    assert "<script" not in text
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:)", text)
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    assert len(pictures) == 4
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
