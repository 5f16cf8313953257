"""Which of several clicks floods first: it gets the pixels that lie equally low and far from it and from another."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PIXEL = -1
"""Any pixel waiting in the queue behind the clicks."""


def keeps_order(own: NDArray[np.intp], count: int) -> bool:
    """Whether some clicks are served in the same order alone as among all ``count``.

    Args:
        own: Numbers of those clicks in the order of their pixels, from 0, ascending.
        count: Number of all clicks.
    """
    among_all = [number for number in service_order(count) if number in own]
    return among_all == [int(own[number]) for number in service_order(len(own))]


@lru_cache
def service_order(count: int) -> tuple[int, ...]:
    """The order in which skimage's watershed serves ``count`` clicks that do not touch.

    All clicks rank alike in its priority queue, a binary heap, so the order is that of the heap: the first is served,
    the last takes its place and sinks, and the neighbors of the first queue up behind.
    """
    queue = list(range(count))
    served: list[int] = []
    while len(served) < count:
        served.append(queue[0])
        last = queue.pop()
        if queue:
            queue[0] = last
            _sink(queue)
        queue.append(PIXEL)
    return tuple(served)


def _sink(queue: list[int]) -> None:
    """Let the first entry sink below the clicks under it, the left one first."""
    at = 0
    while queue[at] == PIXEL:
        below = [child for child in (2 * at + 1, 2 * at + 2) if child < len(queue) and queue[child] != PIXEL]
        if not below:
            return
        queue[at], queue[below[0]] = queue[below[0]], queue[at]
        at = below[0]
