"""From somebody's folder to a prepared dataset."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Collection
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from groundglass.datasets.case import Case
from groundglass.datasets.catalog.layout import FolderLayout
from groundglass.datasets.catalog.layout import Layout
from groundglass.datasets.catalog.layout import Source
from groundglass.datasets.catalog.layout import UnreadableScanError
from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.progress import Progress
from groundglass.datasets.splits import Split
from groundglass.datasets.splits import split_by
from groundglass.datasets.unfinished import begin
from groundglass.datasets.unfinished import check_output
from groundglass.datasets.unfinished import finish
from groundglass.datasets.writer import write_case
from groundglass.errors import InputError
from groundglass.labels.events import IMPORTED
from groundglass.labels.merging import lacking

logger = logging.getLogger(__name__)

TYPICAL_DEPTH = 100
SAFE_NAME = re.compile(r"\w([\w .+=-]{0,148}[\w+=-])?")


def prepare(
    layout: Layout, output: str | Path, *, name: str, protocol: str | None = None, progress: Progress | None = None
) -> DatasetFolder:
    """Write the cases of a layout as NIfTI in canonical orientation, with their split.

    One case is in memory at a time. ``dataset.json`` is written last: a folder left half done is no dataset, and
    preparing it again completes it. A folder that holds anything else is not written into. Clicks that the layout has
    are the dataset's first labels.

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
    _keep_points(folder, sources, {case.case for case in written})
    folder.save()
    finish(output)
    return folder


def _keep_points(folder: DatasetFolder, sources: Sequence[Source], written: Collection[str]) -> None:
    """Clicks that came with the scans into the label store, but for those that are or ever were there."""
    given = [point for one in sources if one.points and one.case in written for point in one.points.points]
    if not given:
        return
    ids, labels = folder.store.ids(), folder.labels()
    new = [point for point in given if point.id not in ids]
    folder.store.append(lacking(new, lambda case: labels.get(case, []), ids.__contains__, IMPORTED))


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
