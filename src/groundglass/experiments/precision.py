"""In which precision a recipe multiplies, where Lightning is not there to see to it."""

from __future__ import annotations

from typing import Literal

import torch

from groundglass.experiments.config import Config


def multiplying(config: Config, device: torch.device) -> torch.autocast:
    """Within this block the products of layers are in bfloat16 if ``config.precision`` says so.

    The same as Lightning's ``bf16-mixed``: weights, and whatever loses by it, stay in float32.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16")


def quickest() -> Literal["32", "bf16"]:
    """The precision this machine's processor is fastest in: "bf16" with AMX, where a step takes 0.6 of the time."""
    ask = getattr(torch.cpu, "get_capabilities", None)  # missing in older torch
    return "bf16" if ask is not None and ask().get("amx_bf16") else "32"
