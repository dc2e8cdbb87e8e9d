"""The nine LSTMs of Greff et al.: what each part of the LSTM is good for, by leaving it out."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

import keras

from ._arguments import positive_integer
from ._lstm_cell import LSTMCell
from ._sequence import SequenceLayer

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "V": ("the vanilla LSTM, with peepholes", {}),
    "NIG": ("no input gate: i_t = 1", {"omit": ("input_gate",)}),
    "NFG": ("no forget gate: f_t = 1", {"omit": ("forget_gate",)}),
    "NOG": ("no output gate: o_t = 1", {"omit": ("output_gate",)}),
    "NIAF": ("no input activation: g_t = x_t W_g + ...", {"omit": ("input_activation",)}),
    "NOAF": ("no output activation: h_t = o_t * c_t", {"omit": ("output_activation",)}),
    "CIFG": ("coupled input and forget gate: i_t = 1 - f_t", {"coupled_gates": True}),
    "NP": ("no peepholes", {"peepholes": False}),
    "FGR": ("full gate recurrence", {"full_gate_recurrence": True}),
}


class OdysseyCell(LSTMCell):
    """An `LSTMCell` with peepholes that fixes which parts it has."""

    fixed = frozenset({"peepholes", "coupled_gates", "omit", "full_gate_recurrence"})
    parts: ClassVar[dict[str, Any]]

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        initialize: Any = super().__init__
        initialize(units, *args, **self.parts, **kwargs)


def _register(name: str, description: str, parts: dict[str, Any]) -> Any:
    """Makes the classes `Odyssey<name>Cell` and `Odyssey<name>` of this module."""
    note = f"{description}; see `zoo.layers.odyssey`."
    register = keras.saving.register_keras_serializable(package="zoo")
    cell = type(
        f"Odyssey{name}Cell",
        (OdysseyCell,),
        {
            "__module__": __name__,
            "__doc__": f"One step of {name}: {note}",
            "parts": {"peepholes": True, **parts},
        },
    )
    layer = type(
        f"Odyssey{name}",
        (SequenceLayer,),
        {"__module__": __name__, "__doc__": f"{name}: {note}", "cell_class": cell},
    )
    for made in (cell, layer):
        globals()[made.__name__] = register(made)
    return layer


_LAYERS = {name: _register(name, *variant) for name, variant in VARIANTS.items()}


def odyssey(name: str, units: int, **arguments: Any) -> SequenceLayer:
    """Returns a layer of one of the nine LSTMs that Greff et al. compared.

        V       the vanilla LSTM, with peepholes, as all but NP
        NIG     no input gate: i_t = 1
        NFG     no forget gate: f_t = 1
        NOG     no output gate: o_t = 1
        NIAF    no input activation: g_t = x_t W_g + h_{t-1} U_g + b_g
        NOAF    no output activation: h_t = o_t * c_t
        CIFG    coupled input and forget gate: i_t = 1 - f_t
        NP      no peepholes
        FGR     full gate recurrence: [i_{t-1}, f_{t-1}, o_{t-1}] G inside each gate

    with the rest as in `zoo.layers.LSTM`. Each is also a registered cell, `odyssey_v`,
    `odyssey_nig` and so on, for `zoo.layers.recurrent` and the applications. (Greff et al. write
    CIFG as f = 1 - i; this is the same up to the sign of the coupled gate's weights.)

    Args:
        name: one of the names above, in capitals or not.
        units: size of the cell state.
        **arguments: the other arguments of `zoo.layers.LSTM`, but those that the variant fixes:
            `peepholes`, `coupled_gates`, `omit` and `full_gate_recurrence`.

    Raises:
        ValueError: an unknown name, or a wrong argument.

    Example:

    >>> import numpy as np
    >>> from zoo.layers import odyssey
    >>> layer = odyssey("NIG", 8)
    >>> layer(np.ones((2, 5, 3), "float32")).shape
    TensorShape([2, 8])
    >>> layer.cell.kernel.shape
    TensorShape([3, 24])

    Reference:
        Greff, Srivastava, Koutnik, Steunebrink and Schmidhuber 2015, "LSTM: a search space
        odyssey".
    """
    known = ", ".join(VARIANTS)
    if not isinstance(name, str):
        raise TypeError(f"A variant is named by a string: {known}. Received: {name!r}.")
    if name.upper() not in _LAYERS:
        close = difflib.get_close_matches(name.upper(), VARIANTS, cutoff=0.4)
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
        raise ValueError(f"Unknown variant {name!r}{hint} Known are {known}.")
    return _LAYERS[name.upper()](positive_integer("units", units), **arguments)
