"""What a result was made with and on."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch

import groundglass

PACKAGES = ("torch", "lightning", "numpy")


def versions() -> dict[str, str]:
    """Versions of what the figures depend on."""
    named = {name: version(name) for name in PACKAGES}
    return {"groundglass": groundglass.__version__, "python": platform.python_version(), **named}


def peak_memory_gb() -> float | None:
    """Most memory the process has had so far, in GiB; ``None`` on Windows, which does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30, 2)


def machine() -> str:
    """Processor and number of cores, in words."""
    info = Path("/proc/cpuinfo")
    models = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    accelerator = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{models[0] if models else platform.processor() or platform.machine()}, {os.cpu_count()} cores{accelerator}"
