"""One row for each public layer: how to build it and what to call it on.

Many suites run over all the rows; a public layer class without one fails
`tests/layers/test_conformance.py`. A class may have several rows, told apart by `variant`.
"""

import sys
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

import zoo.layers

BATCH, TIME, FEATURES, UNITS = 5, 4, 3, 4

# A batch of five rows: nothing masked, then padding right, left and in the middle, and all of it.
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)


@dataclass(frozen=True)
class Case:
    """A public layer, its constructor arguments and the shapes of its call arguments.

    The kinds: a `sequence` layer reads (batch, time, features); a `cell` reads (batch, features)
    and its states, which are not among the shapes; an `attention` reads a query and a memory; a
    `stack` reads as a sequence layer does, but has no cell of its own.
    """

    layer: str
    kind: str
    arguments: dict[str, Any]
    variant: str = ""
    shapes: tuple[tuple[int, ...], ...] = field(default=())

    def __str__(self) -> str:
        return "-".join(filter(None, (self.layer, self.variant)))

    @property
    def layer_class(self) -> type[keras.layers.Layer]:
        # The odyssey's classes are made by `zoo.layers.odyssey`, and are no names of the package.
        found = getattr(zoo.layers, self.layer, None)
        return found or getattr(sys.modules["zoo.layers.odyssey"], self.layer)

    def build(self, **overrides: Any) -> keras.layers.Layer:
        """A new layer, not built yet."""
        return self.layer_class(**{**self.arguments, **overrides})

    def inputs(self, dtype: str = "float32", seed: int = 0) -> list[np.ndarray]:
        """Random arrays of the call shapes."""
        generator = np.random.default_rng(seed)
        return [generator.normal(size=shape).astype(dtype) for shape in self.shapes]

    def model(self, **overrides: Any) -> keras.Model:
        """The layer in a functional model of variable time; a cell is run by `keras.layers.RNN`."""
        layer = self.build(**overrides)
        if self.kind == "cell":
            layer = keras.layers.RNN(layer, return_sequences=True)
        shapes = [(BATCH, TIME, FEATURES)] if self.kind == "cell" else self.shapes
        inputs = [
            keras.Input((*(None,) * (len(shape) - 2), shape[-1]), dtype=layer.variable_dtype)
            for shape in shapes
        ]
        return keras.Model(inputs, layer(*inputs))

    def model_inputs(self, dtype: str = "float32") -> list[np.ndarray]:
        """Random arrays for `model`."""
        if self.kind == "cell":
            shape = (BATCH, TIME, FEATURES)
            return [np.random.default_rng(0).normal(size=shape).astype(dtype)]
        return self.inputs(dtype)


def _recurrent(name: str, variant: str = "", **arguments: Any) -> list[Case]:
    """The rows of a sequence layer and of its cell."""
    arguments = {"units": UNITS, **arguments}
    sequences = ((BATCH, TIME, FEATURES),)
    return [
        Case(name, "sequence", {**arguments, "return_sequences": True}, variant, sequences),
        Case(f"{name}Cell", "cell", arguments, variant, ((BATCH, FEATURES),)),
    ]


_ALL_OPTIONS = {"peepholes": True, "coupled_gates": True, "projection_units": 2}
_EVERYTHING_ELSE = {
    "peepholes": True,
    "projection_units": 2,
    "omit": ["input_activation"],
    "full_gate_recurrence": True,
    "gate_biases": {"forget": 2.0},
    "layer_norm": True,
    "zoneout_h": 0.1,
    "zoneout_c": 0.2,
    "recurrent_weight_dropout": 0.3,
    "cell_clip": 1.5,
    "projection_clip": 2.0,
}
_MEMORY = (BATCH, TIME, FEATURES)


def _attention(layer: str, variant: str = "", size: int = 2, **arguments: Any) -> Case:
    return Case(layer, "attention", arguments, variant, ((BATCH, 3, size), _MEMORY))


def _stack(variant: str = "", **arguments: Any) -> Case:
    arguments = {"units": [UNITS, UNITS], **arguments}
    return Case("DeepLSTM", "stack", arguments, variant, (_MEMORY,))


CASES = [
    *_recurrent("LSTM"),
    *_recurrent("LSTM", "all_options", **_ALL_OPTIONS),
    *_recurrent("LSTM", "regularized", **_EVERYTHING_ELSE),
    *_recurrent("PeepholeLSTM", peephole_initializer="random_normal"),
    *_recurrent("CoupledGateLSTM"),
    *_recurrent("ProjectedLSTM", projection_units=2),
    *_recurrent("GRU"),
    *_recurrent("GRU", "chung", reset_after=False, update_convention="chung"),
    *_recurrent("SimpleRNN"),
    *_recurrent("OdysseyV"),
    *_recurrent("OdysseyNIG"),
    *_recurrent("OdysseyNFG"),
    *_recurrent("OdysseyNOG"),
    *_recurrent("OdysseyNIAF"),
    *_recurrent("OdysseyNOAF"),
    *_recurrent("OdysseyCIFG"),
    *_recurrent("OdysseyNP"),
    *_recurrent("OdysseyFGR"),
    _stack(),
    _stack("projected", projection_units=[3, 2], return_sequences=True, return_state=True),
    _stack("residual", bidirectional=True, residual=True, return_sequences=True, peepholes=True),
    Case("AdditiveAttention", "attention", {"units": UNITS}, "one_query", ((BATCH, 2), _MEMORY)),
    _attention("AdditiveAttention", units=UNITS),
    _attention("MultiplicativeAttention", "dot", size=FEATURES),
    _attention("MultiplicativeAttention", "general", score="general"),
    _attention("MultiplicativeAttention", "concat", score="concat", units=UNITS),
]


def cases(*kinds: str) -> list[Case]:
    """The rows of these kinds, or all."""
    return [case for case in CASES if not kinds or case.kind in kinds]
