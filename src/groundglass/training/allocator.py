"""Memory that is kept, not handed back and asked for again at every step."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory for the next tensor instead of returning it to the system.

    A training step frees and takes hundreds of megabytes; returning them makes the system clear fresh pages every
    time: a fifth of a step of consistency on two cores, and up to 4 % of other steps
    (``benchmarks/results/throughput.json``). No effect elsewhere.

    Returns:
        Whether it took effect.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)) and bool(libc.mallopt(M_MMAP_MAX, 0))
