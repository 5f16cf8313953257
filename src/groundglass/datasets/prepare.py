"""From somebody's folder to a prepared dataset."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.folder import DESCRIPTION
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.splits import PARTS
from groundglass.datasets.splits import Split
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.simulate import LesionFree
from groundglass.labels.simulate import PointRule
from groundglass.labels.simulate import mask_label
from groundglass.labels.simulate import simulate_points
from groundglass.labels.simulate import simulate_scan_tag
from groundglass.labels.simulate import simulate_slice_tags
from groundglass.scans.nifti import write_nifti
from groundglass.scans.orientation import to_canonical
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

LABEL_KINDS = ("points", "masks", "slice-tags", "scan-tags")
Progress = Callable[[int, int], None]


def prepare(
    layout: Layout, output: str | Path, *, name: str, protocol: str | None = None, progress: Progress | None = None
) -> DatasetFolder:
    """Write the cases of a layout as NIfTI in canonical orientation, with their split.

    Args:
        layout: The folder to read.
        output: The dataset folder to make.
        name: Name of the dataset.
        protocol: ``separate``, ``mixed``, or ``None`` for the layout's own split.
        progress: Called with the number of cases written and their total.

    Raises:
        InputError: If the layout's folder is wrong or the output is a dataset already.
    """
    output = Path(output)
    if (output / DESCRIPTION).exists():
        raise InputError(f"{output}: is a prepared dataset already; choose another output folder or remove it")
    sources = layout.sources()
    written = []
    depths = {}
    for number, source in enumerate(sources, start=1):
        case, depths[source.case] = _write(source, output)
        written.append(case)
        if progress is not None:
            progress(number, len(sources))
    folder = DatasetFolder(output, name, _split(layout, sources, written, depths, protocol))
    folder.save()
    return folder


def _split(
    layout: Layout, sources: Sequence[Source], cases: Sequence[Case], depths: dict[str, int], protocol: str | None
) -> Split:
    if protocol is None and all(source.part is not None for source in sources):
        by_part = {
            name: tuple(case for source, case in zip(sources, cases, strict=True) if source.part == name)
            for name in PARTS
        }
        return Split(**by_part)  # type: ignore[arg-type]
    return layout.split(cases, depths, protocol)


def _write(source: Source, output: Path) -> tuple[Case, int]:
    image = to_canonical(source.image())
    write_nifti(image, output / "images" / f"{source.case}.nii.gz")
    case = Case(
        case=source.case,
        patient=source.patient,
        image=f"images/{source.case}.nii.gz",
        intensity=image.intensity,
        label=_write_mask(source.mask, source.case, image, output, "masks"),
        lungs=_write_mask(source.lungs, source.case, image, output, "lungs"),
    )
    return case, image.shape[0]


def _write_mask(read: Callable[[], Scan] | None, case: str, image: Scan, output: Path, folder: str) -> str | None:
    if read is None:
        return None
    mask = to_canonical(read())
    if mask.shape != image.shape:
        raise InputError(
            f"{mask.path}: its size {mask.shape} is not the size {image.shape} of its image {image.path}; "
            "redraw it on that image"
        )
    if mask.voxels.all() and folder == "masks":
        raise InputError(f"{mask.path}: every pixel is lesion; check that it is a mask and not an image")
    relative = f"{folder}/{case}.nii.gz"
    write_nifti(image.with_voxels(mask.voxels.astype(np.uint8), "mask"), output / relative)
    return relative


def simulate_labels(
    folder: DatasetFolder,
    kinds: Iterable[str],
    *,
    rule: PointRule = "distance",
    lesion_free: LesionFree = "ignore",
    seed: int = 1,
) -> int:
    """Append to the dataset's store the labels an annotator would have given on its training cases.

    Args:
        folder: A dataset with masks.
        kinds: Any of ``points``, ``masks``, ``slice-tags``, ``scan-tags``.
        rule: Where in a lesion a click falls.
        lesion_free: What becomes of slices without lesion.
        seed: Seed of what is drawn.

    Returns:
        Number of label events.

    Raises:
        InputError: If a kind is unknown, or simulated labels of this kind are there already.
    """
    kinds = list(kinds)
    if unknown := sorted(set(kinds) - set(LABEL_KINDS)):
        raise InputError(f"there are no labels called {unknown[0]!r}; choose from {', '.join(LABEL_KINDS)}")
    known = {label.id for label in folder.store.read()}
    labels: list[Label] = []
    for case in {case.case: case for case in folder.split.training}.values():
        mask = folder.mask(case)
        if mask is not None:
            labels += _simulated(mask, case, kinds, rule, lesion_free, seed)
    if again := [label for label in labels if label.id in known]:
        raise InputError(
            f"{folder.store.path}: has simulated {again[0].kind} labels already; remove the file to make them anew"
        )
    if not labels:
        raise InputError(f"{folder.root}: no training case has a mask to make labels from; prepare it with masks")
    folder.store.append(labels)
    return len(labels)


def _simulated(
    mask: Scan, case: Case, kinds: Sequence[str], rule: PointRule, lesion_free: LesionFree, seed: int
) -> list[Label]:
    first, last = case.slices or (0, mask.shape[0])
    part = mask.slab(first, last)
    labels: list[Label] = []
    if "points" in kinds:
        labels += simulate_points(part, case.case, rule=rule, lesion_free=lesion_free, seed=seed)
    if "masks" in kinds and case.label:
        labels += mask_label(case.label, case.case, (first, last))
    if "slice-tags" in kinds:
        labels += simulate_slice_tags(part, case.case)
    if "scan-tags" in kinds:
        labels += simulate_scan_tag(part, case.case)
    return labels
