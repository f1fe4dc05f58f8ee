"""What a block allocates: arrays made by Numba's runtime, and memory taken by Python and NumPy.

Needs NUMBA_NRT_STATS=1 from the start. A kernel compiled with the runtime makes one record of each array it is handed;
what exceeds those was allocated inside kernels, which is to be nothing. One compiled without it cannot allocate.
"""

from __future__ import annotations

import functools
import statistics
import tracemalloc
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from common import RATE, Options, main, opened, warmed
from numba.core.runtime import rtsys
from session import wrap_kernels


def arrays(arguments: Any) -> int:
    """How many arrays `arguments` hold, those in tuples too."""
    if isinstance(arguments, tuple | list):
        return sum(arrays(argument) for argument in arguments)
    return int(isinstance(arguments, np.ndarray))


class Calls:
    """Counts the calls of kernels from Python, the arrays handed to them, and those of which the runtime takes note."""

    def __init__(self) -> None:
        self.made = self.handed = self.noted = 0

    def counted(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """`kernel`, counted."""
        noted = bool(kernel.targetoptions.get("_nrt", True))  # type: ignore[attr-defined]

        @functools.wraps(kernel)
        def call(*arguments: Any) -> Any:
            handed = arrays(arguments)
            self.made += 1
            self.handed += handed
            self.noted += handed * noted
            return kernel(*arguments)

        return call


@numba.njit
def one_array() -> int:
    return np.zeros(1).size


def check_counting() -> None:
    """RuntimeError when the runtime does not count."""
    one_array()
    before = rtsys.get_allocation_stats().alloc
    one_array()
    if rtsys.get_allocation_stats().alloc != before + 1:
        raise RuntimeError("the runtime does not count its allocations: set NUMBA_NRT_STATS=1")


def measure(options: Options) -> dict[str, Any]:
    """Of a block on average: calls of kernels, arrays handed to them, arrays made inside them; and the kilobytes that
    Python and NumPy hold more at its worst moment than before it, median and most."""
    warmed(options.preset, options.block)
    check_counting()
    playing = opened(options.preset, 2.0 * options.seconds / 60.0 + 10.0)
    calls = Calls()
    wrap_kernels(calls.counted)
    blocks = max(round(options.seconds * RATE / options.block), 1)
    before = rtsys.get_allocation_stats()
    for _ in range(blocks):
        playing.render(options.block)
    after = rtsys.get_allocation_stats()
    made, calls_made, handed = after.alloc - before.alloc, calls.made, calls.handed
    inside = made - calls.noted
    held = []
    tracemalloc.start()
    for _ in range(blocks):
        tracemalloc.reset_peak()
        now, _ = tracemalloc.get_traced_memory()
        playing.render(options.block)
        held.append((tracemalloc.get_traced_memory()[1] - now) / 1024.0)
    return {
        "calls": calls_made / blocks,
        "handed": handed / blocks,
        "noted": made / blocks,
        "inside_kernels": inside / blocks,
        "python_kb": statistics.median(held),
        "python_most_kb": max(held),
        "blocks": blocks,
    }


if __name__ == "__main__":
    main(measure)
