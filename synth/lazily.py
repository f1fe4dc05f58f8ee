"""What is imported only when it is first used, and what is not to be imported at all: so that starting takes less."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any


def lazily(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` (PEP 562) and `__all__` of `package`, whose `__init__.py` is `file`.

    The stub beside it, which type checkers read in its place, says once what its names are and where each lives.
    """
    stub = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    named = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    homes = {alias.name: str(node.module) for node in named for alias in node.names}
    names = sorted(homes)

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted({*vars(sys.modules[package]), *names}), names


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
