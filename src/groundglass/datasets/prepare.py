"""From somebody's folder to a prepared dataset."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_args

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import UnreadableScanError
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import split_by
from groundglass.datasets.unfinished import begin
from groundglass.datasets.unfinished import check_output
from groundglass.datasets.unfinished import finish
from groundglass.datasets.writer import write_case
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

TYPICAL_DEPTH = 100
SAFE_NAME = re.compile(r"\w([\w .+=-]{0,148}[\w+=-])?")
LABEL_KINDS = ("points", "masks", "slice-tags", "scan-tags")
Progress = Callable[[int, int], None]


def prepare(
    layout: Layout, output: str | Path, *, name: str, protocol: str | None = None, progress: Progress | None = None
) -> DatasetFolder:
    """Write the cases of a layout as NIfTI in canonical orientation, with their split.

    One case is in memory at a time. ``dataset.json`` is written last: a folder left half done is no dataset, and
    preparing it again completes it. A folder that holds anything else is not written into.

    Args:
        layout: What to read.
        output: The dataset folder to make.
        name: Name of the dataset.
        protocol: ``separate``, ``mixed``, or ``None`` for the layout's own split.
        progress: Called with the number of cases written and their total.

    Raises:
        InputError: If what is read is wrong, the output is a dataset already or holds other files, or there are too
            few patients to split.
    """
    output = Path(output)
    if isinstance(layout, FolderLayout) and output.resolve() == layout.root.resolve():
        raise InputError(f"{output}: is the folder that is read; choose another output folder")
    check_output(output)
    sources = layout.sources()
    cases = [source.planned() for source in sources]
    _check_names([case.case for case in cases])
    # What is wrong with the split shows now and not after an hour of writing.
    _split(layout, sources, cases, {case.case: TYPICAL_DEPTH for case in cases}, protocol)
    begin(output)
    depths, diseased, written = {}, set(), []
    for index, source in enumerate(sources):
        with suppress(UnreadableScanError):
            case, depths[source.case], has_lesion = write_case(source, cases[index], output)
            written.append(case)
            diseased.add(has_lesion)
        if progress is not None:
            progress(index + 1, len(sources))
    if not written:
        raise InputError(f"{output}: none of the scans could be read; give scans that can be opened")
    if False in diseased and True not in diseased:
        logger.warning("%s: not one mask has a lesion; check that these are the masks", output)
    folder = DatasetFolder(output, name, _split(layout, sources, written, depths, protocol))
    folder.save()
    finish(output)
    return folder


def _check_names(names: Sequence[str]) -> None:
    """Whether the names can be file names, all different even where capital letters make no difference."""
    if not names:
        raise InputError("there is no case to prepare; give a folder that holds scans")
    for name in names:
        if not SAFE_NAME.fullmatch(name):
            raise InputError(f"case name {name!r} cannot name a file; use letters, digits, spaces and . _ + - = only")
    if twice := [name for name, count in Counter(map(str.casefold, names)).items() if count > 1]:
        raise InputError(f"two cases are named {twice[0]!r}; rename one of them")


def _split(
    layout: Layout, sources: Sequence[Source], cases: Sequence[Case], depths: dict[str, int], protocol: str | None
) -> Split:
    parts = {source.case: source.part for source in sources}
    if protocol is None and None not in parts.values():
        return split_by(cases, lambda case: parts[case.case])
    return layout.split(cases, depths, protocol)


def possible_kinds(folder: DatasetFolder) -> list[str]:
    """The kinds of labels that the masks, or else the recorded tags, of the training cases can be made into."""
    cases = folder.split.training
    if any(case.label for case in cases):
        return list(LABEL_KINDS)
    recorded = {"slice-tags": "slice_tags", "scan-tags": "tag"}
    return [kind for kind, name in recorded.items() if any(getattr(case, name) is not None for case in cases)]


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
    known = {label.id for label in folder.store.read()}
    labels: list[Label] = []
    for case in {case.case: case for case in folder.split.training if fnmatchcase(case.case, only)}.values():
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
    if not labels:
        raise InputError(
            f"{folder.root}: no training case has a mask, or a tag, to make such labels from; prepare it with masks"
        )
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
