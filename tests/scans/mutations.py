"""Damages files at random, the way bad disks, transfers and writers do."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

EXTREMES = [b"\x00", b"\xff", b"\x7f", b"\x80", b"\x01"]


def mutations(whole: bytes, header: int, count: int, seed: int) -> Iterator[bytes]:
    """``count`` damaged copies: bytes of the header changed, runs of it blanked or filled, cut short, or swollen."""
    rng = np.random.default_rng(seed)
    kinds = [_bytes, _bytes, _run, _number, _cut, _insert]
    for _ in range(count):
        raw = bytearray(whole)
        kinds[rng.integers(len(kinds))](raw, header, rng)
        yield bytes(raw)


def _bytes(raw: bytearray, header: int, rng: Any) -> None:
    for place in rng.integers(0, header, rng.integers(1, 9)):
        raw[place] = rng.integers(0, 256)


def _run(raw: bytearray, header: int, rng: Any) -> None:
    start, length = int(rng.integers(0, header)), int(rng.integers(1, 33))
    end = min(start + length, header)
    raw[start:end] = EXTREMES[rng.integers(len(EXTREMES))] * (end - start)


def _number(raw: bytearray, header: int, rng: Any) -> None:
    """A number of a usual width set to an extreme one: sizes, lengths, offsets, slopes."""
    kind = str(rng.choice(["<h", "<H", "<i", "<I", "<f", "<d"]))
    values = {"<h": [-1, 32767, -32768, 0], "<H": [0, 65535, 40000], "<i": [-1, 2**31 - 1], "<I": [2**32 - 1, 2**31]}
    value = rng.choice(values.get(kind, [np.nan, np.inf, 0.0, -1e30, 1e-30]))
    packed = struct.pack(kind, value if kind in ("<f", "<d") else int(value))
    start = 2 * int(rng.integers(0, (header - 8) // 2))
    raw[start : start + len(packed)] = packed


def _cut(raw: bytearray, header: int, rng: Any) -> None:
    del raw[int(rng.integers(0, len(raw))) :]


def _insert(raw: bytearray, header: int, rng: Any) -> None:
    start = int(rng.integers(0, header))
    raw[start:start] = rng.bytes(int(rng.integers(1, 40)))
