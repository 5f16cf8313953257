"""Labels an annotator would have given, made from masks.

The papers disagree with their own release on where the one click per lesion falls (paper 000, sections 4.1.1 and
4.2, against the released code): ``distance`` is the pixel farthest from the lesion's border, ``uniform`` any pixel
of it, ``released`` its centroid, which can fall outside a concave lesion.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as connected_components

from groundglass.labels.cost import CLICK_SECONDS
from groundglass.labels.cost import MASK_SECONDS_PER_SLICE
from groundglass.labels.cost import SCAN_TAG_SECONDS
from groundglass.labels.cost import SLICE_TAG_SECONDS
from groundglass.labels.events import RECORD
from groundglass.labels.events import SIMULATED
from groundglass.labels.events import Label
from groundglass.labels.events import MaskLabel
from groundglass.labels.events import Point
from groundglass.labels.events import Region
from groundglass.labels.events import ScanTag
from groundglass.labels.events import SliceTag
from groundglass.labels.rasterize import UNKNOWN_TAG
from groundglass.scans.scan import Scan
from groundglass.scans.scan import apply_affine

PointRule = Literal["distance", "uniform", "released"]
LesionFree = Literal["ignore", "background"]
Pixels = NDArray[np.intp]


def lesion_points(mask: NDArray[np.bool_], *, rule: PointRule, rng: np.random.Generator) -> Pixels:
    """One pixel ``(h, w)`` for each 8-connected lesion of a slice's mask ``(H, W)``, as ``(N, 2)``."""
    components = connected_components(mask, connectivity=2)
    choose = {"distance": _deepest, "uniform": lambda part: _any(part, rng), "released": _centroid}[rule]
    return np.array(list(_one_per_component(components, choose)), dtype=np.intp).reshape(-1, 2)


def _one_per_component(components: NDArray[np.intp], choose: Callable[[NDArray[np.bool_]], Pixels]) -> Iterator[Pixels]:
    for number, box in enumerate(ndimage.find_objects(components), start=1):
        yield choose(components[box] == number) + np.array([edge.start for edge in box])


def _deepest(part: NDArray[np.bool_]) -> Pixels:
    depth = ndimage.distance_transform_edt(np.pad(part, 1))[1:-1, 1:-1]
    return np.array(np.unravel_index(depth.argmax(), depth.shape))


def _any(part: NDArray[np.bool_], rng: np.random.Generator) -> Pixels:
    return np.asarray(rng.choice(np.argwhere(part)))


def _centroid(part: NDArray[np.bool_]) -> Pixels:
    return np.asarray(np.argwhere(part).mean(axis=0), dtype=np.intp)


def background_points(mask: NDArray[np.bool_], count: int, rng: np.random.Generator) -> Pixels:
    """``count`` pixels ``(h, w)`` drawn uniformly, with replacement, from the background of ``mask`` ``(H, W)``."""
    background = np.argwhere(~mask)
    return background[rng.integers(len(background), size=count)] if len(background) else background[:0]


def simulate_points(
    mask: Scan, case: str, *, rule: PointRule = "distance", lesion_free: LesionFree = "ignore", seed: int = 1
) -> list[Label]:
    """Clicks for every slice of a mask: one a lesion, and as many on background.

    Args:
        mask: Lesion mask; every non-zero voxel is lesion.
        case: Name of the case the labels are for.
        rule: Where in a lesion the click falls.
        lesion_free: A slice without lesion gets no label (``ignore``, as released) or one answer "nothing here"
            that makes all of it background (``background``, as the paper's text has it).
        seed: Seed of everything drawn; the same points come back every time.
    """
    rng = np.random.default_rng(seed)
    labels: list[Label] = []
    for index, plane in enumerate(mask.voxels.astype(bool)):
        if plane.any():
            labels += _slice_clicks(mask, case, index, plane, rule, rng)
        elif lesion_free == "background":
            labels.append(_nothing_here(mask, case, index))
    return labels


def _slice_clicks(
    mask: Scan, case: str, index: int, plane: NDArray[np.bool_], rule: PointRule, rng: np.random.Generator
) -> list[Point]:
    lesion = lesion_points(plane, rule=rule, rng=rng)
    background = background_points(plane, len(lesion), rng)
    pixels = np.concatenate([lesion, background])
    positions = mask.to_mm(np.column_stack([np.full(len(pixels), index), pixels]))
    values = [1] * len(lesion) + [0] * len(background)
    return [
        Point(case=case, seconds=CLICK_SECONDS, position=_triple(at), label=value, id=f"{case}-{index}-{number}")
        for number, (at, value) in enumerate(zip(positions, values, strict=True))
    ]


def _nothing_here(mask: Scan, case: str, index: int) -> Region:
    _, height, width = mask.shape
    lower, upper = mask.to_mm(np.array([[index, 0, 0], [index, height - 1, width - 1]]))
    return Region(
        case=case, seconds=CLICK_SECONDS, lower=_triple(lower), upper=_triple(upper), label=0, id=f"{case}-{index}-none"
    )


def _triple(position: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 4) for value in position)
    return x, y, z


def simulate_slice_tags(mask: Scan, case: str) -> list[Label]:
    """Lesion or no lesion, for every slice of a mask."""
    return _slice_tags(mask.affine, [int(plane.any()) for plane in mask.voxels], case)


def recorded_slice_tags(tags: Sequence[int], affine: NDArray[np.float64], case: str) -> list[Label]:
    """What the record says of the slices of an image.

    Args:
        tags: Of each slice, 1 lesion, 0 none, -1 not known.
        affine: ``(4, 4)``, from indices to LPS mm.
        case: Name of the case.
    """
    return _slice_tags(affine, tags, case, annotator=RECORD)


def _slice_tags(
    affine: NDArray[np.float64], tags: Sequence[int], case: str, *, annotator: str = SIMULATED
) -> list[Label]:
    centers = apply_affine(affine, np.array([[index, 0, 0] for index in range(len(tags))]))
    return [
        SliceTag(
            case=case,
            seconds=SLICE_TAG_SECONDS,
            annotator=annotator,
            position=_triple(at),
            label=tag,
            id=f"{case}-tag-{number}",
        )
        for number, (at, tag) in enumerate(zip(centers, tags, strict=True))
        if tag != UNKNOWN_TAG
    ]


def simulate_scan_tag(mask: Scan, case: str) -> list[Label]:
    """Diseased or healthy, for the scan of a mask."""
    return [ScanTag(case=case, seconds=SCAN_TAG_SECONDS, label=int(mask.voxels.any()), id=f"{case}-scan")]


def recorded_scan_tag(tag: int, case: str) -> list[Label]:
    """The diagnosis (1 diseased, 0 healthy) that the record has anyway."""
    return [ScanTag(case=case, seconds=SCAN_TAG_SECONDS, annotator=RECORD, label=tag, id=f"{case}-scan")]


def mask_label(path: str, case: str, slices: tuple[int, int]) -> list[Label]:
    """The mask file ``path`` as a label of its slices, from the first to before the last."""
    seconds = MASK_SECONDS_PER_SLICE * (slices[1] - slices[0])
    return [MaskLabel(case=case, seconds=seconds, path=path, slices=slices, id=f"{case}-mask")]
