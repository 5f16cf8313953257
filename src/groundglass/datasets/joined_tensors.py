"""Tensors of many cases behind one another, of which none is ever held twice."""

from __future__ import annotations

import torch
from torch import Tensor


class JoinedTensors:
    """Tensors by name, each as long as all that was appended to it.

    Every part is copied to its place as it comes. Parts that wait until all are there to be concatenated lie in memory
    beside their concatenation: twice what is kept.

    Args:
        expected: How long they will become. If that is too much, the rest is memory no page of which is used; if it is
            too little, they are moved to where there is more room.
    """

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.length = 0
        self._room: dict[str, Tensor] = {}

    def append(self, part: dict[str, Tensor]) -> None:
        """Copy a part ``(n, ...)`` of each tensor behind the parts before."""
        end = self.length + len(next(iter(part.values())))
        for name, value in part.items():
            if name not in self._room or end > len(self._room[name]):
                self._room[name] = self._with_room(name, value, self.expected if end <= self.expected else end * 3 // 2)
            self._room[name][self.length : end] = value
        self.length = end

    def tensors(self) -> dict[str, Tensor]:
        """What was appended, by name."""
        return {name: room[: self.length] for name, room in self._room.items()}

    def _with_room(self, name: str, like: Tensor, length: int) -> Tensor:
        room = torch.empty((length, *like.shape[1:]), dtype=like.dtype)
        if name in self._room:
            room[: self.length] = self._room[name][: self.length]
        return room
