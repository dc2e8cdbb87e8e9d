"""How weights start: names beside Keras's own, and the biases of chrono initialisation."""

from __future__ import annotations

import random
from typing import Any

import keras
from keras import ops

_NAMED = {
    # Sutskever, Vinyals and Le 2014, "Sequence to sequence learning with neural networks".
    "small_uniform": lambda: keras.initializers.RandomUniform(-0.08, 0.08),
    # Greff et al. 2015, "LSTM: a search space odyssey".
    "small_normal": lambda: keras.initializers.RandomNormal(stddev=0.1),
}


def initializer(value: Any) -> Any:
    """Returns `keras.initializers.get(value)`, or the initializer of one of our own names."""
    if isinstance(value, str) and value in _NAMED:
        return _NAMED[value]()
    return keras.initializers.get(value)


@keras.saving.register_keras_serializable(package="zoo")
class Chrono(keras.initializers.Initializer):
    """A gate's bias for memories that last up to `max_timescale` steps; see `zoo.layers.chrono`.

        b = sign * log(u),   u ~ Uniform(1, max_timescale - 1)

    Args:
        max_timescale: the longest dependency that is expected, in steps; greater than 2.
        sign: 1 for a forget gate, -1 for an input gate.
        seed: an integer; the same seed gives the same `u`. None takes one at random.

    Example:

    >>> from zoo.layers import LSTM, Chrono
    >>> layer = LSTM(8, coupled_gates=True, gate_biases={"forget": Chrono(100)})
    """

    def __init__(self, max_timescale: float, sign: int = 1, seed: int | None = None) -> None:
        number = isinstance(max_timescale, int | float) and not isinstance(max_timescale, bool)
        if not number or not 2 < max_timescale < float("inf"):
            raise ValueError(
                "`max_timescale` must be a number of steps greater than 2. "
                f"Received: max_timescale={max_timescale!r}."
            )
        if sign not in (1, -1):
            raise ValueError(f"`sign` must be 1 or -1. Received: sign={sign!r}.")
        self.max_timescale = max_timescale
        self.sign = sign
        self.seed = _seed() if seed is None else seed

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        u = keras.random.uniform(shape, 1.0, self.max_timescale - 1.0, dtype, seed=self.seed)
        return self.sign * ops.log(u)

    def get_config(self) -> dict[str, Any]:
        return {"max_timescale": self.max_timescale, "sign": self.sign, "seed": self.seed}


def chrono(max_timescale: float, seed: int | None = None) -> dict[str, Chrono]:
    """Chrono initialisation: gate biases for memories that last up to `max_timescale` steps.

        b_f = log(u),   b_i = -log(u),   u ~ Uniform(1, max_timescale - 1)

    A cell that forgets at a constant rate `1 - sigma(b_f)` keeps what it saw for `1 + u` steps, so
    the units of a new layer remember for all times up to `max_timescale`.

    Args:
        max_timescale: the longest dependency that is expected, in steps; greater than 2.
        seed: an integer; None takes one at random. All layers that are given the same result start
            with the same biases.

    Returns:
        `{"input": ..., "forget": ...}`, for the argument `gate_biases` of any LSTM that has both
        gates. One with coupled gates takes `gate_biases={"forget": zoo.layers.Chrono(...)}`.

    Raises:
        ValueError: `max_timescale` is not a number greater than 2.

    Example:

    >>> from zoo.layers import LSTM, chrono
    >>> layer = LSTM(8, gate_biases=chrono(100, seed=1))
    >>> layer.build((None, None, 3))
    >>> b_i, b_f = layer.cell.bias[:8], layer.cell.bias[8:16]
    >>> bool((b_i == -b_f).numpy().all())
    True

    Reference:
        Tallec and Ollivier 2018, "Can recurrent neural networks warp time?".
    """
    seed = _seed() if seed is None else seed
    return {
        "input": Chrono(max_timescale, -1, seed),
        "forget": Chrono(max_timescale, 1, seed),
    }


def _seed() -> int:
    return random.randint(1, 10**9)
