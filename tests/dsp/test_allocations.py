"""Nothing is allocated in the audio path, and Python is entered once a block: for every unit there is.

Units and what to give them are found by introspection: a class that renders, by the names of its parameters.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
import importlib
import inspect
import pkgutil
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

import synth.dsp
from synth.dsp.ambisonics import Place
from synth.dsp.grains import grain_settings
from synth.dsp.voices import VoiceBank
from synth.dsp.wavetable import saw, tables

QUANTUM = 64
BLOCK = 64  # quanta
RATE = 48000
LANES = 16
COMPILED = not numba.config.DISABLE_JIT
RENDERERS = ("render", "gain", "play", "step")
FOLDER = Path(synth.dsp.__file__).parent
MODULES = {info.name: importlib.import_module(f"synth.dsp.{info.name}") for info in pkgutil.iter_modules([str(FOLDER)])}

# What constructors ask for, and what is set at quantum edges, by name.
MADE = {
    "sample_rate": RATE,
    "voices": LANES,
    "partials": LANES,
    "modes": 4,
    "seed": 1,
    "lowest_hz": 60.0,
    "longest_s": 0.1,
    "ceiling_dbtp": -1.0,
    "hz": (110.0, 165.0),
    "response": 0.5 ** np.arange(1500.0),
    "places": (Place(),),
}
SET = {
    "amplitude": 0.1,
    "coupling": 0.25,
    "cutoff_hz": 900.0,
    "delay_s": 0.3,
    "depth": 0.5,
    "drive_db": 6.0,
    "feedback": 0.4,
    "follower_hz": 500.0,
    "gain": 0.3,
    "hz": 220.0,
    "index": 1.0,
    "leader_hz": 220.0,
    "pan": 0.2,
    "place": 0.5,
    "ratio": 2.0,
    "resonance": 0.5,
    "shimmer_db": -14.0,
    "slope_db": -3.0,
    "stretch": 1.0,
    "t60_s": 2.0,
    "threshold_db": -20.0,
    "tilt_db": 3.0,
}


def public_classes():
    return [
        c
        for module in MODULES.values()
        for name, c in vars(module).items()
        if inspect.isclass(c) and c.__module__ == module.__name__ and not name.startswith("_")
    ]


def methods(cls):
    return [name for name, m in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")]


UNITS = [
    (cls, name)
    for cls in public_classes()
    for name in RENDERERS
    if name in methods(cls) and not inspect.isabstract(cls)
]


def test_every_class_that_renders_is_here():
    """One that renders by another name is to be added to RENDERERS; data classes and bare state do not render."""
    known = {cls for cls, _ in UNITS}
    others = [c for c in public_classes() if c not in known and not dataclasses.is_dataclass(c) and methods(c)]
    assert [c for c in others if not inspect.isabstract(c)] == []
    assert len(known) >= 20


def built(cls):
    wanted = inspect.signature(cls).parameters
    if "tables" in wanted:
        return cls(RATE, 1, tables(RATE, saw))
    needed = {n for n, p in wanted.items() if p.default is p.empty} | (wanted.keys() & {"response"})
    assert needed <= MADE.keys(), f"{cls.__name__}: say in MADE what to give as {sorted(needed - MADE.keys())}"
    return cls(**{name: MADE[name] for name in needed})


def sounding(unit, name):
    """`run(quanta)`, which has `unit` render so many quanta of sound with everything set at their edges."""
    if isinstance(unit, VoiceBank):
        return functools.partial(played, unit)
    method, wanted = getattr(unit, name), inspect.signature(getattr(unit, name)).parameters
    made = inspect.signature(type(unit)).parameters
    lanes = (LANES,) if made.keys() & {"voices", "partials"} else ()
    shape = (BLOCK * QUANTUM, LANES) if "voices" in made else (2, BLOCK * QUANTUM)
    noise = np.random.default_rng(1).normal(0.0, 0.2, shape).astype(np.float32)
    out = (getattr(unit, "channels", shape[0]), *shape[1:])
    given = {"out": np.zeros(out, np.float32), "x": noise, "send": noise, "settings": grain_settings(BLOCK + 1)}
    given["loud"] = np.ascontiguousarray(noise[:, :QUANTUM])  # of a limiter, which takes one quantum
    if name == "gain":
        given["out"] = np.zeros(QUANTUM if "loud" in wanted else BLOCK * QUANTUM, np.float32)
    for key in wanted.keys() - given.keys() - {"quanta"}:
        assert key in SET, f"{type(unit).__name__}.{name}: say in SET what to give as {key}"
        given[key] = np.full((BLOCK + 1, *lanes), SET[key], np.float32)
    arguments = {key: given[key] for key in wanted if key != "quanta"}
    if "quanta" not in wanted:
        return lambda quanta: method(**arguments)
    return lambda quanta: method(quanta=quanta, **arguments)


def played(unit, quanta):
    """As many new notes as there are voices, and so many quanta of them."""
    out = np.zeros((2, BLOCK * QUANTUM), np.float32)
    unit.begin(out)
    for i in range(unit.voices if not unit.sounding else 0):
        if hasattr(unit, "strike"):
            unit.strike(unit.clock, [200.0 + 30.0 * i] * 3, [0.1] * 3, [9.0] * 3)
        else:
            unit.pluck(unit.clock, 200.0 + 30.0 * i, 0.1 * np.hanning(60), 9.0, 2.0)
    unit.play(unit.clock + quanta * QUANTUM)
    assert np.abs(out[:, : quanta * QUANTUM]).max() > 0.0


def kernel_names(tree):
    """Functions of a module that are decorated as kernels."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and "kernel" in map(ast.unparse, node.decorator_list):
            yield node


