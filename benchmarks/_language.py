"""One network of a language model, ours and its peers, and a training step of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import zoo
from benchmarks._contenders import torch_device
from benchmarks._engines import cores, torch_weights

_RATE, _NORM = 1e-3, 1.0
_CLOSE = 1e-3


@dataclasses.dataclass(frozen=True)
class Network:
    """Sizes of a language model and of its batches; `tied`: the embedding is the softmax's too."""

    name: str
    unit: str
    units: int
    depth: int
    embedding: int
    vocabulary: int
    batch: int
    window: int
    tied: bool = False

    def shrunk(self) -> Network:
        """So small that only the machinery is tried."""
        sizes = {"units": 8, "embedding": 8 if self.tied else 6, "vocabulary": 12}
        return dataclasses.replace(self, **sizes, batch=4, window=6)

    @property
    def units_a_step(self) -> int:
        """How many characters or words a training step reads."""
        return self.batch * self.window

    def gflop(self) -> float:
        """10^9 operations in matrix products of a training step, three times a forward pass's."""
        widths = [self.embedding, *[self.units] * (self.depth - 1)]
        recurrent = sum(4 * self.units * (width + self.units) for width in widths)
        return 6e-9 * self.units_a_step * (recurrent + self.units * self.vocabulary)

    def __str__(self) -> str:
        tied = ", tied" if self.tied else ""
        return (
            f"{self.depth} x {self.units}, embedding {self.embedding}{tied}, "
            f"{self.vocabulary:,} {self.unit}s, batch {self.batch}, window {self.window}"
        )


NETWORKS = (
    Network("char 1", "character", 512, 1, 128, 65, 64, 100),
    Network("char 2", "character", 512, 2, 128, 65, 64, 100),
    Network("word", "word", 400, 2, 400, 10_000, 20, 70, tied=True),
)

OURS = "LanguageModel"
PEERS = ("keras LSTM", "keras LSTM, jit", "torch LSTM")


@dataclasses.dataclass
class Trained:
    """A network, ready to run.

    `step` is one step of training; `logits` gives the scores at the first window, from states of
    zeros and without a step.
    """

    step: Callable[[], Any]
    logits: Callable[[], np.ndarray]


@dataclasses.dataclass
class Weights:
    """The weights of a network in Keras's layout; without `head`, the embedding is used again."""

    embedding: np.ndarray
    stack: list[list[np.ndarray]]
    head: np.ndarray | None
    bias: np.ndarray


