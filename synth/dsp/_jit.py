"""The one decorator every kernel is compiled with.

`nsz` alone of the fast-math flags: sums keep their written order, so the same samples come out whatever the
compiler does around them; sums over voices are written out to stay vectorised. The cache folder is named by a
hash of all sources that hold kernels, because Numba stamps a cached function by its own file only and would
keep stale inlined helpers (numba issues 1833, 9304).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import platformdirs
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions

config: Any = numba.config
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")  # a flag of Numba's that `njit` does not show by itself

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = Path(__file__).resolve().parent.parent
KERNEL_SOURCES = (
    "dsp/*.py",
    "simulate/*.py",
    "instruments/*.py",
    "mix/*.py",
    "safety/output.py",
    "bus.py",
    "transport.py",
    "expression.py",
    "controls.py",
)


def sources_hash() -> str:
    """Hash of every source that may hold a kernel or a constant of one, with Numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for pattern in KERNEL_SOURCES:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _own_temporary_folder() -> Path:
    """A folder that nobody else could have filled: what lies in a kernel cache is run."""
    folder = Path(tempfile.gettempdir()) / f"isotone-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    seen = folder.lstat()
    if stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid() and not seen.st_mode & 0o022:
        return folder
    return Path(tempfile.mkdtemp(prefix="isotone-"))


def _cache_folder(repairs: list[str]) -> Path:
    """A writable folder for this version's compiled kernels; a temporary one when the user's cache is not writable,
    which is added to `repairs`."""
    chosen = os.environ.get("ISOTONE_CACHE_DIR")
    root = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("isotone"))
    folder = root / f"kernels-{sources_hash()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except OSError:
        folder = _own_temporary_folder() / folder.name
        folder.mkdir(exist_ok=True)
        repairs.append(f"the cache {root} cannot be written to, so kernels are kept in {folder.parent}")
    return folder


CACHE_REPAIRS: list[str] = []
CACHE = _cache_folder(CACHE_REPAIRS)
_known: list[Any] = []


def prune_caches(days: float = 30.0) -> list[Path]:
    """Remove kernel folders of other versions not used for `days`; the removed ones."""
    old = [p for p in CACHE.parent.glob("kernels-*") if p != CACHE and time.time() - p.stat().st_mtime > days * 86400]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return old


@contextlib.contextmanager
def _own_cache() -> Iterator[None]:
    before = config.CACHE_DIR
    config.CACHE_DIR = str(CACHE)
    try:
        yield
    finally:
        config.CACHE_DIR = before


OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",  # division as in C
    "fastmath": {"nsz"},  # sums in their order
    "forceinline": True,  # a kernel that another calls becomes part of it
    "noalias": True,  # no look at where arrays lie before a loop is vectorised
    "_nrt": False,  # no allocation, and no counting of references to arrays, which took up to a fifth of the time
}


def kernel(function: F) -> F:
    """Compile `function` for the audio path, with OPTIONS.

    No two arrays that it is given may share memory, unless neither is written. As plain Python (NUMBA_DISABLE_JIT=1)
    a kernel asserts that.
    """
    if config.DISABLE_JIT:
        return _apart(function)
    with _own_cache():
        compiled: Any = numba.njit(**OPTIONS)(function)
    _known.append(compiled)
    return cast(F, compiled)


def _apart(function: F) -> F:
    @functools.wraps(function)
    def checked(*args: Any) -> Any:
        arrays = [a for a in args if isinstance(a, np.ndarray) and a.size]
        for a, b in itertools.combinations(arrays, 2):
            assert not np.shares_memory(a, b), f"{function.__name__} is given an array twice"
        return function(*args)

    return cast(F, checked)


def compiled_kernels() -> tuple[int, int]:
    """How many kernels this version has in its cache, and how many it knows of (those of imported modules)."""
    return sum(1 for _ in CACHE.rglob("*.nbi")), len(_known)