TREES = {name: ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")) for name in MODULES}
KERNELS = {
    id(getattr(MODULES[name], node.name)): getattr(MODULES[name], node.name)
    for name, tree in TREES.items()
    for node in kernel_names(tree)
}


class Entries:
    """Counts the calls of kernels from Python, and the arrays they are handed."""

    def __init__(self):
        self.calls, self.arrays, self.inside = 0, 0, False

    def counted(self, kernel):
        @functools.wraps(kernel)
        def call(*arguments):
            if self.inside:  # as plain Python, a kernel called by another
                return kernel(*arguments)
            self.calls += 1
            self.arrays += sum(isinstance(a, np.ndarray) for a in arguments)
            self.inside = True
            try:
                return kernel(*arguments)
            finally:
                self.inside = False

        return call


@contextlib.contextmanager
def counting():
    """Entries, while every kernel of the package is counted."""
    entries = Entries()
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES.values():
            for name, value in list(vars(module).items()):
                if id(value) in KERNELS:
                    patch.setattr(module, name, entries.counted(value))
        yield entries


def allocations(run, quanta):
    """Arrays that the runtime of kernels has taken note of in a call."""
    before = rtsys.get_allocation_stats().alloc if COMPILED else 0
    run(quanta)
    return rtsys.get_allocation_stats().alloc - before if COMPILED else 0


@pytest.fixture(scope="module", autouse=True)
def statistics():
    """The runtime's count, shown to count."""
    if not COMPILED:
        yield
        return
    was = _nrt_python.memsys_stats_enabled()
    _nrt_python.memsys_enable_stats()
    one = numba.njit(lambda: np.zeros(1).size)
    one()
    assert allocations(lambda quanta: one(), 1) == 1
    yield
    if not was:
        _nrt_python.memsys_disable_stats()


@pytest.mark.parametrize("cls, name", UNITS, ids=[f"{cls.__name__}.{name}" for cls, name in UNITS])
def test_a_call_allocates_nothing_and_enters_kernels_as_often_whatever_its_length(cls, name):
    """No more than one record for each array that is handed over, and as many for one quantum as for 64.

    Where kernels are plain Python, whose arrays nobody counts, how often they are entered remains."""
    run, several = sounding(built(cls), name), BLOCK if COMPILED else 2
    run(several)  # compiles
    run(1)
    taken = []
    with counting() as entries:
        for quanta in (1, several):
            entries.calls, entries.arrays = 0, 0
            made = allocations(run, quanta)
            assert 0 < entries.calls and made <= entries.arrays
            taken.append((entries.calls, entries.arrays, made))
    assert taken[0] == taken[1]


ALLOCATING = {
    "append", "arange", "array", "asarray", "ascontiguousarray", "astype", "bytearray", "concatenate", "copy", "dict",
    "empty", "empty_like", "eye", "flatten", "full", "full_like", "hstack", "linspace", "list", "ones", "ones_like",
    "outer", "ravel", "repeat", "reshape", "set", "sort", "sorted", "stack", "str", "tile", "tuple", "vstack", "where",
    "zeros", "zeros_like",
}  # fmt: skip
OBJECTS = (
    ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.JoinedStr, ast.Lambda,
    ast.FunctionDef, ast.Raise, ast.Try, ast.With, ast.Yield, ast.YieldFrom,
)  # fmt: skip


def made_in(function):
    """What a kernel's source makes: calls of constructors, parts of arrays that are read, Python objects."""
    for node in (inner for statement in function.body for inner in ast.walk(statement)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ALLOCATING:
                yield f"line {node.lineno}: {ast.unparse(node)}"
        parts = node.slice.elts if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) else ()
        cut = isinstance(node, ast.Subscript) and any(isinstance(part, ast.Slice) for part in (node.slice, *parts))
        if isinstance(node, OBJECTS) or (cut and isinstance(node.ctx, ast.Load)):
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("name", [name for name, tree in TREES.items() if list(kernel_names(tree))])
def test_kernels_make_nothing(name):
    assert [f"{k.name}, {made}" for k in kernel_names(TREES[name]) for made in made_in(k)] == []


@pytest.mark.parametrize(
    "line", ["np.zeros(3)", "x[1:]", "x[0, :, 2]", "[1]", "[n for n in x]", "x.copy()", "list(x)", "f'{x}'"]
)
def test_the_scan_finds_what_is_made(line):
    (function,) = ast.parse(f"def f(x):\n    return {line}").body
    assert list(made_in(function))
    (function,) = ast.parse("def f(x):\n    x[:] = 0.0\n    x[1, :] = 0.0\n    return x[1, 2] + np.sqrt(x[0])").body
    assert not list(made_in(function))
