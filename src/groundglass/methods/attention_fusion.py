"""Attention fusion and a light segmentation network: from slice tags to masks in one run (paper 004)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch import nn

from groundglass.datasets.saliency import read_saliency
from groundglass.datasets.samples import Sample
from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError
from groundglass.labels.rasterize import IGNORE_INDEX
from groundglass.losses.mixed_focal_tversky import mixed_focal_tversky
from groundglass.methods.attention_maps import AttentionMaps
from groundglass.methods.attention_maps import Fusion
from groundglass.methods.augment import Move
from groundglass.methods.augment import draw_moves
from groundglass.methods.heat_maps import class_logits
from groundglass.methods.heat_maps import heat_map
from groundglass.methods.heat_maps import inside
from groundglass.methods.heat_maps import relative
from groundglass.methods.heat_maps import resized
from groundglass.methods.option_checks import at_least
from groundglass.methods.option_checks import share
from groundglass.methods.pseudo_masks import intensity_saliency
from groundglass.methods.pseudo_masks import pseudo_masks
from groundglass.methods.settings import TrainingSettings
from groundglass.methods.stages import TwoStages
from groundglass.methods.tag_method import class_loss
from groundglass.networks import SLICE_SEGMENTERS
from groundglass.networks import build_network

logger = logging.getLogger(__name__)

BATCH = 16
"""Slices at once when maps are made outside of training."""

STATE = "attention_maps"
"""Key of the fused maps in a checkpoint to resume from."""

MISSING = (
    "of %d of %d slices with a lesion there is no map to fuse, as the classifier never called them so after its first "
    "epoch; they get its last map alone; raise method_options.stage1_epochs if they are many"
)


class AttentionFusion(TwoStages):
    """A classifier whose activation maps are fused while it trains, then a network trained on pseudo masks of them.

    The equations of paper 004 are lost; docs/explanation/attention-fusion.md says what its text fixes and what is ours.
    Pseudo masks are made anew from the fused maps for each batch, which gives the same every time and needs no room.
    Slices tagged "no lesion" are background everywhere.

    Args:
        network: The classifier; the paper's has spatial attention (``network_options.attention``).
        settings: See :class:`Method`.
        stage1_epochs: Epochs of the classifier.
        fusion: ``average`` (the paper's), ``maximum`` (its comparison), or ``last`` for the final classifier's maps.
        segmenter: The second network, by name: ``light-unet`` or any other of the segmentation networks.
        segmenter_options: Its options.
        saliency: A folder of saliency maps; see :func:`read_saliency`. By default the image's brightness in the lung.
        focal_weight: See :func:`mixed_focal_tversky`, also for the others.
        gamma: See there.
        alpha: See there.
        false_positives: See there.
        false_negatives: See there.

    Raises:
        InputError: If an option makes no sense.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        settings: TrainingSettings,
        stage1_epochs: int = 8,
        fusion: Fusion = "average",
        segmenter: str = "light-unet",
        segmenter_options: dict[str, Any] | None = None,
        saliency: str | None = None,
        focal_weight: float = 10.0,
        gamma: float = 2.0,
        alpha: float = 0.25,
        false_positives: float = 0.3,
        false_negatives: float = 0.7,
    ) -> None:
        super().__init__(network=network, settings=settings, stage1_epochs=stage1_epochs)
        at_least(0, focal_weight=focal_weight, gamma=gamma)
        at_least(0, false_positives=false_positives, false_negatives=false_negatives)
        share(alpha=alpha)
        if segmenter not in SLICE_SEGMENTERS:
            names = ", ".join(SLICE_SEGMENTERS)
            raise InputError(f"method_options.segmenter {segmenter!r} does not segment slices; choose one of {names}")
        self.fusion: Fusion = fusion
        self.segmenter = build_network(segmenter, segmenter_options or {})
        self.segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.saliency = saliency
        self.loss_options = {"weight": focal_weight, "gamma": gamma, "alpha": alpha}
        self.loss_options |= {"false_positives": false_positives, "false_negatives": false_negatives}
        self.maps: AttentionMaps | None = None
        self._resumed: dict[str, Tensor] | None = None
        self._saliency: Tensor | None = None

    def on_train_start(self) -> None:
        """Lightning's hook: make room for the fused maps, or take those of the run that is resumed."""
        samples = self._samples()
        self.maps = make_maps(self, samples)
        if self._resumed is not None:
            self.maps.load_state_dict(self._resumed)
        self._saliency = self.read_saliency(samples, self.maps)

    def read_saliency(self, samples: SliceSamples, maps: AttentionMaps) -> Tensor | None:
        """The user's saliency maps ``(n, 1, H, W)`` of the slices with a fused map, if there is a folder of them."""
        return None if self.saliency is None else read_saliency(samples, self.saliency)[maps.slices]

    def _samples(self) -> SliceSamples:
        loader: Any = self.trainer.train_dataloader
        samples: SliceSamples = loader.samples
        return samples

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook: checkpoints to resume from keep the fused maps."""
        super().on_save_checkpoint(checkpoint)
        if self.maps is not None and "optimizer_states" in checkpoint:
            checkpoint[STATE] = self.maps.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lightning's hook."""
        self._resumed = checkpoint.get(STATE)

    def step_loss(self, batch: Sample) -> dict[str, Tensor]:
        """Loss of a batch of the first stage, whose maps are fused, or of the second, with pseudo masks as target."""
        moves = draw_moves(batch, self.settings)
        if self.segmenting:
            return self.loss(self.moved({**batch, "target": self.targets(batch)}, moves))
        scores = self.network(self.moved(batch, moves)["image"])
        if self.current_epoch > 0:  # what the first epoch sees means little yet
            self._fuse(batch, scores.detach(), moves)
        return {"loss": class_loss(scores, batch["tag"])}

    def loss(self, batch: Sample) -> dict[str, Tensor]:
        """Cross-entropy of the tags, or in the second stage the mixed loss of the target map."""
        if not self.segmenting:
            return {"loss": class_loss(self.network(batch["image"]), batch["tag"])}
        logits = self.segmenter(batch["image"]).float()
        return {"loss": mixed_focal_tversky(logits, batch["target"], **self.loss_options)}

    def _fuse(self, batch: Sample, scores: Tensor, moves: Sequence[Move]) -> None:
        """Accept the maps of slices with a lesion that the classifier calls so, moved back to where they belong."""
        if self.maps is None:
            return
        maps, seen = relative(scores), torch.ones_like(scores)
        for one in reversed(moves):
            maps, seen = one.invert(maps), one.invert(seen)
        accepted = ((class_logits(scores) > 0) & (batch["tag"] == 1)).cpu()
        rows = self.maps.rows(batch)
        self.maps.add(rows[accepted], maps.cpu()[accepted], (seen.cpu() > 0.5)[accepted])

    def begin_second_stage(self) -> None:
        """Slices whose map was never accepted get that of the final classifier."""
        if self.maps is None:
            return
        self.network.eval()
        samples, missing = self._samples(), self.maps.missing
        if len(missing) and self.fusion != "last":
            logger.warning(MISSING, len(missing), len(self.maps.slices))
        with torch.no_grad():
            for start in range(0, len(missing), BATCH):
                rows = missing[start : start + BATCH]
                image = samples.batch(self.maps.slices[rows].tolist())["image"].to(self.device)
                self.maps.fill(rows, relative(self.network(image)))
        self.network.train()

    def targets(self, batch: Sample) -> Tensor:
        """Target maps of a batch before it is moved: pseudo masks where there is a lesion, background where none is."""
        target = torch.full_like(batch["target"], IGNORE_INDEX)
        target[batch["tag"] == 0] = 0
        lesion = batch["tag"] == 1
        if self.maps is not None and lesion.any():
            chosen = {key: batch[key][lesion] for key in ("image", "lung", "case", "index")}
            rows = self.maps.rows(chosen)
            own = None if self._saliency is None else self._saliency[rows].to(target.device).float()
            target[lesion] = make_targets(chosen, self.maps.fused[rows].to(target.device), own)
        return target

    def probabilities(self, image: Tensor) -> Tensor:
        """Those of the second network once it is in training, before that the classifier's heat map."""
        if self.segmenting:
            logits: Tensor = self.segmenter(image)
            return inside(logits.float().sigmoid(), image)
        scores = self.network(image)
        return heat_map(scores, image, class_logits(scores), scale="relative")

    def views(self, image: Tensor) -> dict[str, Tensor]:
        """The final classifier's map, the saliency, the pseudo mask of both, and the heat map, of images in [0, 1].

        Of an image alone neither the fused map is known nor saliency of one's own: it is the last map, and brightness.
        The pseudo mask is that of a slice with a lesion; what it leaves open is gray.
        """
        attention, lung = relative(self.network(image)), image > 0
        saliency = intensity_saliency(image, lung)
        target = pseudo_masks(attention, saliency, lung)
        return {
            "activation map": resized(attention, image.shape[2:]),
            "saliency": saliency,
            "pseudo mask": target.masked_fill(target == IGNORE_INDEX, 0).float() + (target == IGNORE_INDEX) / 2,
            **super().views(image),
        }


def make_maps(method: AttentionFusion, samples: SliceSamples) -> AttentionMaps:
    """Empty maps of the size that the method's classifier gives."""
    height, width = samples.tensors["image"].shape[2:]
    training = method.network.training
    with torch.no_grad():
        size = method.network.eval()(torch.zeros(1, 1, height, width, device=method.device)).shape[2:]
    method.network.train(training)
    return AttentionMaps(samples, (size[0], size[1]), method.fusion)


def make_targets(batch: Sample, attention: Tensor, saliency: Tensor | None) -> Tensor:
    """Pseudo masks ``(B, 1, H, W)`` of slices with a lesion from their fused maps and saliency, the image's if none."""
    lung = batch["lung"] | ~batch["lung"].flatten(1).any(dim=1).view(-1, 1, 1, 1)
    lung = lung & (batch["image"] > 0)
    if saliency is None:
        saliency = intensity_saliency(batch["image"], lung)
    return pseudo_masks(attention, saliency, lung)
