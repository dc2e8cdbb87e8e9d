"""The recurrence on TensorFlow: chunks of time, each compiled once whatever the length.

The gradient is written out over the whole sequence: weights get theirs from one product a chunk.
Between the passes each chunk keeps what a step cannot give back cheaply; or else only the states
at its edge are kept, and the backward pass runs the chunk again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import tensorflow as tf

from ._tensorflow_chunk import Chunk, Weights
from ._tensorflow_loop import Loop, inside_xla
from ._terms import Terms, refuse_second_derivatives

_ROWS = 8
"""Items of a batch for which a core of its own is worth its while."""

_chunks: dict[Any, Chunk] = {}


def run(
    cell: Any,
    inputs: Any,
    states: Sequence[Any],
    terms: Terms,
    times: Mapping[str, Any],
    *,
    keep: bool,
    return_sequences: bool,
) -> tuple[Any, list[Any]]:
    """See `zoo.layers._kernels.run`."""
    noise = {name: mask for name, mask in terms.masks.items() if tf.is_tensor(mask)}
    fixed = {name: mask for name, mask in terms.masks.items() if name not in noise}
    key = (cell.equations(), *fixed.items())
    if key not in _chunks:
        _chunks[key] = Chunk(cell.bare(), fixed, terms.parts)
    chunk = _chunks[key]
    # Variables must be read out here: a custom gradient reaches none that is read inside.
    weights: Weights = tf.nest.map_structure(
        tf.convert_to_tensor, {"matrices": terms.matrices, "vectors": terms.vectors}
    )

    # Half of a batch on each core is faster than each product on both.
    batch, cores = inputs.shape[0], _cores()
    if tf.executing_eagerly() or inside_xla() or (batch is not None and batch < _ROWS * cores):
        cores = 1
    ends = _ends(tf.shape(inputs)[0] if batch is None else batch, cores)
    results = _differentiable(
        chunk, ends, inputs, list(states), times, noise, weights, keep, return_sequences
    )
    finals = [tf.ensure_shape(r, s.shape) for r, s in zip(results, states, strict=False)]
    if not return_sequences:
        return None, finals
    return tf.ensure_shape(results[-1], [*inputs.shape[:2], states[0].shape[-1]]), finals


@lru_cache
def _cores() -> int:
    """How many parts of a batch to run side by side."""
    if tf.config.list_logical_devices("GPU"):
        return 1
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def _ends(batch: Any, parts: int) -> list[Any]:
    """Where the parts of a batch end; one that is too small for parts is all in the first."""
    ends = [0, *(batch * number // parts for number in range(1, parts)), batch]
    if isinstance(batch, int) or parts == 1:
        return ends
    small = batch < _ROWS * parts
    return [0, *(tf.where(small, batch, end) for end in ends[1:])]


def _differentiable(
    chunk: Chunk,
    ends: list[Any],
    inputs: Any,
    states: list[Any],
    times: Mapping[str, Any],
    noise: Mapping[str, Any],
    weights: Weights,
    keep: bool,
    return_sequences: bool,
) -> list[Any]:
    """The final states, and the outputs of all steps if they are wanted."""
    structure = [inputs, states, weights]
    times, noise = tf.nest.map_structure(tf.stop_gradient, [times, noise])
    loops = [
        Loop(chunk, inputs, times, noise, first, end, keep, return_sequences)
        for first, end in zip(ends, ends[1:], strict=False)
    ]

    def together(parts: Iterable[Sequence[Any]]) -> list[Any]:
        """Tensors of all rows, from those of the parts of the batch."""
        return [p[0] if len(p) == 1 else tf.concat(p, axis=0) for p in zip(*parts, strict=True)]

    def joined(series: Sequence[Any]) -> Any:
        return series[0].joined(series[1:], loops[0].time)

    @tf.custom_gradient
    def whole(*flat: Any) -> Any:
        # A tape that watched these would ask the compiled chunks for gradients of their own.
        still = [tf.stop_gradient(tensor) for tensor in flat]
        x, start, weights = tf.nest.pack_sequence_as(structure, still)
        ran = [loop.forward(x, [loop.of_rows(s) for s in start], weights) for loop in loops]
        finals, series = together(one[0] for one in ran), [one[1] for one in ran]

        def gradient(*upstream: Any) -> list[Any]:
            @tf.custom_gradient
            def first(*every: Any) -> Any:
                given = [tf.stop_gradient(tensor) for tensor in every[: len(upstream)]]
                d_outputs = given[-1] if return_sequences else None
                found = [
                    loop.backward(
                        x, weights, one, [loop.of_rows(d) for d in given[: len(start)]], d_outputs
                    )
                    for loop, one in zip(loops, series, strict=True)
                ]
                d_x, d_starts, d_weights = zip(*found, strict=True)
                total = tf.nest.map_structure(lambda *parts: tf.add_n(parts), *d_weights)
                grads = tf.nest.flatten([joined(d_x), together(d_starts), total])
                return grads, refuse_second_derivatives

            return first(*upstream, *flat)

        return [*finals, joined(series)] if return_sequences else finals, gradient

    return list(whole(*tf.nest.flatten(structure)))
