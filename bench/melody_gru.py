"""Training of the network that ships in `synth/composer/learned`, with jax (extra `train`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from melody_corpus import Piece
from numpy.typing import NDArray

from synth.composer.learned import features
from synth.composer.learned.events import IOIS, WIDEST, interval, ioi_class
from synth.composer.learned.features import INTERVALS, READ, TOLD, TOLD_PITCH, Past

LONGEST = 128  # tones of a strain
HIDDEN, HEAD = 128, 96
EPOCHS, BATCH, RATE = 24, 32, 3e-3
DROP, HEAD_DROP = 0.5, 0.25  # share of units left out in training

Strains = dict[str, NDArray[np.float32]]
Weights = dict[str, NDArray[np.float32]]


def encode(pieces: Sequence[Piece]) -> Strains:
    """Padded arrays (strain, tone, feature); `mask` is 1 where a tone is to be told."""
    rows: dict[str, list[Any]] = {name: [] for name in ("read", "told", "told_pitch", "time", "pitch", "mask")}
    for piece in pieces:
        for part in piece.parts:
            past = Past(piece.metre, piece.air)
            strain: dict[str, list[Any]] = {name: [] for name in rows}
            for event in part[:LONGEST]:
                if past.events:
                    strain["read"].append(features.read(past))
                    strain["told"].append(features.told(past, event.beat))
                    strain["told_pitch"].append(features.told_pitch(past, event.beat, event.ioi))
                    strain["time"].append(ioi_class(event.ioi))
                    strain["pitch"].append(interval(past.events[-1].step, event.step) + WIDEST)
                    strain["mask"].append(1.0)
                past.add(event)
            for name, values in strain.items():
                padded = np.zeros((LONGEST - 1, *np.shape(values)[1:]), np.float32)
                padded[: len(values)] = values
                rows[name].append(padded)
    return {name: np.stack(values) for name, values in rows.items()}


def train(training: Sequence[Piece], valid: Sequence[Piece], seed: int, say: Callable[[str], None]) -> Weights:
    """The weights that were best on `valid`: Adam, the rate falling to 0 along a cosine."""
    import jax
    import jax.numpy as jnp

    data, held = encode(training), encode(valid)
    rng = np.random.default_rng(seed)
    weights = _start(rng)
    moments = (jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights))
    steps = EPOCHS * (len(data["mask"]) // BATCH)

    def loss(weights: Any, batch: Any, key: Any) -> Any:
        time, pitch = log_probabilities(weights, batch, key)
        return -((time + pitch) * batch["mask"]).sum() / batch["mask"].sum()

    @jax.jit
    def update(weights: Any, moments: Any, batch: Any, key: Any, count: Any) -> Any:
        slopes = jax.grad(loss)(weights, batch, key)
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(slopes)))
        slopes = jax.tree.map(lambda g: g * jnp.minimum(1.0, 1.0 / (norm + 1e-9)), slopes)
        m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, moments[0], slopes)
        v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, moments[1], slopes)
        rate = RATE * 0.5 * (1.0 + jnp.cos(jnp.pi * count / steps))
        first, second = 1.0 - 0.9**count, 1.0 - 0.999**count
        weights = jax.tree.map(lambda w, a, b: w - rate * (a / first) / (jnp.sqrt(b / second) + 1e-8), weights, m, v)
        return weights, (m, v)

    judge = jax.jit(lambda weights: loss(weights, held, None))
    best, kept, count = np.inf, weights, 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(data["mask"]))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            count += 1
            batch = {name: values[order[at : at + BATCH]] for name, values in data.items()}
            weights, moments = update(weights, moments, batch, jax.random.key(count), count)
        found = float(judge(weights)) / np.log(2.0)
        say(f"  epoch {epoch + 1:2}: {found:.3f} bits a tone on the valid pieces")
        if found < best:
            best, kept = found, weights
    return {name: np.asarray(values) for name, values in kept.items()}


def log_probabilities(weights: Any, batch: Any, key: Any) -> Any:
    """Natural log probability of each time and each pitch, (strain, tone) both; `key` drops units, None none."""
    import jax
    import jax.numpy as jnp

    w = weights

    def step(h: Any, x: Any) -> Any:
        gates = jax.nn.sigmoid(x @ w["gx"] + h @ w["gh"] + w["gb"])
        keep, reset = gates[:, :HIDDEN], gates[:, HIDDEN:]
        h = (1.0 - keep) * jnp.tanh(x @ w["nx"] + (reset * h) @ w["nh"] + w["nb"]) + keep * h
        return h, h

    reads = jnp.swapaxes(jnp.asarray(batch["read"]), 0, 1)
    _, hidden = jax.lax.scan(step, jnp.zeros((reads.shape[1], HIDDEN)), reads)
    hidden = jnp.swapaxes(hidden, 0, 1)

    def dropped(units: Any, key: Any, share: float) -> Any:
        return units * jax.random.bernoulli(key, 1.0 - share, units.shape) / (1.0 - share)

    if key is not None:
        hidden = dropped(hidden, key, DROP)

    def head(name: str, x: Any, target: Any) -> Any:
        units = jax.nn.relu(x @ w[f"{name}1"] + w[f"{name}b"])
        if key is not None:
            units = dropped(units, jax.random.fold_in(key, ord(name)), HEAD_DROP)
        said = jax.nn.log_softmax(units @ w[f"{name}2"])
        return jnp.take_along_axis(said, jnp.asarray(target, jnp.int32)[..., None], axis=-1)[..., 0]

    told = jnp.concatenate((hidden, jnp.asarray(batch["told"])), axis=-1)
    more = jnp.concatenate((told, jnp.asarray(batch["told_pitch"])), axis=-1)
    return head("t", told, batch["time"]), head("p", more, batch["pitch"])


def _start(rng: np.random.Generator) -> Weights:
    def drawn(rows: int, columns: int) -> NDArray[np.float32]:
        return (rng.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32)

    return {
        "gx": drawn(READ, 2 * HIDDEN),
        "gh": drawn(HIDDEN, 2 * HIDDEN),
        "gb": np.zeros(2 * HIDDEN, np.float32),
        "nx": drawn(READ, HIDDEN),
        "nh": drawn(HIDDEN, HIDDEN),
        "nb": np.zeros(HIDDEN, np.float32),
        "t1": drawn(HIDDEN + TOLD, HEAD),
        "tb": np.zeros(HEAD, np.float32),
        "t2": drawn(HEAD, len(IOIS)),
        "p1": drawn(HIDDEN + TOLD + TOLD_PITCH, HEAD),
        "pb": np.zeros(HEAD, np.float32),
        "p2": drawn(HEAD, len(INTERVALS)),
    }
