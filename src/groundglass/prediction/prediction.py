"""What the prediction of a scan holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from groundglass.scans.scan import Scan

if TYPE_CHECKING:
    from groundglass.prediction.restoration import Restoration
    from groundglass.scans.dicom_series import DicomSeries


@dataclass(frozen=True, eq=False)
class Prediction:
    """Lesions and lungs of a scan, all on the grid of the file it was read from.

    Args:
        scan: The scan ``(D, H, W)``, in the file's axis order.
        lesions: Lesion mask, 1 = lesion; none lies outside the lungs, where they are known.
        lungs: Lung mask, 1 = right, 2 = left lung; ``None`` for 8-bit images without one.
        model: Name of the model.
        threshold: Probability above which a voxel is lesion.
        probabilities: Lesion probabilities, float32, if asked for.
        series: The headers of a DICOM series, for objects that refer to it; they hold the patient's identity.
        seconds: How long each step took.
        warnings: What there was to say about the scan, a sentence each.
        lungs_from: Where the lung mask came from, in words.
        restoration: What a method that heals scans made on the way; ``None`` for others.
    """

    scan: Scan
    lesions: Scan
    lungs: Scan | None
    model: str
    threshold: float
    probabilities: Scan | None = None
    series: DicomSeries | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    lungs_from: str = "found by density and shape"
    restoration: Restoration | None = None

    @property
    def burden_percent(self) -> float | None:
        """Lesion as a share of the lungs, in percent; ``None`` without a lung mask.

        Example:
            >>> import numpy as np
            >>> scan = Scan(np.full((1, 2, 2), -800), np.eye(4), "hu")
            >>> lesions = scan.with_voxels(np.array([[[1, 0], [0, 0]]]), "mask")
            >>> Prediction(scan, lesions, scan.with_voxels(np.ones((1, 2, 2)), "mask"), "any", 0.5).burden_percent
            25.0
        """
        if self.lungs is None:
            return None
        return 100 * float((self.lesions.voxels > 0).sum()) / max(int((self.lungs.voxels > 0).sum()), 1)
