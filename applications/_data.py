"""Raw data in, padded batches out."""

from __future__ import annotations

import functools
import hashlib
import reprlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

Example = dict[str, np.ndarray]
"""One item's features by name; the one called `TARGET`, if any, is what the network must give."""

TARGET = "target"


class Item(dict[str, np.ndarray]):
    """An example that remembers what it was made of, so that it can be made again with changes."""

    def __init__(self, features: Example, raw: Any) -> None:
        super().__init__(features)
        self.raw = raw


class Fixed(np.ndarray):
    """A feature of one shape for all items, which is never padded: `array.view(Fixed)`."""


def unwrapped(value: Any) -> Any:
    """Returns a raw value as Python or NumPy has it: tensors become arrays, scalar ones scalars."""
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = value.item()
    return value


def plain(value: Any) -> Any:
    """Returns a raw value as Python or NumPy has it, bytes as text."""
    value = unwrapped(value)
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = reprlib.repr(value)
        raise ValueError(f"Texts given as bytes must be UTF-8. Received: {shown}.") from error


def raw_items(data: Any, as_plain: Callable[[Any], Any] = plain) -> list[Any]:
    """Returns raw items as a list: from a list, an array, a tf.data.Dataset or a generator."""
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise TypeError(
            "`inputs` must be a list, an array, a tf.data.Dataset or a generator of raw inputs. "
            f"Received: {data!r}."
        )
    items = data.as_numpy_iterator() if hasattr(data, "as_numpy_iterator") else data
    return [as_plain(item) for item in items]


def raw_pairs(
    data: Any, targets: Any = None, as_input: Callable[[Any], Any] = plain
) -> tuple[list[Any], list[Any]]:
    """Returns raw data as a list of inputs and a list of targets of the same length.

    Args:
        data: (input, target) pairs in a list, a tf.data.Dataset or a generator; or the inputs
            alone when `targets` are given; or a tuple `(inputs, targets)` of two sequences.
        targets: the targets, when they come apart.
        as_input: what makes an input a raw value.

    Raises:
        TypeError: `data` is nothing to iterate over.
        ValueError: an item is no pair, there are more of one side, or there is nothing.

    Example:

    >>> from zoo.applications import raw_pairs
    >>> raw_pairs([("a dog", "ein Hund"), ("a cat", "eine Katze")])
    (['a dog', 'a cat'], ['ein Hund', 'eine Katze'])
    """
    if targets is None and isinstance(data, tuple) and len(data) == 2:
        if not isinstance(data[0], str | bytes):
            data, targets = data
    if targets is not None:
        inputs, targets = raw_items(data, as_input), raw_items(targets)
        if len(inputs) != len(targets):
            raise ValueError(
                "There must be as many targets as inputs. "
                f"Received: {len(inputs)} inputs and {len(targets)} targets."
            )
    else:
        inputs, targets = [], []
        for number, pair in enumerate(raw_items(data, unwrapped)):
            parts = list(pair) if isinstance(pair, Iterable) else []
            if isinstance(pair, str | bytes) or len(parts) != 2:
                raise ValueError(
                    f"Each item of `data` must be a pair (input, target). "
                    f"Received as item {number}: {pair!r}."
                )
            inputs.append(as_input(parts[0]))
            targets.append(plain(parts[1]))
    if not inputs:
        raise ValueError("`data` must hold at least one pair. Received: none.")
    return inputs, targets


def raw_inputs(
    data: Any, targets: Any = None, as_plain: Callable[[Any], Any] = plain
) -> tuple[list[Any], None]:
    """Returns raw data that have no targets as a list, in the form of `raw_pairs`.

    Args:
        data: a list, a tf.data.Dataset or a generator; or what this function gave.
        targets: None.
        as_plain: what makes an item a raw value.

    Raises:
        TypeError: `data` is nothing to iterate over, or there are targets.
        ValueError: there is nothing.
    """
    if isinstance(data, tuple) and len(data) == 2 and data[1] is None:
        data = data[0]
    if targets is not None:
        raise TypeError(f"This application has no targets. Received: targets={targets!r}.")
    inputs = raw_items(data, as_plain)
    if not inputs:
        raise ValueError("`data` must hold at least one item. Received: none.")
    return inputs, None


def first_of_validation(count: int, share: float) -> int:
    """Returns which of `count` pairs is the first of the last ones, a `share` of all."""
    cut = count - round(count * share)
    if not 0 < cut < count:
        raise ValueError(
            "`validation_split` must leave at least one pair on both sides. "
            f"Received: validation_split={share}, {count} pairs."
        )
    return cut


def lengths(example: Example) -> list[int]:
    """The lengths of those features that are padded."""
    return [
        len(value) for value in example.values() if np.ndim(value) and not isinstance(value, Fixed)
    ]


