"""The loop over the chunks of a call on TensorFlow, and the products of whole chunks.

Products of many rows are left to TensorFlow, which has better ones than its compiler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from ._replay import Forward
from ._tensorflow_chunk import Chunk, Weights

_SIZES = (10, 25, 50, 100)
"""Steps in a chunk: as many as possible, and what is left takes the smallest that holds it."""
_SIZE = 25
"""Steps in a chunk where the length of the sequence is not known, or the chunks are many."""
_UNROLLED = 16
"""So many chunks are steps of the graph; more are the steps of a loop."""


def inside_xla() -> bool:
    """Whether the graph in the making will be compiled as a whole."""
    return not tf.executing_eagerly() and GraphOrParentsInXlaContext(
        tf.compat.v1.get_default_graph()
    )


class Loop:
    """The chunks of a part of a batch, from row `first` to row `end`.

    Its methods take the inputs and outputs of the whole batch, but states and gradients of states
    of the part: so there is no copy of a part as long as the sequence.
    """

    def __init__(
        self,
        chunk: Chunk,
        inputs: Any,
        times: Mapping[str, Any],
        noise: Mapping[str, Any],
        first: Any,
        end: Any,
        keep: bool,
        return_sequences: bool,
    ) -> None:
        self.first, self.end, self.chunk, self.times = first, end, chunk, dict(times)
        self.noise = {name: self.of_rows(mask) for name, mask in noise.items()}
        self.keep, self.return_sequences = keep, return_sequences
        self.inline, sizes = inside_xla(), _SIZES
        time = inputs.shape[1]
        self.time = tf.shape(inputs)[1] if time is None else time
        self.batch = end - first
        self.static_batch = None if tf.is_tensor(self.batch) else self.batch
        self.pieces: list[int] | None = None
        if time is not None:
            rest = time % sizes[-1]
            last = [min(size for size in sizes if size >= rest)] if rest else []
            pieces = [sizes[-1]] * (time // sizes[-1]) + last
            if self.inline or len(pieces) <= _UNROLLED:
                self.pieces = [time] if self.inline else pieces
        self.size = _SIZE
        self.count = -(-self.time // self.size)

    def span(self, number: Any) -> tuple[Any, Any, int]:
        """The first step of a chunk, how many there are, and how many it has room for."""
        if self.pieces is None:
            start = number * self.size
            return start, tf.minimum(self.size, self.time - start), self.size
        start, size = sum(self.pieces[:number]), self.pieces[number]
        return start, min(size, self.time - start), size

    def of_rows(self, values: Any) -> Any:
        """The rows of a tensor that belong to this part of the batch."""
        return values[self.first : self.end]

    def steps(self, values: Any, number: Any) -> Any:
        """The rows and steps of a chunk."""
        start, steps, _ = self.span(number)
        return values[self.first : self.end, start : start + steps]

    def part(self, values: Any, number: Any) -> Any:
        """The rows and steps of a chunk, and zeros as far as it has room for more."""
        _, steps, size = self.span(number)
        part = self.steps(values, number)
        if self.pieces is None or steps < size:
            part = tf.pad(part, [[0, 0], [0, size - steps], [0, 0]])
        return tf.ensure_shape(part, [self.static_batch, size, values.shape[2]])

    def inputs(self, x: Any, number: Any) -> Any:
        """The inputs of a chunk, (steps * batch, features), all of the first step in front."""

        def rows(values: Any) -> Any:
            part = self.steps(values, number)
            return tf.reshape(tf.transpose(part, [1, 0, 2]), [-1, values.shape[2]])

        if "valid" not in self.times:
            return rows(x)
        return tf.where(rows(self.times["valid"]), rows(x), 0)

    def projected(self, rows: Any, number: Any, terms: Forward) -> list[Any]:
        """What depends on the inputs of a chunk alone, (steps, batch, size) for each gate."""
        _, steps, size = self.span(number)
        found = []
        for part in self.chunk.cell.project(rows, terms):
            part = tf.reshape(part, [steps, self.batch, part.shape[-1]])
            if self.pieces is None or steps < size:
                part = tf.pad(part, [[0, size - steps], [0, 0], [0, 0]])
            found.append(tf.ensure_shape(part, [size, self.static_batch, part.shape[-1]]))
        return found

    def call(self, function: str, number: Any, *arguments: Any) -> Any:
        """Calls one of the functions of the chunk."""
        times = {name: self.part(values, number) for name, values in self.times.items()}
        _, steps, size = self.span(number)
        steps = tf.convert_to_tensor(steps, tf.int32)
        run = getattr(self.chunk, function)
        if not self.inline:
            run = self.chunk.compiled(function, self.static_batch, size, self.return_sequences)
        return run(times, self.noise, steps, *arguments)

    def forward(self, x: Any, start: list[Any], weights: Weights) -> tuple[list[Any], Any]:
        """Returns the final states, and outputs and what the backward pass reads by chunks."""
        run = "recorded" if self.keep else "plain"
        show, terms = self.return_sequences, Forward(self.chunk.terms(weights, {}), {})

        def body(number: Any, states: list[Any]) -> tuple[list[Any], Any]:
            projected = self.projected(self.inputs(x, number), number, terms)
            finals, output, saved = self.call(run, number, projected, states, weights, show)
            return finals, [output, states, saved]

        return self.over(body, start)

    def backward(
        self, x: Any, weights: Weights, series: Any, d_finals: list[Any], d_outputs: Any
    ) -> tuple[Any, list[Any], Weights]:
        """Returns the gradients of inputs by chunks, of initial states and of weights."""
        terms = Forward(self.chunk.terms(weights, {}), {})

        def body(number: Any, carry: list[Any]) -> tuple[list[Any], Any]:
            d_states, d_weights = carry
            _, states, saved = series.read(number)
            d_output = None if d_outputs is None else self.part(d_outputs, number)
            rows = self.inputs(x, number)
            projected = [] if saved else self.projected(rows, number, terms)
            d_projected, d_states, factors, sums = self.call(
                "backward", number, projected, states, weights, saved, d_states, d_output
            )
            d_rows, more = self.chunk.gradients(rows, d_projected, factors, sums, weights)
            d_weights = tf.nest.map_structure(tf.add, d_weights, more)
            _, steps, size = self.span(number)
            d_x = tf.transpose(tf.reshape(d_rows, [steps, self.batch, x.shape[2]]), [1, 0, 2])
            if self.pieces is None:  # all parts of a loop have the same shape
                d_x = tf.pad(d_x, [[0, 0], [0, size - steps], [0, 0]])
            return [d_states, d_weights], [d_x]

        zeros = tf.nest.map_structure(tf.zeros_like, weights)
        begun = d_finals if d_outputs is None else [d_outputs]
        (d_start, d_weights), d_x = self.over(body, [d_finals, zeros], begun, backwards=True)
        return d_x, d_start, d_weights

    def over(
        self,
        body: Callable[[Any, Any], tuple[Any, Any]],
        carry: Any,
        begun: Sequence[Any] = (),
        backwards: bool = False,
    ) -> tuple[Any, _Series | _Arrays]:
        """Runs `body(number, carry) -> (carry, emitted)` over the chunks, after `begun`."""
        if self.pieces is not None:
            emitted: dict[int, Any] = {}
            numbers = range(len(self.pieces))
            # Else all that needs no state would be computed at once: here it is one chunk ahead.
            ahead: list[Any] = []
            for number in reversed(numbers) if backwards else numbers:
                with tf.control_dependencies([*begun, *ahead]):
                    ahead = tf.nest.flatten(carry)[:1]
                    carry, emitted[number] = body(number, carry)
            return carry, _Series(emitted)
        # The first chunk shows what there is to be kept.
        last = self.count - 1
        carry, first = body(last if backwards else 0, carry)
        series = _Arrays(first, self.count).written(last if backwards else 0, first)

        def iteration(k: Any, carry: Any, flows: Any) -> Any:
            number = last - k if backwards else k
            carry, emitted = body(number, carry)
            return k + 1, carry, series.at(flows).written(number, emitted).flows

        _, carry, flows = tf.while_loop(
            lambda k, *_: k < self.count,
            iteration,
            (tf.constant(1), carry, series.flows),
            parallel_iterations=1,
        )
        return carry, series.at(flows)


class _Series:
    """What the chunks gave, by their numbers."""

    def __init__(self, emitted: dict[int, Any]) -> None:
        self.emitted = emitted

    def read(self, number: int) -> Any:
        return self.emitted[number]

    def joined(self, others: Sequence[_Series], time: Any) -> Any:
        """The first tensors (batch, size, ...) of all chunks, joined along time.

        The same chunks of other parts of the batch are below them.
        """
        parts = []
        for number in sorted(self.emitted):
            rows = [one.emitted[number][0] for one in (self, *others)]
            parts.append(rows[0] if len(rows) == 1 else tf.concat(rows, axis=0))
        return (parts[0] if len(parts) == 1 else tf.concat(parts, axis=1))[:, :time]


class _Arrays:
    """The same for a number of chunks that is large, or not known."""

    def __init__(self, like: Any, count: Any, flows: Any = None) -> None:
        self.like, self.count = like, count
        self.flows = flows or [
            tf.TensorArray(one.dtype, count, clear_after_read=False, infer_shape=False)
            for one in tf.nest.flatten(like)
        ]

    def at(self, flows: Any) -> _Arrays:
        return _Arrays(self.like, self.count, flows)

    def written(self, number: Any, emitted: Any) -> _Arrays:
        values = tf.nest.flatten(emitted)
        return self.at([a.write(number, v) for a, v in zip(self.flows, values, strict=True)])

    def read(self, number: Any) -> Any:
        shapes = [one.shape for one in tf.nest.flatten(self.like)]
        tensors = [
            tf.ensure_shape(array.read(number), shape)
            for array, shape in zip(self.flows, shapes, strict=True)
        ]
        return tf.nest.pack_sequence_as(self.like, tensors)

    def whole(self) -> Any:
        """The first tensors of all chunks, joined along time."""
        like = self.like[0]
        whole = tf.transpose(self.flows[0].stack(), [1, 0, 2, 3])
        return tf.reshape(whole, [tf.shape(like)[0], -1, like.shape[-1]])

    def joined(self, others: Sequence[_Arrays], time: Any) -> Any:
        """See `_Series`."""
        parts = [one.whole() for one in (self, *others)]
        return (parts[0] if len(parts) == 1 else tf.concat(parts, axis=0))[:, :time]
