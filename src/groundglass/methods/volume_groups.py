"""Which training volumes are diseased, healthy or labeled voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from groundglass.datasets.samples import SliceSamples
from groundglass.errors import InputError

HOW = "tag scans with 'groundglass prepare DATA --labels scan-tags', or add some"


@dataclass(frozen=True, eq=False)
class VolumeGroups:
    """Indices ``(N,)`` of the volumes of each group.

    Args:
        labeled: With a mask that has a lesion.
        diseased: Tagged so, or labeled.
        healthy: Tagged so.
    """

    labeled: Tensor
    diseased: Tensor
    healthy: Tensor

    @classmethod
    def of(cls, samples: SliceSamples) -> VolumeGroups:
        """The groups of some samples.

        Raises:
            InputError: If there is no healthy or no diseased volume, or the mask of one not tagged healthy is empty.
        """
        tag = samples.tensors["tag"]
        lesion = (samples.tensors["target"] == 1).flatten(1).any(dim=1)
        if (empty := (samples.labeled & ~lesion & (tag != 0)).nonzero().flatten()).numel():
            name = samples.case_names[int(samples.tensors["case"][empty[0]])]
            raise InputError(
                f"case {name}: its mask has no lesion in the lungs' box; tag it healthy or redraw the mask"
            )
        diseased, healthy = (tag == 1) | lesion, (tag == 0) & ~lesion
        for wanted, word in ((diseased, "diseased"), (healthy, "healthy")):
            if not wanted.any():
                raise InputError(
                    f"no training scan is tagged {word}, and this method learns from the difference; {HOW}"
                )
        return cls(*(chosen.nonzero().flatten() for chosen in (lesion, diseased, healthy)))
