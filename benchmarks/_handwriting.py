"""One network that reads ink, with our layers and with Keras's, and what each can be asked."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import keras
import numpy as np

import zoo
from zoo import datasets

_CLOSE = 1e-3


@dataclasses.dataclass(frozen=True)
class Network:
    """Sizes of a network and of its batches."""

    name: str
    units: int
    depth: int
    bidirectional: bool = True
    batch: int = 32

    def shrunk(self) -> Network:
        """So small that only the machinery is tried."""
        return dataclasses.replace(self, units=4, depth=1, batch=4)

    def __str__(self) -> str:
        ways = "both directions" if self.bidirectional else "forwards"
        return f"{self.depth} x {self.units}, {ways}, batch {self.batch}"


NETWORKS = (
    Network("small", 160, 3),
    Network("live", 160, 3, bidirectional=False),
)

OURS, PEER = "HandwritingRecognizer", "keras LSTM"
PHASES = ("training", "recognition")


@dataclasses.dataclass
class Work:
    """A network with a batch of words; `points` are those that it reads of all of them."""

    recognizer: zoo.HandwritingRecognizer
    inks: list[Any]
    features: Any
    target: Any
    points: int

    def train(self) -> Any:
        """A step of training, as `fit` makes it: forward pass, CTC loss, gradients, Adam."""
        return self.recognizer.train_on_batch(self.features, self.target)

    def recognize(self) -> list[str]:
        """Everything from ink to texts, greedy."""
        return self.recognizer.recognize(self.inks, batch_size=len(self.inks))

    def function(self, phase: str) -> Callable[[], Any]:
        """What a phase runs."""
        return self.train if phase == "training" else self.recognize


def ready(network: Network) -> tuple[Work, Work]:
    """Ours and the peer, of the same weights.

    Raises:
        RuntimeError: they do not give the same scores; times of different things must not be
            compared.
    """
    words = datasets.load("hershey_ink/lower", f"train[:{network.batch}]").as_numpy_iterator()
    # All of one size, or reading forwards, where it cannot be measured, would take more points.
    pairs = [(_sized(ink), text.decode()) for ink, text in words]
    ours = _work(network, pairs)
    with _layers_of_keras():
        peer = _work(network, pairs)
    if any(isinstance(layer, zoo.LSTM) for layer in _recurrent(peer)):
        raise RuntimeError(f"{PEER} must not have our layers.")
    peer.recognizer.set_weights(ours.recognizer.get_weights())
    first, second = (
        keras.ops.convert_to_numpy(work.recognizer(work.features)) for work in (ours, peer)
    )
    difference = float(np.abs(first - second).max())
    if not difference < _CLOSE:
        raise RuntimeError(
            f"{OURS} and {PEER} must give the same scores from the same weights. "
            f"They differ by {difference:.2g}."
        )
    return ours, peer


def _sized(ink: np.ndarray) -> np.ndarray:
    from zoo.applications._ink_features import letter_height

    return ink * np.array([40 / letter_height(ink)] * 2 + [1], ink.dtype)


def _work(network: Network, pairs: list[tuple[Any, str]]) -> Work:
    keras.utils.set_random_seed(0)
    recognizer = zoo.HandwritingRecognizer(
        units=network.units,
        depth=network.depth,
        bidirectional=network.bidirectional,
        dropout=0.0,
        augmentation=0.0,
    )
    recognizer.adapt(pairs)
    recognizer.compile()
    ((features, target, *_),) = list(recognizer.preprocess(pairs, batch_size=len(pairs)))
    points = int(np.sum(features["length"]))
    return Work(recognizer, [ink for ink, _ in pairs], features, target, points)


@contextlib.contextmanager
def _layers_of_keras() -> Iterator[None]:
    """While it lasts, networks are built of `keras.layers.LSTM`."""

    def layer(name: str, units: int, **options: Any) -> keras.layers.LSTM:
        return keras.layers.LSTM(units, **options)

    with mock.patch("zoo.applications._ctc_application.recurrent_layer", layer):
        yield


def _recurrent(work: Work) -> list[Any]:
    return [getattr(layer, "forward_layer", layer) for layer in work.recognizer.stack]


def decoding_rates(preset: str, count: int) -> list[tuple[str, float, float]]:
    """How fast a preset reads words in several ways: the way, words and points a second.

    The words are those of the stroke fonts' test split. The language model has two layers of 256
    and random weights, which is the worst case: it favours nothing, so that many texts are kept.
    """
    import time

    recognizer = zoo.HandwritingRecognizer.from_preset(preset)
    words = datasets.load("hershey_ink/lower", f"test[:{count}]").as_numpy_iterator()
    pairs = [(ink, text.decode()) for ink, text in words]
    inks = [ink for ink, _ in pairs]
    points = sum(int(example["length"]) for example in recognizer.featurize(inks))
    model = zoo.LanguageModel(units=256, depth=2, context="sentence")
    model.adapt([text for _, text in pairs])
    rates = []
    ways: dict[str, dict[str, Any]] = {
        "greedy": {},
        "16 beams": {"beam_size": 16},
        "16 beams, language model 2 x 256": {"beam_size": 16, "language_model": model},
    }
    for name, options in ways.items():
        recognizer.recognize(inks, **options)  # compiles
        start = time.perf_counter()
        recognizer.recognize(inks, **options)
        seconds = time.perf_counter() - start
        rates.append((name, len(inks) / seconds, points / seconds))
    return rates
