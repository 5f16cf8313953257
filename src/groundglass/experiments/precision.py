"""In which precision a recipe multiplies, where Lightning is not there to see to it."""

from __future__ import annotations

import torch

from groundglass.experiments.config import Config


def multiplying(config: Config, device: torch.device) -> torch.autocast:
    """Within this block the products of layers are in bfloat16 if ``config.precision`` says so.

    The same as Lightning's ``bf16-mixed``: weights, and whatever loses by it, stay in float32.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16")
