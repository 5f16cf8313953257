"""Which slices a method trained on slice tags can use, and the two halves of its batches."""

from __future__ import annotations

import logging

from torch import Tensor

from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.labels.rasterize import scan_tag

logger = logging.getLogger(__name__)

SCANS_ONLY = (
    "the tag of a diseased scan says nothing about its single slices, so tag those with 'groundglass annotate', or "
)


def tagged_slices(samples: SliceSamples) -> Tensor:
    """``(N,)`` bool: slices with a tag and with lung; the others are counted in a warning.

    Raises:
        InputError: If no slice has lung, or only slices with or only slices without lesion are left.
    """
    root = samples.folder.root
    tag, lung = samples.tensors["tag"], samples.tensors["lung"].flatten(1).any(dim=1)
    if not lung.any():
        raise InputError(f"{root}: the lung masks of the training cases are all empty; replace them, or leave them out")
    known = tag >= 0
    for count, why in ((int((~known).sum()), "have no tag"), (int((known & ~lung).sum()), "show no lung")):
        if count:
            logger.warning("%d of %d training slices %s and are left out", count, len(tag), why)
    usable: Tensor = known & lung
    kinds = set(tag[usable].tolist())
    if len(kinds) == 1:
        have, lack = ("a lesion", "none") if kinds == {1} else ("no lesion", "one")
        scans = SCANS_ONLY if kinds == {0} and _has_diseased_scans(samples) else ""
        raise InputError(
            f"{root}: every tagged training slice with lung has {have}, and this method learns from the difference; "
            f"{scans}add slices that have {lack}"
        )
    return usable


def _has_diseased_scans(samples: SliceSamples) -> bool:
    tags = samples.folder.labels(("scan_tag",)).values()
    return any(scan_tag(of_case) == 1 for of_case in tags)


def halves(batch: Sample) -> tuple[Sample, Sample]:
    """The slices tagged "lesion" and those tagged "no lesion" of a batch.

    Raises:
        InputError: If there are none of one kind.
    """
    lesion, normal = ({key: value[batch["tag"] == tag] for key, value in batch.items()} for tag in (1, 0))
    if not len(lesion["tag"]) or not len(normal["tag"]):
        raise InputError(
            "a batch holds slices of one kind of tag only; set draw: tags and a batch_size of 2 or more in the recipe"
        )
    return lesion, normal
