"""What is imported only when it is first used, and what is not to be imported at all: so that starting takes less."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of `package` (PEP 562), whose names live in the modules that `homes` gives."""

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get


@contextmanager
def without_linear_algebra() -> Iterator[None]:
    """Numba loads SciPy's linear algebra with the first kernel, if it is installed (0.25 s, 16 MB): no kernel of ours
    calls it. Who is alone in a process, so that nobody else's kernel does, leaves it out meanwhile."""
    name = "scipy.linalg"
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        if sys.modules[name] is None:
            del sys.modules[name]
