"""The recurrent layers in NumPy, one equation a line, for the layers to be compared with.

Gates in the order i, f, g, o, those that exist; weights are named as in `layer.weights`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Weights = dict[str, np.ndarray]
Result = tuple[np.ndarray, list[np.ndarray]]


def sigma(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def lstm(
    x: np.ndarray,
    weights: Weights,
    states: Sequence[np.ndarray] | None = None,
    *,
    units: int,
    peepholes: bool = False,
    coupled_gates: bool = False,
    projection_units: int | None = None,
    recurrent_mask: Any = 1,
    **options: Any,
) -> Result:
    """All outputs, and the final states `[h, c]`."""
    gates = "fgo" if coupled_gates else "ifgo"
    W = dict(zip(gates, np.split(weights["kernel"], len(gates), axis=1), strict=True))
    U = dict(zip(gates, np.split(weights["recurrent_kernel"], len(gates), axis=1), strict=True))
    b = dict.fromkeys(gates, 0)
    if "bias" in weights:
        b = dict(zip(gates, np.split(weights["bias"], len(gates)), strict=True))
    p = dict.fromkeys(gates, 0)
    if peepholes:
        p = dict(zip(gates.replace("g", ""), weights["peephole_kernel"], strict=True))
    R = weights["projection_kernel"] if projection_units else np.eye(units)

    def step(x_t: np.ndarray, states: Sequence[np.ndarray]) -> Result:
        h, c = states
        net = {k: x_t @ W[k] + (h * recurrent_mask) @ U[k] + b[k] for k in gates}
        f = sigma(net["f"] + p["f"] * c)
        i = 1 - f if coupled_gates else sigma(net["i"] + p["i"] * c)
        g = np.tanh(net["g"])
        c = f * c + i * g
        o = sigma(net["o"] + p["o"] * c)
        h = (o * np.tanh(c)) @ R
        return h, [h, c]

    return scan(step, x, states, [projection_units or units, units], **options)


def gru(
    x: np.ndarray,
    weights: Weights,
    states: Sequence[np.ndarray] | None = None,
    *,
    units: int,
    reset_after: bool = True,
    update_convention: str = "keras",
    recurrent_mask: Any = 1,
    **options: Any,
) -> Result:
    """All outputs, and the final state `[h]`."""
    W_z, W_r, W_n = np.split(weights["kernel"], 3, axis=1)
    U_z, U_r, U_n = np.split(weights["recurrent_kernel"], 3, axis=1)
    b = np.zeros((2, 3 * units))
    if "bias" in weights:
        b = weights["bias"] if reset_after else np.stack([weights["bias"], b[1]])
    (b_z, b_r, b_n), (d_z, d_r, d_n) = (np.split(row, 3) for row in b)

    def step(x_t: np.ndarray, states: Sequence[np.ndarray]) -> Result:
        (h,) = states
        m = h * recurrent_mask
        z = sigma(x_t @ W_z + m @ U_z + b_z + d_z)
        r = sigma(x_t @ W_r + m @ U_r + b_r + d_r)
        if reset_after:
            n = np.tanh(x_t @ W_n + b_n + r * (m @ U_n + d_n))
        else:
            n = np.tanh(x_t @ W_n + b_n + (r * m) @ U_n)
        if update_convention == "keras":
            h = z * h + (1 - z) * n
        else:
            h = (1 - z) * h + z * n
        return h, [h]

    return scan(step, x, states, [units], **options)


def simple_rnn(
    x: np.ndarray,
    weights: Weights,
    states: Sequence[np.ndarray] | None = None,
    *,
    units: int,
    recurrent_mask: Any = 1,
    **options: Any,
) -> Result:
    """All outputs, and the final state `[h]`."""

    def step(x_t: np.ndarray, states: Sequence[np.ndarray]) -> Result:
        recurrent = (states[0] * recurrent_mask) @ weights["recurrent_kernel"]
        h = np.tanh(x_t @ weights["kernel"] + recurrent + weights.get("bias", 0))
        return h, [h]

    return scan(step, x, states, [units], **options)


def scan(
    step: Callable[[np.ndarray, Sequence[np.ndarray]], Result],
    x: np.ndarray,
    states: Sequence[np.ndarray] | None,
    sizes: Sequence[int],
    *,
    mask: np.ndarray | None = None,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> Result:
    """Runs `step` over time; a masked step keeps the states and repeats the output before it."""
    batch, time, _ = x.shape
    states = [np.zeros((batch, size)) for size in sizes] if states is None else list(states)
    mask = np.ones((batch, time), bool) if mask is None else mask
    previous = np.zeros((batch, sizes[0]))
    outputs = []
    for t in reversed(range(time)) if go_backwards else range(time):
        valid = mask[:, t, None]
        output, new_states = step(x[:, t], states)
        states = [np.where(valid, new, old) for new, old in zip(new_states, states, strict=True)]
        previous = np.where(valid, output, previous)
        outputs.append(np.where(valid, output, 0) if zero_output_for_mask else previous)
    return np.stack(outputs, axis=1), states


def additive_attention(
    query: np.ndarray, memory: np.ndarray, weights: Weights, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Context (batch, time, features) and weights (batch, time, memory time)."""
    contexts, alignments = [], []
    for row, (queries, keys) in enumerate(zip(query, memory, strict=True)):
        steps = [s for s in range(len(keys)) if mask is None or mask[row, s]]
        alignment = np.zeros((len(queries), len(keys)))
        for t, q in enumerate(queries):
            meeting = np.tanh(q @ weights["query_kernel"] + keys[steps] @ weights["key_kernel"])
            e = np.exp(meeting @ weights["score_kernel"][:, 0])
            alignment[t, steps] = e / e.sum()
        alignments.append(alignment)
        contexts.append(alignment[:, steps] @ keys[steps])
    return np.stack(contexts), np.stack(alignments)
