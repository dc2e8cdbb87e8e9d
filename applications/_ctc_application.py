"""Applications from sequences to texts that are shorter, by CTC."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers import recurrent as recurrent_layer

from ._alphabet import Alphabet, checked_texts
from ._convolution import ConvolutionalFront
from ._ctc import CTCLoss, close, frames_needed, greedy
from ._ctc_metrics import CTCErrorRate
from ._ctc_texts import Search, found_texts
from ._data import TARGET, Batches, Example
from ._growing_alphabet import GrowingAlphabet
from ._metrics import cer, wer


class CTCApplication(GrowingAlphabet):
    """An application whose network gives one symbol a frame, trained by CTC.

    The features are `frames`, (time, features); `length`, how many there are; and the target, the
    characters as symbols from 1 on. The network is a stack of recurrent layers over the frames;
    the outputs of the first one are put together in groups of `reduction`. Where there is a
    `front`, it does that instead, before them.

    A subclass has the choices `recurrent`, `units`, `depth`, `bidirectional`, `reduction`,
    `layer_norm`, `dropout`, `recurrent_options`, `augmentation`, `long_targets` and `characters`,
    as `HandwritingRecognizer` explains them, and implements `feature_size`, `example` and `varied`.
    """

    monitor = "cer"

    recurrent: str
    units: int
    depth: int
    bidirectional: bool
    reduction: int
    layer_norm: bool
    dropout: float
    recurrent_options: dict[str, Any] | None
    augmentation: float
    long_targets: str
    characters: str
    alphabet: Alphabet

    # What subclasses provide.

    def feature_size(self) -> int:
        """The number of features of a frame."""
        raise NotImplementedError

    def example(self, item: Any, number: int) -> Example:
        """The features of a raw item, without a target."""
        raise NotImplementedError

    def varied(self, example: Any, generator: np.random.Generator) -> Example:
        """The features of an item changed at random."""
        raise NotImplementedError

    def make_front(self) -> ConvolutionalFront | None:
        """A layer before the recurrent ones, which makes `reduction` frames one; or none."""
        return None

    # Data.

    def adapt(self, data: Any, targets: Any = None) -> None:
        """Learns the alphabet from raw pairs and builds the network."""
        self._require_new()
        _, targets = self.raw(data, targets)
        self.alphabet = Alphabet.of([*checked_texts(targets or []), self.characters])
        self.build_network()

    def assets(self) -> dict[str, str]:
        return {"alphabet.json": self.alphabet.to_json()}

    def restore(self, assets: Mapping[str, str]) -> None:
        self.alphabet = Alphabet.from_json(assets["alphabet.json"])
        self.build_network()

    def featurize(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Example]:
        if targets is None:
            return [self.example(item, number) for number, item in enumerate(inputs)]
        texts = checked_texts(targets)
        for text in texts:
            if self.alphabet.unknown([text]):
                raise ValueError(
                    f"{self.alphabet.refusal(text)} For fine-tuning, `grow_alphabet` returns a "
                    f"{type(self).__name__} that has more."
                )
        examples, left_out = [], []
        for number, (item, text) in enumerate(zip(inputs, texts, strict=True)):
            example, symbols = self.example(item, number), self.alphabet.encode(text)
            frames = -(-int(example["length"]) // self.reduction)
            needed = frames_needed(symbols)
            if not needed or needed > frames:
                left_out.append(
                    f"item {number}, {text!r}, which needs {needed} frames and has {frames}"
                    if needed
                    else f"item {number}, whose text is empty"
                )
                continue
            example[TARGET] = symbols
            examples.append(example)
        if left_out:
            self._tell_left_out(left_out, len(inputs))
        return examples

    def _tell_left_out(self, left_out: list[str], count: int) -> None:
        if self.long_targets == "refuse":
            raise ValueError(
                f"{len(left_out)} of {count} pairs cannot be learned, such as {left_out[0]}; leave "
                "them out, or choose `long_targets='skip'`."
            )
        warnings.warn(
            f"{len(left_out)} of {count} pairs are left out: {left_out[0]}"
            + (f"; {left_out[1]}" if len(left_out) > 1 else "")
            + ("; and so on." if len(left_out) > 2 else "."),
            stacklevel=4,
        )

    def preprocess(
        self,
        data: Any,
        targets: Any = None,
        *,
        batch_size: int = 64,
        shuffle: bool = False,
        seed: int = 0,
    ) -> Batches:
        batches = super().preprocess(
            data, targets, batch_size=batch_size, shuffle=shuffle, seed=seed
        )
        if shuffle and self.augmentation:
            batches.vary = self.varied
        return batches

    # The network.

    def build_network(self) -> None:
        options = dict(self.recurrent_options or {})
        if self.layer_norm:
            options["layer_norm"] = True
        self.stack: list[keras.layers.Layer] = []
        width = self.feature_size()
        self.front = self.make_front()
        if self.front is not None:
            self.front.build((None, None, width))
            width = self.front.size(width)
        for number in range(self.depth):
            layer = recurrent_layer(
                self.recurrent,
                self.units,
                return_sequences=True,
                return_state=not self.bidirectional,
                **options,
            )
            self.stack.append(keras.layers.Bidirectional(layer) if self.bidirectional else layer)
            self.stack[-1].build((None, None, width))
            width = 2 * self.units if self.bidirectional else self.units
            if number == 0 and self.front is None:
                width *= self.reduction
        self.answer = keras.layers.Dense(len(self.alphabet), dtype="float32")
        self.answer.build((None, width))
        self.drop = keras.layers.Dropout(self.dropout)
        self.built = True

    def loss_and_metrics(self) -> tuple[Any, list[Any]]:
        return CTCLoss(), [CTCErrorRate()]

    def call(self, features: dict[str, Any], training: bool = False) -> Any:
        hidden, lengths = features["frames"], features["length"]
        if self.front is not None:
            hidden, lengths = self.front(hidden, lengths, training=training)
        for number, layer in enumerate(self.stack):
            mask = ops.arange(ops.shape(hidden)[1]) < ops.expand_dims(lengths, 1)
            if number or self.front is not None:
                hidden = self.drop(hidden, training=training)
            hidden = layer(hidden, mask=mask, training=training)
            if not self.bidirectional:
                hidden = hidden[0]
            if number == 0 and self.front is None:
                hidden, lengths = self.joined(hidden, mask, lengths)
        return close(self.answer(self.drop(hidden, training=training)), lengths)

    def joined(self, hidden: Any, mask: Any, lengths: Any) -> tuple[Any, Any]:
        """Puts groups of neighbouring frames together, zeros where the last group is not full."""
        by = self.reduction
        hidden = hidden * ops.cast(ops.expand_dims(mask, -1), hidden.dtype)
        lacking = (-ops.shape(hidden)[1]) % by
        hidden = ops.pad(hidden, [[0, 0], [0, lacking], [0, 0]])
        shape = ops.shape(hidden)
        hidden = ops.reshape(hidden, (shape[0], shape[1] // by, by * hidden.shape[-1]))
        return hidden, (lengths + by - 1) // by

    # Inference.

    def read(
        self, examples: list[Example], search: Search, batch_size: int, verbose: int
    ) -> list[Any]:
        """Texts of items, or pairs of texts and scores; see `Search`."""
        if search.beams > 1:
            tables = self.log_probabilities(examples, batch_size, verbose)
            return found_texts(search, self.alphabet, tables)
        found = self.run(
            "greedy",
            lambda features: greedy(self(features)),
            examples,
            batch_size=batch_size,
            verbose=verbose,
        )
        return [self.alphabet.decode(row) for row in found]

    def log_probabilities(
        self, examples: list[Example], batch_size: int = 32, verbose: int = 0
    ) -> list[np.ndarray]:
        """What the network says of each frame of each item, (frames, symbols), float32."""
        found = self.run(
            "log_probabilities",
            lambda features: ops.log_softmax(ops.cast(self(features), "float32"), axis=-1),
            examples,
            batch_size=batch_size,
            verbose=verbose,
        )
        return [
            row[: -(-int(example["length"]) // self.reduction)]
            for row, example in zip(found, examples, strict=True)
        ]

    def score(self, data: Any, targets: Any = None, **decoding: Any) -> dict[str, float]:
        """Reads raw inputs and compares the texts with the targets: `cer` and `wer`, fractions.

        Args:
            data, targets: raw pairs.
            **decoding: arguments of `infer`.
        """
        inputs, targets = self.raw(data, targets)
        texts = checked_texts(targets or [])
        found = self.infer(inputs, **decoding)
        return {"cer": cer(found, texts), "wer": wer(found, texts)}
