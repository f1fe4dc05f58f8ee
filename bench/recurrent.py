"""A gated recurrent network on the estimator's features, to see whether a learned memory beats the linear model.

One layer of eight units (Cho et al. 2014, arXiv 1406.1078) beside a linear path, trained with Adam on sequences of one
step every five seconds, with noise on the features and weight decay; the settings are the best of three tried.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from listeners import FEATURES, Person
from numpy.typing import NDArray

STEP_S = 5
UNITS = 8
DECAY = 0.01
ROUNDS = 200
RATE = 0.01
NOISE = 0.1
FITTED = ("balanced", "official")

Net = dict[str, Array]


def _start(key: Array) -> Net:
    first, second, third = jax.random.split(key, 3)
    return {
        "from_input": 0.3 * jax.random.normal(first, (len(FEATURES), 3 * UNITS)),
        "from_state": 0.6 / np.sqrt(UNITS) * jax.random.normal(second, (UNITS, 3 * UNITS)),
        "bias": jnp.zeros(3 * UNITS),
        "out": 0.3 * jax.random.normal(third, (UNITS,)),
        "linear": jnp.array([0.3, 0.1, 1.0, 0.5]),
        "intercept": jnp.zeros(()),
    }


def _score(net: Net, x: Array) -> Array:
    """Log-odds (people, steps) of sequences (people, steps, features)."""

    def step(state: Array, seen: Array) -> tuple[Array, Array]:
        own = state @ net["from_state"]
        keep = jax.nn.sigmoid(seen[:, :UNITS] + own[:, :UNITS])
        reset = jax.nn.sigmoid(seen[:, UNITS : 2 * UNITS] + own[:, UNITS : 2 * UNITS])
        new = jnp.tanh(seen[:, 2 * UNITS :] + reset * own[:, 2 * UNITS :])
        state = keep * state + (1.0 - keep) * new
        return state, state

    seen = jnp.swapaxes(x @ net["from_input"] + net["bias"], 0, 1)
    _, states = jax.lax.scan(step, jnp.zeros((x.shape[0], UNITS)), seen)
    return jnp.swapaxes(states @ net["out"], 0, 1) + x @ net["linear"] + net["intercept"]


def _loss(net: Net, x: Array, y: Array, w: Array) -> Array:
    score = _score(net, x)
    decay = sum(jnp.sum(net[name] ** 2) for name in ("from_input", "from_state", "out"))
    return jnp.sum(w * (jnp.logaddexp(0.0, score) - y * score)) / jnp.sum(w) + DECAY * decay


@jax.jit
def _learn(net: Net, m: Net, v: Net, t: Array, x: Array, y: Array, w: Array, key: Array) -> tuple[Net, Net, Net]:
    """One step of Adam (Kingma & Ba 2015)."""
    slope = jax.grad(_loss)(net, x + NOISE * jax.random.normal(key, x.shape), y, w)
    m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, slope)
    v = jax.tree.map(lambda a, g: 0.99 * a + 0.01 * g * g, v, slope)
    move = lambda p, a, b: p - RATE * (a / (1.0 - 0.9**t)) / (jnp.sqrt(b / (1.0 - 0.99**t)) + 1e-8)  # noqa: E731
    return jax.tree.map(move, net, m, v), m, v


def _arrays(people: Sequence[Person]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    steps = max(len(person.features[::STEP_S]) for person in people)
    x = np.zeros((len(people), steps, len(FEATURES)), np.float32)
    y, w = np.zeros(x.shape[:2], np.float32), np.zeros(x.shape[:2], np.float32)
    for i, person in enumerate(people):
        n = len(person.features[::STEP_S])
        x[i, :n] = person.features[::STEP_S]
        y[i, :n] = person.strain[::STEP_S]
        for task in FITTED:
            mask = person.mask(task)[::STEP_S]
            w[i, :n] += mask / mask.sum()
    return x, y, w


def left_out_once(people: Sequence[Person], test: Sequence[Person]) -> list[NDArray[np.float64]]:
    """Probabilities of each of `test` at each second by a network trained on all others of `people`."""
    x, y, w = _arrays(people)
    seen, _, _ = _arrays(test)
    said = []
    for i, person in enumerate(test):
        others = np.array([j for j, other in enumerate(people) if other.name != person.name])
        net = _start(jax.random.PRNGKey(i))
        m = v = jax.tree.map(jnp.zeros_like, net)
        for t in range(1, ROUNDS + 1):
            key = jax.random.PRNGKey(ROUNDS * i + t)
            net, m, v = _learn(net, m, v, jnp.float32(t), x[others], y[others], w[others], key)
        p = 1.0 / (1.0 + np.exp(-np.asarray(_score(net, seen[i : i + 1]))[0]))
        said.append(np.repeat(p, STEP_S)[: person.task.size].astype(np.float64))
    return said
