"""Size of paper 004's light U-Net beside U-Net, U-Net++ and Attention U-Net: parameters and multiply-adds."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from groundglass.errors import InputError
from groundglass.files import write_text
from groundglass.networks.light_unet import LightUNet
from groundglass.training.machine import versions

SIZE = 256
Make = Callable[[tuple[int, ...]], nn.Module]
WIDTHS = {"32 to 512": (32, 64, 128, 256, 512), "64 to 1024": (64, 128, 256, 512, 1024)}
SWITCHES: dict[str, dict[str, Any]] = {
    "light U-Net": {},
    "light U-Net, expansion 2": {"expansion": 2},
    "without FE blocks": {"fe": False},
    "without channel attention": {"channel_attention": False},
    "without residual connections": {"residual_connections": False},
    "without MDPPM": {"context": "none"},
    "ASPP in place of MDPPM": {"context": "aspp"},
    "without separable convolutions": {"separable": False},
}


def light_unet(path: Path) -> str:
    """Count them all at one input, write JSON and beside it a Markdown table.

    Returns:
        The table.
    """
    rows = [count(name, widths, make) for name, widths, make in _networks()]
    rows.append({"network": "light U-Net of the recipe", "channels": "16 to 256", **_size(_recipe())})
    results = {"input": [1, 1, SIZE, SIZE], "rows": rows, "versions": versions()}
    write_text(path, json.dumps(results | {"command": "groundglass bench light-unet"}, indent=1) + "\n")
    table = _table(rows)
    write_text(path.with_suffix(".md"), table)
    return table


def count(name: str, widths: str, make: Make) -> dict[str, Any]:
    """Name, channels and size of one network."""
    return {"network": name, "channels": widths, **_size(make(WIDTHS[widths]))}


def multiply_adds(network: nn.Module, size: tuple[int, int]) -> int:
    """Multiplications with an addition, of one image of ``size``: convolutions and matrix products, nothing else."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, 1, *size))
    return int(counter.get_total_flops()) // 2


def _size(network: nn.Module) -> dict[str, int]:
    parameters = sum(one.numel() for one in network.parameters())
    return {"parameters": parameters, "multiply_adds": multiply_adds(network, (SIZE, SIZE))}


def _recipe() -> nn.Module:
    from groundglass.experiments.checkpoint import build_method
    from groundglass.experiments.recipe import load_recipe

    method: Any = build_method(load_recipe("attention-fusion"), pretrained=False)
    segmenter: nn.Module = method.segmenter
    return segmenter


def _networks() -> list[tuple[str, str, Make]]:
    try:
        from monai.networks.nets.attentionunet import AttentionUnet
        from monai.networks.nets.basic_unet import BasicUNet
        from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus
    except ImportError as error:
        raise InputError("bench light-unet needs the package monai for the other networks; install it") from error
    plain: dict[str, Any] = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1}
    others: dict[str, Make] = {
        "U-Net": lambda widths: BasicUNet(**plain, features=(*widths, widths[0])),
        "U-Net++": lambda widths: _FirstOutput(BasicUNetPlusPlus(**plain, features=(*widths, widths[0]))),
        "Attention U-Net": lambda widths: AttentionUnet(**plain, channels=widths, strides=[2] * 4),
    }
    rows = [(name, widths, make) for widths in WIDTHS for name, make in others.items()]
    return rows + [(name, "32 to 512", partial(_light, options)) for name, options in SWITCHES.items()]


def _light(options: dict[str, Any], widths: tuple[int, ...]) -> nn.Module:
    return LightUNet(channels=widths, **options)


class _FirstOutput(nn.Module):
    """MONAI's U-Net++ gives a list of one output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.network(image)[0]
        return output


def _table(rows: list[dict[str, Any]]) -> str:
    lines = ["| network | channels | parameters (M) | multiply-adds (G) |", "|---|---|---|---|"]
    for row in rows:
        figures = f"{row['parameters'] / 1e6:.2f} | {row['multiply_adds'] / 1e9:.2f}"
        lines.append(f"| {row['network']} | {row['channels']} | {figures} |")
    return "\n".join(
        [*lines, "", f"One image of {SIZE} x {SIZE}; convolutions and matrix products alone are counted.", ""]
    )
