"""How good the pseudo masks of an attention-fusion run are, against the masks it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from groundglass.datasets.folder import DatasetFolder
from groundglass.datasets.lungs import case_lungs
from groundglass.datasets.preprocessing import slice_masks
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.experiments.checkpoint import load_method
from groundglass.experiments.checkpoint import read_checkpoint
from groundglass.experiments.config import Config
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.methods.attention_fusion import STATE
from groundglass.methods.attention_fusion import AttentionFusion
from groundglass.methods.attention_fusion import make_maps
from groundglass.methods.attention_fusion import make_targets
from groundglass.metrics.overlap import OverlapMeter


def pseudo_mask_scores(run: str | Path, folder: DatasetFolder) -> dict[str, float]:
    """Pseudo masks of the training slices tagged lesion against their masks, on the network's grid.

    Args:
        run: A run folder of ``attention-fusion``, finished or not; its ``last.ckpt`` holds the fused maps.
        folder: The dataset it was trained on, with masks.

    Returns:
        ``dice_global`` and ``dice_case``, with what is left open counted as background; ``dice_labeled``, global, where
        it is left out; ``share_open``, the part of the pixels left open; and sensitivity and PPV with the former.

    Raises:
        InputError: If it is no such run, or a training case has no mask.
    """
    path = Path(run) / "checkpoints" / "last.ckpt"
    method, config = load_method(path)
    if not isinstance(method, AttentionFusion):
        raise InputError(f"{run}: not a run of the method attention-fusion; give one")
    samples = SliceSamples(folder, folder.split.training, config.grid, kinds=config.labels or list(method.uses))
    masks, slices, case = _pseudo_masks(read_checkpoint(path)[STATE], method, config, samples)
    truth = _truth(samples)[slices]
    whole, labeled = OverlapMeter(), OverlapMeter()
    for number, mask, lesion in zip(case.tolist(), masks, truth, strict=True):
        whole.update(str(number), mask == 1, lesion)
        known = mask != IGNORE_INDEX
        labeled.update(str(number), (mask == 1)[known], lesion[known])
    scores = whole.compute()
    kept = {name: scores[name] for name in ("dice_global", "dice_case", "sensitivity", "ppv")}
    share = float((masks == IGNORE_INDEX).mean())
    return kept | {"dice_labeled": labeled.compute()["dice_global"], "share_open": share}


def _pseudo_masks(
    state: dict[str, Tensor], method: AttentionFusion, config: Config, samples: SliceSamples
) -> tuple[NDArray[np.uint8], NDArray[np.intp], Tensor]:
    """Masks ``(n, H, W)``, which of all training slices they are of, and the number of each one's case."""
    maps = make_maps(method, samples)
    maps.load_state_dict(state)
    own = method.read_saliency(samples, maps)
    made = []
    for rows in torch.split(torch.arange(len(maps.slices)), config.batch_size):
        batch = samples.batch(maps.slices[rows].tolist())
        made.append(make_targets(batch, maps.fused[rows], None if own is None else own[rows].float()))
    return torch.cat(made)[:, 0].numpy(), maps.slices.numpy(), samples.tensors["case"][maps.slices]


def _truth(samples: SliceSamples) -> NDArray[np.bool_]:
    """The masks of all training slices on the network's grid, in the order of the samples."""
    folder, grid, found = samples.folder, samples.grid, []
    for case in samples.cases:
        mask = folder.mask(case)
        if mask is None:
            raise InputError(f"{folder.root}: training case {case.case!r} has no mask to compare with; add it")
        first, last = case.slices or (0, mask.shape[0])
        found.append(slice_masks(mask, grid.around(case_lungs(folder, case, folder.scan(case), grid)))[first:last])
    return np.concatenate(found)