class KerasNetwork(keras.Model):
    """The network of a language model, with `keras.layers.LSTM` and its own carried states."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.embedding = keras.layers.Embedding(network.vocabulary, network.embedding)
        self.stack = [
            keras.layers.LSTM(network.units, return_sequences=True, stateful=True)
            for _ in range(network.depth)
        ]
        self.head = None if network.tied else keras.layers.Dense(network.vocabulary, use_bias=False)
        self.bias = self.add_weight(shape=(network.vocabulary,), initializer="zeros", name="bias")
        self(np.zeros((network.batch, network.window), "int32"))

    def call(self, symbols: Any, training: bool = False) -> Any:
        values = self.embedding(symbols)
        for layer in self.stack:
            values = layer(values, training=training)
        if self.head is not None:
            return self.head(values) + self.bias
        return keras.ops.matmul(values, keras.ops.transpose(self.embedding.embeddings)) + self.bias

    def put(self, weights: Weights) -> None:
        """Takes weights."""
        self.embedding.set_weights([weights.embedding])
        for layer, arrays in zip(self.stack, weights.stack, strict=True):
            layer.set_weights(arrays)
            layer.reset_states()
        if self.head is not None:
            self.head.set_weights([weights.head])
        self.bias.assign(weights.bias)


def ours(network: Network) -> tuple[Trained, Weights, tuple[np.ndarray, np.ndarray]]:
    """Our language model, its weights, and the symbols that it reads and must give."""
    model = zoo.LanguageModel(
        unit="char",
        units=network.units,
        depth=network.depth,
        embedding_size=network.embedding,
        tied_embeddings=network.tied,
        window=network.window,
    )
    text = _text(network)
    model.adapt([text])
    model.compile(optimizer=_optimizer())
    windows = model.preprocess([text], batch_size=network.batch)
    model.expect(windows, None)
    features, target = windows[0]
    features["fresh"] = np.zeros_like(features["fresh"])  # each step goes on from the one before
    if model.symbols.size != network.vocabulary or target.shape != (network.batch, network.window):
        raise RuntimeError(
            f"The batch must be {network}. It has {model.symbols.size} symbols and the shape "
            f"{target.shape}."
        )
    previous = features["previous"]
    if not (previous.all() and target.all()):
        raise RuntimeError("The batch must hold no padding.")

    def logits() -> np.ndarray:
        return keras.ops.convert_to_numpy(model({"previous": previous}))

    head = None if network.tied else keras.ops.convert_to_numpy(model.head.kernel)
    weights = Weights(
        keras.ops.convert_to_numpy(model.embedding.embeddings),
        [layer.get_weights() for layer in model.stack],
        head,
        keras.ops.convert_to_numpy(model.head.bias),
    )
    return _trained(model, features, target, logits), weights, (previous, target)


def on_keras(network: Network, weights: Weights, data: Any, jit: bool) -> Trained:
    """The same network made of `keras.layers.LSTM`."""
    previous, target = data
    model = KerasNetwork(network)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=_optimizer(), loss=loss, jit_compile=True if jit else "auto")
    model.put(weights)

    def logits() -> np.ndarray:
        found = keras.ops.convert_to_numpy(model(previous))
        for layer in model.stack:
            layer.reset_states()
        return found

    return _trained(model, previous, target, logits)


def on_torch(network: Network, weights: Weights, data: Any) -> Trained:
    """The same network made of `torch.nn.LSTM`."""
    import torch

    device = torch_device()
    torch.set_num_threads(cores())
    previous, target = (torch.from_numpy(array.astype("int64")).to(device) for array in data)
    embedding = torch.nn.Embedding(network.vocabulary, network.embedding)
    stack = torch.nn.LSTM(network.embedding, network.units, network.depth, batch_first=True)
    head = torch.nn.Linear(network.units, network.vocabulary)
    if network.tied:
        head.weight = embedding.weight
    flat = [array for arrays in weights.stack for array in torch_weights("LSTM", arrays)]
    pairs = [
        (embedding.weight, weights.embedding),
        *zip(stack.parameters(), flat, strict=True),
        (head.bias, weights.bias),
        *([] if weights.head is None else [(head.weight, weights.head.T)]),
    ]
    with torch.no_grad():
        for parameter, array in pairs:
            parameter.copy_(torch.from_numpy(array.copy()))
    model = torch.nn.ModuleList([embedding, stack, head]).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE, eps=_optimizer().epsilon)
    states: Any = None

    def step() -> float:
        nonlocal states
        optimizer.zero_grad()
        outputs, states = stack(embedding(previous), states)
        states = tuple(state.detach() for state in states)
        scores = head(outputs).flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(scores, target.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _NORM)
        optimizer.step()
        return loss.item()

    def logits() -> np.ndarray:
        with torch.inference_mode():
            return head(stack(embedding(previous))[0]).cpu().numpy()

    return Trained(step, logits)


def ready(network: Network, peers: list[str]) -> list[Trained]:
    """Ours and the peers that are named, with the same weights and the same scores.

    Raises:
        RuntimeError: scores that differ; times of different things must not be compared.
    """
    own, weights, data = ours(network)
    built = [own]
    for peer in peers:
        if peer == "torch LSTM":
            built.append(on_torch(network, weights, data))
        else:
            built.append(on_keras(network, weights, data, jit=peer.endswith("jit")))
        difference = float(np.abs(built[-1].logits() - own.logits()).max())
        if not difference < _CLOSE:
            raise RuntimeError(
                f"{OURS} and {peer} must give the same scores from the same weights. "
                f"They differ by {difference:.2g}."
            )
    return built


def _trained(model: Any, features: Any, target: Any, logits: Callable[[], np.ndarray]) -> Trained:
    # Keras's own step of training, as `fit` runs it; it returns when the loss is known.
    return Trained(lambda: model.train_on_batch(features, target), logits)


def _optimizer() -> Any:
    return keras.optimizers.Adam(_RATE, global_clipnorm=_NORM)


def _text(network: Network) -> str:
    """Random symbols, as many different ones as the network has, but for the special ones."""
    known = zoo.LanguageModel(unit="char", units=1)
    known.adapt(["a"])
    symbols = network.vocabulary - (known.symbols.size - 1)
    length = max(symbols, 2 * network.batch * network.window)  # so that the first window is full
    numbers = np.arange(length) % symbols
    np.random.default_rng(0).shuffle(numbers)
    return "".join(chr(0x4E00 + number) for number in numbers)
