"""The character error rate of a CTC network while it is trained."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ._ctc import BLANK, greedy


@keras.saving.register_keras_serializable(package="zoo")
class CTCErrorRate(keras.metrics.Metric):
    """The character error rate of what greedy decoding reads, over all batches of an epoch.

        CER = sum of edits / sum of characters,

    with the fewest substitutions, deletions and insertions that turn each target into the text of
    its most probable path; see `zoo.metrics.cer`. In training, it is that of varied items, read
    with dropout.

    Call arguments:
        y_true: integers (batch, symbols) above 0, padded with 0.
        y_pred: logits (batch, frames, symbols), made by `close`.

    Example:

    >>> import numpy as np
    >>> from zoo.applications._ctc_metrics import CTCErrorRate
    >>> logits = np.eye(3, dtype="float32")[[[0, 2, 2, 0, 1]]]  # reads 2, 1
    >>> metric = CTCErrorRate()
    >>> metric.update_state(np.array([[2, 2, 1, 1]]), logits)
    >>> float(metric.result())
    0.5
    """

    def __init__(self, name: str = "cer", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.edits = self.add_variable((), "zeros", name="edits")
        self.characters = self.add_variable((), "zeros", name="characters")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        symbols = ops.sum(ops.cast(ops.not_equal(y_true, BLANK), "float32"))
        edits = ops.sum(edit_distances(greedy(y_pred), y_true))
        self.edits.assign_add(ops.cast(edits, self.edits.dtype))
        self.characters.assign_add(ops.cast(symbols, self.characters.dtype))

    def result(self) -> Any:
        return self.edits / ops.maximum(self.characters, 1.0)


def edit_distances(found: Any, wanted: Any) -> Any:
    """Returns the fewest edits that turn each text into another, float32 (batch,).

    Args:
        found: integers (batch, frames), 0 where there is no symbol.
        wanted: integers (batch, symbols), padded with 0 at the end.

    Reference:
        Wagner and Fischer 1974, "The string-to-string correction problem".
    """
    wanted = ops.cast(wanted, "int32")
    places = ops.cast(ops.arange(ops.shape(wanted)[1] + 1), "float32")
    # What it costs to leave out the symbols between two places of the wanted text.
    skipped = ops.expand_dims(places, 0) - ops.expand_dims(places, 1)
    skipped = ops.where(skipped < 0, float("inf"), skipped)

    def read(before: Any, symbol: Any) -> tuple[Any, Any]:
        differs = ops.cast(ops.not_equal(wanted, ops.expand_dims(symbol, 1)), "float32")
        paired = ops.minimum(before[:, 1:] + 1, before[:, :-1] + differs)
        after = ops.concatenate([before[:, :1] + 1, paired], axis=1)
        after = ops.min(ops.expand_dims(after, 2) + skipped, axis=1)
        return ops.where(ops.expand_dims(symbol == BLANK, 1), before, after), None

    start = ops.zeros_like(ops.pad(wanted, [[0, 0], [1, 0]]), "float32") + places
    last, _ = ops.scan(read, start, ops.transpose(ops.cast(found, "int32")))
    lengths = ops.sum(ops.cast(ops.not_equal(wanted, BLANK), "int32"), axis=1, keepdims=True)
    return ops.take_along_axis(last, lengths, axis=1)[:, 0]
