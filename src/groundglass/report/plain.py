"""What can be said of 8-bit slices without a lung mask: where the lesions are, not how much of the lung they take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.files import write_bytes
from groundglass.files import write_text
from groundglass.prediction.prediction import Prediction
from groundglass.report.figures import montage
from groundglass.report.provenance import Provenance
from groundglass.report.provenance import package_versions
from groundglass.report.restoration_figure import restoration_figure
from groundglass.report.scan_report import RESEARCH_USE
from groundglass.scans.window import Window
from groundglass.scans.window import window_scan

SHOWN = 8

NOTE = "8-bit slices without Hounsfield units: no lung mask, no volumes and no severity class."


def write_plain_report(prediction: Prediction, folder: Path, origin: Mapping[str, Any]) -> Path:
    """Write ``overlays/lesions.png`` with the slices with most lesion, and ``report.json``; GASNet's volumes, too.

    Args:
        prediction: What was predicted.
        folder: Where to; made if missing.
        origin: What decides on the result, by name.

    Returns:
        The picture.
    """
    lesions = prediction.lesions.voxels > 0
    areas = np.count_nonzero(lesions, axis=(1, 2))
    chosen = sorted(np.argsort(-areas, kind="stable")[:SHOWN].tolist())
    images = window_scan(prediction.scan, Window.named("lung"))
    picture = folder / "overlays" / "lesions.png"
    titles = [f"slice {index + 1}: {100 * lesions[index].mean():.1f} % of the picture" for index in chosen]
    write_bytes(
        picture, montage([images[i] for i in chosen], [lesions[i] for i in chosen], titles, columns=min(4, len(chosen)))
    )
    if prediction.restoration is not None:
        write_bytes(folder / "overlays" / "restoration.png", restoration_figure(prediction.restoration))
    record = {
        "note": RESEARCH_USE,
        "warnings": [NOTE, *prediction.warnings],
        "lesion_pixels": areas.tolist(),
        "pixels_a_slice": int(lesions[0].size),
        "provenance": asdict(
            Provenance(
                model=prediction.model,
                lungs="not known",
                settings={"threshold": float(f"{prediction.threshold:.4g}")},
                seconds=prediction.seconds,
                versions=package_versions("torch"),
                origin=origin,
            )
        ),
    }
    write_text(folder / "report.json", json.dumps(record, indent=1) + "\n")
    return picture
