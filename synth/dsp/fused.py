"""A product and a sum in one, rounded once (IEEE 754-2008, section 5.4.1, fusedMultiplyAdd).

Twice as fast as the two, and the same wherever it is computed: a processor without it computes it in software. A
compiler that fuses as it sees fit would give other samples with every compilation.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

config: Any = numba.config

if config.DISABLE_JIT:

    def fma(a: Any, b: Any, c: Any) -> Any:
        """`a * b + c`."""
        return a * b + c

else:

    @intrinsic
    def fma(typing_context, a, b, c):  # type: ignore[no-untyped-def]
        """`a * b + c` of three float32."""
        if not all(t == types.float32 for t in (a, b, c)):
            raise numba.TypingError(f"fma takes float32, not {a}, {b}, {c}")

        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return builder.fma(*arguments)

        return types.float32(a, b, c), generate
