"""A recurrent decoder that looks at a memory at each step, for any registered cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops, tree

from zoo.layers import AdditiveAttention, MultiplicativeAttention, recurrence, recurrent
from zoo.layers._arguments import positive_integer, rate
from zoo.layers._cell import RecurrentCell
from zoo.layers._kernels import joined

ATTENTIONS: dict[str, Callable[[int], keras.layers.Layer]] = {
    "additive": AdditiveAttention,
    "dot": lambda units: MultiplicativeAttention("dot"),
    "general": lambda units: MultiplicativeAttention("general"),
    "concat": lambda units: MultiplicativeAttention("concat", units),
}

# One step of one cell: its inputs, its states and its masks of this step.
_Advance = Callable[[Any, list[Any], Sequence[Any]], tuple[Any, Any]]


@keras.saving.register_keras_serializable(package="zoo")
class AttentionDecoder(keras.layers.Layer):
    """A stack of recurrent cells with input feeding over a memory.

        s_t = cells([y_t, a_{t-1}], s_{t-1})
        v_t = attention(s_t, memory)            without attention, v_t is the memory's summary
        a_t = tanh([v_t, s_t] W_a + b_a)

    The cells start from the summary, through one dense layer (tanh) for each of their states. With
    `gated`, v_t is multiplied by a number of each step, `sigma(s_t w + b)` (Xu et al. 2015).

    Args:
        recurrent: the name of a registered cell.
        units: its size.
        depth: how many cells.
        output_units: size of `a_t`.
        attention: "additive", "dot" (for memories of the size of the cells' output), "general",
            "concat", or None.
        dropout: rate of the outputs `a_t` that are dropped in training, after the recurrence.
        recurrent_options: more arguments of the cells.
        context: without attention, whether `v_t` is there at all.
        bridged: whether the cells start from the summary, or else from zeros.
        gated: whether a number of each step says how much of the memory counts.

    Call arguments:
        embedded: (batch, time, features), the symbols before those to be predicted.
        memory: (batch, memory time, memory features).
        summary: (batch, summary features).
        mask: booleans (batch, memory time), true where the memory is real.
        return_weights: also return the attention's weights.
        training: whether dropout acts.

    Returns:
        `a`, (batch, time, output_units), and with `return_weights` also
        (batch, time, memory time).

    References:
        Luong, Pham and Manning 2015, "Effective approaches to attention-based neural machine
        translation" (input feeding); Cho et al. 2014, "Learning phrase representations using RNN
        encoder-decoder for statistical machine translation" (without attention); Xu et al. 2015,
        "Show, attend and tell" (the gate).
    """

    def __init__(
        self,
        recurrent: str,
        units: int,
        depth: int,
        output_units: int,
        attention: str | None = "additive",
        dropout: float = 0.0,
        recurrent_options: dict[str, Any] | None = None,
        *,
        context: bool = True,
        bridged: bool = True,
        gated: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if gated and attention is None:
            raise ValueError("`gated=True` needs an `attention`. Received: attention=None.")
        self.recurrent = recurrent
        self.context = context
        self.bridged = bridged
        self.gated = gated
        self.units = positive_integer("units", units)
        self.depth = positive_integer("depth", depth)
        self.output_units = positive_integer("output_units", output_units)
        self.dropout = rate("dropout", dropout)
        self.recurrent_options = dict(recurrent_options or {})
        if attention is not None and attention not in ATTENTIONS:
            raise ValueError(
                f"`attention` must be None or one of {sorted(ATTENTIONS)}. "
                f"Received: attention={attention!r}."
            )
        self.attention_name = attention
        self.cells = [_cell(recurrent, units, self.recurrent_options) for _ in range(depth)]
        self.attention = None if attention is None else ATTENTIONS[attention](units)
        self.combine = keras.layers.Dense(output_units, activation="tanh")
        self.bridges = [
            keras.layers.Dense(size, activation="tanh")
            for size in (tree.flatten(self._sizes()) if bridged else [])
        ]
        self.gate = keras.layers.Dense(1, activation="sigmoid") if gated else None
        self.drop = keras.layers.Dropout(dropout)
        self.supports_masking = True

    def compute_mask(self, *args: Any, **kwargs: Any) -> None:
        return None

    def build(self, embedded_shape: Any, memory_shape: Any, summary_shape: Any) -> None:
        features = embedded_shape[-1] + self.output_units
        for cell in self.cells:
            cell.build((None, features))
            features = _output_size(cell)
        for bridge in self.bridges:
            bridge.build(summary_shape)
        context = summary_shape[-1] if self.context else 0
        if self.attention is not None:
            self.attention.build((None, features), memory_shape)
            context = memory_shape[-1]
        if self.gate is not None:
            self.gate.build((None, features))
        self.combine.build((None, context + features))
        self.built = True

    def start(self, memory: Any, summary: Any, mask: Any = None) -> tuple[list[Any], list[Any]]:
        """Returns the first states, and the constants: what stays the same at all steps.

        Both are lists of tensors that start with the batch axis.
        """
        fed = ops.zeros((ops.shape(summary)[0], self.output_units), summary.dtype)
        if self.bridged:
            first = [bridge(summary) for bridge in self.bridges]
        else:
            rows = ops.shape(summary)[0]
            first = [ops.zeros((rows, size), fed.dtype) for size in tree.flatten(self._sizes())]
        states = [fed, *first]
        if self.attention is None:
            return states, [summary] if self.context else []
        if mask is None:
            mask = ops.ones(ops.shape(memory)[:2], "bool")
        return states, [memory, mask, self.attention.project_memory(memory, mask)]

    def step(
        self, embedded: Any, states: list[Any], constants: list[Any]
    ) -> tuple[Any, list[Any], Any]:
        """One step at inference: `a_t` (batch, output_units), new states, attention's weights."""
        return self._step(embedded, states, constants, [(_bare(c, False), ()) for c in self.cells])

    def _step(
        self,
        embedded: Any,
        states: list[Any],
        constants: list[Any],
        steps: Sequence[tuple[_Advance, Sequence[Any]]],
    ) -> tuple[Any, list[Any], Any]:
        fed, *states = states
        output = ops.concatenate([embedded, fed], axis=-1)
        new_states = []
        for (advance, masks), state in zip(steps, self._nested(states), strict=True):
            output, state = advance(output, tree.flatten(state), masks)
            new_states += tree.flatten(state)
        weights = None
        seen = constants
        if self.attention is not None:
            memory, mask, keys = constants
            context, weights = self.attention(output, memory, mask=mask, keys=keys)
            seen = [context if self.gate is None else context * self.gate(output)]
        fed = self.combine(ops.concatenate([*seen, output], axis=-1))
        return fed, [fed, *new_states], weights

    def _sizes(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    def _nested(self, states: list[Any]) -> Any:
        return tree.pack_sequence_as(self._sizes(), states)

    def call(
        self,
        embedded: Any,
        memory: Any,
        summary: Any,
        mask: Any = None,
        return_weights: bool = False,
        training: bool = False,
    ) -> Any:
        states, constants = self.start(memory, summary, mask)
        prepared = self._prepared(embedded, states, training)
        inputs, parts_of = joined([embedded, *(mask for _, drawn in prepared for mask in drawn)])
        return_weights = return_weights and self.attention is not None

        def step(inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            embedded, *masks = parts_of(inputs)
            rest = iter(masks)
            steps = [(advance, [next(rest) for _ in drawn]) for advance, drawn in prepared]
            fed, states, weights = self._step(embedded, states, constants, steps)
            return ops.concatenate([fed, weights], -1) if return_weights else fed, states

        _, outputs, _ = recurrence(step, inputs, states)
        for cell in self.cells:
            if hasattr(cell, "reset_dropout_mask"):
                cell.reset_dropout_mask()
                cell.reset_recurrent_dropout_mask()
        fed = self.drop(outputs[..., : self.output_units], training=training)
        return (fed, outputs[..., self.output_units :]) if return_weights else fed

    def _prepared(
        self, embedded: Any, states: list[Any], training: bool
    ) -> list[tuple[_Advance, list[Any]]]:
        """One step of each cell, and the masks (batch, time, size) that differ from step to step.

        Masks that stay the same for all steps are drawn here too, before the loop.
        """
        time = ops.shape(embedded)[1]
        inputs = ops.concatenate([embedded[:, 0], states[0]], axis=-1)
        prepared = []
        for cell, state in zip(self.cells, self._nested(states[1:]), strict=True):
            state = tree.flatten(state)
            if training and hasattr(cell, "get_dropout_mask"):
                cell.get_dropout_mask(inputs)
                cell.get_recurrent_dropout_mask(state[0])
            if isinstance(cell, RecurrentCell):
                prepared.append(_over_time(cell, state, time, training))
            else:
                prepared.append((_bare(cell, training), []))
            inputs = ops.zeros((ops.shape(inputs)[0], _output_size(cell)), inputs.dtype)
        return prepared

    def compute_output_shape(self, embedded_shape: Any, *shapes: Any) -> Any:
        return (*embedded_shape[:-1], self.output_units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent": self.recurrent,
            "units": self.units,
            "depth": self.depth,
            "output_units": self.output_units,
            "attention": self.attention_name,
            "dropout": self.dropout,
            "recurrent_options": self.recurrent_options,
            "context": self.context,
            "bridged": self.bridged,
            "gated": self.gated,
        }


def _cell(name: str, units: int, options: dict[str, Any]) -> Any:
    return recurrent(name, units, **options).cell


def _output_size(cell: Any) -> int:
    size = getattr(cell, "output_size", None)
    return tree.flatten(cell.state_size)[0] if size is None else size


def _bare(cell: Any, training: bool) -> _Advance:
    """A step of a cell that has no masks of its own for it."""
    options = {"training": training} if cell._call_has_training_arg else {}
    return lambda inputs, states, masks: cell(inputs, states, **options)


def _over_time(
    cell: RecurrentCell, states: list[Any], time: Any, training: bool
) -> tuple[_Advance, list[Any]]:
    """A step of one of our cells, whose weights and masks are made ready before the loop."""
    terms = cell.terms(states, training)
    drawn = cell.draw(ops.shape(states[0])[0], time, training)

    def step(inputs: Any, states: list[Any], masks: Sequence[Any]) -> tuple[Any, list[Any]]:
        if training and cell.dropout:
            inputs = inputs * cell.get_dropout_mask(inputs)
        here = terms.at(dict(zip(drawn, masks, strict=True)))
        states = cell.step(cell.project(inputs, terms), states, here)
        return states[0], states

    return step, list(drawn.values())