def bucket_edge(length: int) -> int:
    """Returns the length to which an item of `length` steps is padded: few edges, little waste."""
    step = max(4, 2 ** max(0, length.bit_length() - 3))
    return -(-max(1, length) // step) * step


class Batches(keras.utils.PyDataset):
    """Batches of items of about the same length, padded with zeros to bucket edges.

    Indexing gives `(features,)` or `(features, target)`, arrays that start with the batch axis;
    the same on every backend. With `shuffle`, items and batches come in another order each epoch,
    the same one for the same seed.

    Attributes:
        vary: makes another example of one, with a generator that each item and epoch has for
            itself; called whenever a batch is put together. None leaves all as they are.
    """

    vary: Callable[[Any, np.random.Generator], Example] | None = None

    def __init__(
        self,
        examples: list[Example],
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.examples = examples
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self._epoch = 0
        self._done = 0
        self.batches = self._arranged()

    @staticmethod
    def _sort_key(example: Example) -> list[int]:
        edges = [bucket_edge(length) for length in lengths(example)]
        return [max(edges, default=0), sum(edges)]

    @functools.cached_property
    def _edges(self) -> np.ndarray:
        return np.array([self._sort_key(example) for example in self.examples])

    def _arranged(self) -> list[Any]:
        """Returns which items each batch of this epoch holds."""
        order = np.arange(len(self.examples))
        if self.shuffle:
            generator = np.random.default_rng([self.seed, self._epoch])
            generator.shuffle(order)
            order = order[np.lexsort(self._edges[order].T[::-1])]
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        if self.shuffle:
            generator.shuffle(batches)
        return batches

    def on_epoch_end(self) -> None:
        self._epoch += 1
        self._done = 0
        if self.shuffle:
            self.batches = self._arranged()

    @property
    def epoch(self) -> int:
        """The number of the epoch that comes next, or on JAX the one under way."""
        return self._epoch

    def go_to(self, seed: int, epoch: int, done: int) -> None:
        """Goes on with an epoch, of which so many batches are done and not made again.

        In their places comes one and the same batch, for whoever counts them.
        """
        self.seed, self._epoch, self._done = seed, epoch, done
        self.batches = self._arranged()

    def identity(self) -> str:
        """Says which items there are, and how they are put into batches; not in which order."""
        digest = hashlib.sha256()
        for example in self.examples:
            for name in sorted(example):
                value = np.asarray(example[name])
                digest.update(f"{name} {value.dtype} {value.shape} ".encode())
                digest.update(np.ascontiguousarray(value).data)
        order = "shuffled" if self.shuffle else "in order"
        return (
            f"{len(self.examples)} items, {order}, {self.batch_size} a batch, "
            f"SHA-256 {digest.hexdigest()[:16]}"
        )

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        if index < self._done:
            return self._stand_in
        return self._batch(self.batches[index], self._epoch)

    @functools.cached_property
    def _stand_in(self) -> tuple[Any, ...]:
        return self._batch(self.batches[0], 0)

    def _batch(self, items: Any, epoch: int) -> tuple[Any, ...]:
        features = collate([self._example(int(item), epoch) for item in items])
        target = features.pop(TARGET, None)
        return (features,) if target is None else (features, target)

    def _example(self, item: int, epoch: int) -> Example:
        if self.vary is None:
            return self.examples[item]
        return self.vary(self.examples[item], np.random.default_rng([self.seed, epoch, item]))

    def whole(self) -> dict[str, np.ndarray]:
        """Returns the features of all items in one batch."""
        features = collate(self.examples)
        features.pop(TARGET, None)
        return features

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for index in range(len(self)):
            yield self[index]

    def for_training(self) -> Any:
        """Returns what `keras.Model.fit` takes best.

        On TensorFlow a tf.data.Dataset that says that lengths vary: Keras would take the shapes of
        the first batches for those of all.
        """
        if keras.backend.backend() != "tensorflow":
            return self
        import tensorflow as tf

        def spec(value: np.ndarray) -> tf.TensorSpec:
            shape = [None, *(None for _ in value.shape[1:2]), *value.shape[2:]]
            return tf.TensorSpec(shape, value.dtype)

        def epoch() -> Iterator[tuple[Any, ...]]:
            # An epoch counts from its start: tf.data reads ahead, so the end of one may come
            # before or after the start of the next.
            batches, number, done = self.batches, self._epoch, self._done
            self.on_epoch_end()
            for _ in range(done):
                yield self._stand_in
            for items in batches[done:]:
                yield self._batch(items, number)

        signature = keras.tree.map_structure(spec, self[0])
        dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
        return dataset.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(2)


def collate(examples: list[Example], length: int | None = None) -> dict[str, np.ndarray]:
    """Stacks the items of a batch, each feature padded with zeros along its first axis."""
    batch = {}
    for name in examples[0]:
        values = [np.asarray(example[name]) for example in examples]
        if values[0].ndim and not isinstance(examples[0][name], Fixed):
            longest = length or bucket_edge(max(len(value) for value in values))
            padded = np.zeros((len(values), longest, *values[0].shape[1:]), values[0].dtype)
            for row, value in zip(padded, values, strict=True):
                row[: len(value)] = value
            batch[name] = padded
        else:
            batch[name] = np.stack(values)
    return batch
