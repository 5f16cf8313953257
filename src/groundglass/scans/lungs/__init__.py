"""Where the lungs are in a chest CT, without a network: mask, sides and zones."""

from __future__ import annotations

from groundglass.scans.lungs.mask import lung_mask
from groundglass.scans.lungs.zones import lung_zones

__all__ = ["lung_mask", "lung_zones"]
