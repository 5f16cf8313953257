"""The processor a trained network runs on."""

from __future__ import annotations

import torch

from groundglass.errors import InputError
from groundglass.methods.method import Method

KINDS = ("cpu", "cuda", "mps")


def on_device(method: Method, device: str) -> Method:
    """The method, moved to a device.

    Args:
        method: A method with its network.
        device: ``cpu``, ``cuda`` (or ``cuda:1``, the second one), ``mps``, or ``auto``: a GPU if there is one.

    Raises:
        InputError: If there is no such device here.
    """
    name = _best() if device == "auto" else device
    if name.partition(":")[0] not in KINDS:
        raise InputError(f"--device {device!r}: choose auto, {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    try:
        return method.to(name)
    except (RuntimeError, AssertionError) as error:  # the latter from a torch that was built without CUDA
        raise InputError(f"--device {device!r} cannot be used here; choose cpu") from error


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
