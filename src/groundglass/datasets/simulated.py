"""Labels of a prepared dataset as an annotator would have given them, made from its masks and recorded tags."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import get_args

from groundglass.datasets.case import Case
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.tags import RECORDED
from groundglass.datasets.tags import left_out_sentence
from groundglass.errors import InputError
from groundglass.labels.events import Label
from groundglass.labels.simulate import LesionFree
from groundglass.labels.simulate import PointRule
from groundglass.labels.simulate import mask_label
from groundglass.labels.simulate import recorded_scan_tag
from groundglass.labels.simulate import recorded_slice_tags
from groundglass.labels.simulate import simulate_points
from groundglass.labels.simulate import simulate_scan_tag
from groundglass.labels.simulate import simulate_slice_tags
from groundglass.scans.nifti import nifti_affine
from groundglass.scans.scan import Scan

logger = logging.getLogger(__name__)

LABEL_KINDS = ("points", "masks", "slice-tags", "scan-tags")


def possible_kinds(folder: DatasetFolder) -> list[str]:
    """The kinds of labels that the masks, or else the recorded tags, of the training cases can be made into.

    Where there are clicks already, none are made up beside them.
    """
    cases = folder.split.training
    if any(case.label for case in cases):
        clicked = bool(folder.labels(["point"]))
        return [kind for kind in LABEL_KINDS if not (clicked and kind == "points")]
    return [kind for kind, name in RECORDED.items() if any(getattr(case, name) is not None for case in cases)]


def simulate_labels(
    folder: DatasetFolder,
    kinds: Iterable[str],
    *,
    rule: PointRule = "distance",
    lesion_free: LesionFree = "ignore",
    seed: int = 1,
    only: str = "*",
) -> int:
    """Append to the dataset's store the labels an annotator would have given on its training cases.

    A scan tag is that of the record, where there is one, and else whether the mask has a lesion. So are slice tags; of
    a case with some in the record, the other slices have none.

    Args:
        folder: A dataset with masks.
        kinds: Any of ``points``, ``masks``, ``slice-tags``, ``scan-tags``.
        rule: Where in a lesion a click falls.
        lesion_free: What becomes of slices without lesion.
        seed: Seed of what is drawn.
        only: Pattern of the names of the cases to label, as ``hospital-*``: others may have labels of another kind.

    Returns:
        Number of label events.

    Raises:
        InputError: If a kind, rule or ``lesion_free`` is unknown, the seed is below 0, simulated labels of this kind
            are there already, or there is nothing to make such labels from.
    """
    kinds = list(kinds)
    check_wanted(kinds, seed, rule, lesion_free)
    before = folder.store.read()
    known = {label.id for label in before}
    labels: list[Label] = []
    cases = {case.case: case for case in folder.split.training if fnmatchcase(case.case, only)}
    if not cases:
        raise InputError(f"{folder.root}: no training case has a name like {only!r}; they are listed in dataset.json")
    for case in cases.values():
        mask = folder.mask(case)
        if "scan-tags" in kinds and case.tag is not None:
            labels += recorded_scan_tag(case.tag, case.case)
        if "slice-tags" in kinds and case.slice_tags is not None:
            labels += recorded_slice_tags(case.slice_tags, nifti_affine(folder.root / case.image), case.case)
        if mask is not None:
            labels += _simulated(mask, case, kinds, rule, lesion_free, seed)
    if again := [label for label in labels if label.id in known]:
        raise InputError(
            f"{folder.store.path}: has simulated {again[0].kind} labels already; leave them out, or prepare another "
            "folder to make them anew"
        )
    labeled = {label.case for label in (*before, *labels)}
    left_out = left_out_sentence(folder, [case for name, case in cases.items() if name not in labeled], kinds)
    if not labels:
        raise InputError(
            left_out
            or f"{folder.root}: no training case has a mask, or a tag, to make such labels from; prepare it with masks"
        )
    if left_out:
        logger.warning("%s", left_out)
    folder.store.append(labels)
    return len(labels)


def check_wanted(kinds: Iterable[str], seed: int, rule: str, lesion_free: str) -> None:
    """Whether such labels can be made, before anything is written.

    Raises:
        InputError: If a kind, rule or ``lesion_free`` is unknown, or the seed is below 0.
    """
    for name, value, known in (("rule", rule, PointRule), ("lesion-free", lesion_free, LesionFree)):
        if value not in get_args(known):
            raise InputError(f"{name} {value!r}: choose one of {', '.join(get_args(known))}")
    if unknown := sorted(set(kinds) - set(LABEL_KINDS)):
        raise InputError(f"there are no labels called {unknown[0]!r}; choose from {', '.join(LABEL_KINDS)}")
    if seed < 0:
        raise InputError(f"the seed {seed} is below 0; give one from 0")


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
    if "slice-tags" in kinds and case.slice_tags is None:
        labels += simulate_slice_tags(part, case.case)
    if "scan-tags" in kinds and case.tag is None:
        labels += simulate_scan_tag(part, case.case)
    return labels
