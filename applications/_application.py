"""The base of all applications: raw data in, `model.fit`, raw data out."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

import keras

from zoo.layers._arguments import positive_integer

from ._data import Batches, Example, first_of_validation, raw_inputs, raw_pairs
from ._inference import Kept
from ._keeping import Keeping
from ._precision import under_own_policy
from ._requires import require_backend
from ._resuming import fit_resumably
from ._scoring import ValidationScore
from ._search_spaces import DEFAULT


class Application(Keeping):
    """A network together with what turns raw data into its inputs and its outputs into raw data.

    The life of one: the constructor takes the choices; `adapt` learns what data decide (a
    vocabulary, statistics) and builds the network; `fit` trains it, and adapts it first if that has
    not been done; `infer` gives raw outputs; `save_to_preset` and `from_preset` keep it.

    Raw data are (input, target) pairs in a list, a tf.data.Dataset or a generator, or inputs and
    targets apart as two sequences. They are read once, turned into features in Python, and put
    into batches of items of about the same length, padded to a few lengths.

    A subclass lists its choices in the signature of its constructor, calls
    `super().__init__(arguments(locals()), **kwargs)`, and implements:

    - `adapt(data)`, which ends with `self.build_network()`;
    - `build_network()`: makes the layers, and calls the network once, so that all weights exist;
    - `call(features, training)`: the network itself;
    - `featurize(inputs, targets)`: the features of raw items;
    - `infer(inputs, **decoding)`: raw outputs of raw inputs;
    - `score(data, **decoding)`: what the outputs are worth, as a dict of metrics;
    - `loss_and_metrics()`: the defaults of `compile`;
    - `assets()` and `restore(assets)`: what `adapt` has learned, as named texts, and back.

    Args:
        choices: the constructor's arguments.
        **kwargs: arguments of any Keras model: `name`, `dtype`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> from zoo import Application, recurrent
    >>> class Adder(Application):
    ...     def __init__(self, cell="lstm", units=8, **kwargs):
    ...         super().__init__({"cell": cell, "units": units}, **kwargs)
    ...     def adapt(self, data, targets=None):
    ...         self.build_network()
    ...     def build_network(self):
    ...         self.reader = recurrent(self.cell, self.units)
    ...         self.reader.build((None, None, 1))
    ...         self.answer = keras.layers.Dense(1)
    ...         self.answer.build((None, self.units))
    ...         self.built = True
    ...     def featurize(self, inputs, targets=None):
    ...         examples = [{"numbers": np.array(item, "float32")[:, None]} for item in inputs]
    ...         for example, target in zip(examples, targets or []):
    ...             example["target"] = np.float32(target)
    ...         return examples
    ...     def call(self, features, training=False):
    ...         return self.answer(self.reader(features["numbers"]))[:, 0]
    ...     def loss_and_metrics(self):
    ...         return "mse", []
    ...     def infer(self, inputs):
    ...         return [float(sum) for sum in self.run("add", self.call, self.featurize(inputs))]
    >>> adder = Adder("peephole_lstm")
    >>> history = adder.fit([([1, 2], 3), ([2, 2, 1], 5)], epochs=1, verbose=0)
    >>> len(adder.infer([[4, 1], [3]]))
    2
    """

    monitor: ClassVar[str] = "loss"
    """The metric of `score` that says best how good the application is."""

    search_space: ClassVar[Mapping[str, Any]] = DEFAULT
    """Where `zoo.tuning` looks for hyperparameters; what the constructor lacks is left out."""

    paired: ClassVar[bool] = True
    """Whether raw data are (input, target) pairs; otherwise they are inputs alone."""

    def __init__(self, choices: Mapping[str, Any], **kwargs: Any) -> None:
        require_backend()
        super().__init__(**kwargs)
        # Past Keras's tracking, which would turn what users gave us into containers of its own.
        self.__dict__.update(choices, choices=dict(choices))
        self._kept = Kept()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build_network" in vars(cls):
            cls.build_network = under_own_policy(cls.build_network)  # type: ignore[assignment,method-assign]

    @property
    def data_kind(self) -> str:
        """What `zoo.datasets.load` must give: "pairs", "texts" or, of any encoding, "bytes"."""
        return "pairs" if self.paired else "texts"

    # What subclasses provide.

    def adapt(self, data: Any, targets: Any = None) -> None:
        """Learns what the data decide and builds the network."""
        raise NotImplementedError

    def build_network(self) -> None:
        """Makes the layers and all their weights."""
        raise NotImplementedError

    def featurize(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Example]:
        """Turns raw items into the network's features; with targets, into training examples."""
        raise NotImplementedError

    def infer(self, inputs: Any, **decoding: Any) -> list[Any]:
        """Turns raw inputs into raw outputs."""
        raise NotImplementedError

    def score(self, data: Any, targets: Any = None, **decoding: Any) -> dict[str, float]:
        """Compares the outputs for raw inputs with raw targets."""
        raise NotImplementedError

    def loss_and_metrics(self) -> tuple[Any, list[Any]]:
        """Returns the loss and the metrics that `compile` takes unless told otherwise."""
        raise NotImplementedError

    def restore(self, assets: Mapping[str, str]) -> None:
        """Takes back what `assets` gave and builds the network."""
        self.build_network()

    def raw(self, data: Any, targets: Any = None) -> tuple[list[Any], list[Any] | None]:
        """Returns raw data as a list of inputs and a list of targets; as None if there are none."""
        return raw_pairs(data, targets) if self.paired else raw_inputs(data, targets)

    def divide(self, inputs: list[Any], targets: list[Any] | None, share: float) -> tuple[Any, Any]:
        """Returns raw data for training, and the last `share` of them for validation."""
        cut = first_of_validation(len(inputs), share)
        if targets is None:
            return (inputs[:cut], None), (inputs[cut:], None)
        return (inputs[:cut], targets[:cut]), (inputs[cut:], targets[cut:])

    def arrange(
        self, examples: list[Example], batch_size: int, *, shuffle: bool, seed: int
    ) -> Batches:
        """Puts the features of all items into batches."""
        return Batches(examples, batch_size, shuffle=shuffle, seed=seed)

    def expect(self, training: Batches | None, evaluation: Batches | None) -> None:
        """Makes ready for batches, before Keras sees them."""

    # Training and evaluation.

    def _require_new(self) -> None:
        if self.adapted:
            raise RuntimeError(
                f"This {type(self).__name__} has been adapted, and its weights belong to what it "
                "learned then; make a new one for other data."
            )

    def compile(
        self, optimizer: Any = "auto", loss: Any = "auto", metrics: Any = "auto", **kwargs: Any
    ) -> None:
        """As `keras.Model.compile`; "auto" means Adam (1e-3, gradient norm at most 1) and the
        application's own loss and metrics."""
        own_loss, own_metrics = self.loss_and_metrics()
        super().compile(
            optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0)
            if isinstance(optimizer, str) and optimizer == "auto"
            else optimizer,
            loss=own_loss if isinstance(loss, str) and loss == "auto" else loss,
            metrics=own_metrics if isinstance(metrics, str) and metrics == "auto" else metrics,
            **kwargs,
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.adapted:
            self.optimizer.build(self.trainable_variables)

    def preprocess(
        self,
        data: Any,
        targets: Any = None,
        *,
        batch_size: int = 64,
        shuffle: bool = False,
        seed: int = 0,
    ) -> Batches:
        """Turns raw pairs into padded batches; the result may be given to `fit` or `evaluate`."""
        if isinstance(data, Batches):
            return data
        self._require_adapted()
        examples = self.featurize(*self.raw(data, targets))
        if not examples:
            raise ValueError(f"`data` holds nothing that this {type(self).__name__} can take.")
        batch_size = positive_integer("batch_size", batch_size)
        return self.arrange(examples, batch_size, shuffle=shuffle, seed=seed)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 64,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        score_validation: bool = True,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains on raw data, as `keras.Model.fit` does on arrays.

        Args:
            x: (input, target) pairs, or inputs; or what `preprocess` gave.
            y: targets, if `x` holds inputs alone.
            batch_size: items a batch.
            epochs, verbose, callbacks, **kwargs: as in `keras.Model.fit`.
            validation_split: the share of the pairs, the last ones, to validate on.
            validation_data: raw pairs to validate on.
            shuffle: whether items come in another order each epoch.
            score_validation: also decode the validation data after each epoch and log what
                `score` says of them as `val_...`.
        """
        if not isinstance(x, Batches):
            inputs, targets = self.raw(x, y)
            if validation_split:
                (inputs, targets), validation_data = self.divide(inputs, targets, validation_split)
            if not self.adapted:
                self.adapt(inputs, targets)
            seed = random.randrange(2**31)
            x = self.preprocess(inputs, targets, batch_size=batch_size, shuffle=shuffle, seed=seed)
        if not self.compiled:
            self.compile()
        callbacks = list(callbacks or [])
        if validation_data is not None:
            if not isinstance(validation_data, Batches):
                validation_data = self.raw(validation_data)
                if score_validation:
                    self.featurize(validation_data[0])  # refuses now, not after an epoch
                    callbacks.insert(0, ValidationScore(*validation_data))
            validation_data = self.preprocess(validation_data, batch_size=batch_size)
            self._kept.validation = validation_data.for_training()
            kwargs["validation_data"] = self._kept.validation
        self.expect(x, validation_data)
        fit = functools.partial(
            super().fit,
            epochs=epochs,
            verbose=verbose,
            shuffle=False,  # the batches shuffle themselves
            **kwargs,
        )
        return fit_resumably(fit, callbacks, x, validation_data)

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int = 64, **kwargs: Any) -> Any:
        """As `keras.Model.evaluate`, on raw pairs: the loss and the compiled metrics."""
        if x is not None and x is self._kept.validation:  # Keras, in the middle of `fit`
            return super().evaluate(x, **kwargs)
        batches = self.preprocess(x, y, batch_size=batch_size)
        if not self.compiled:
            self.compile()
        self.expect(None, batches)
        return super().evaluate(batches.for_training(), **kwargs)

    def predict(self, x: Any, y: Any = None, batch_size: int = 64, **kwargs: Any) -> Any:
        """As `keras.Model.predict`, on raw pairs: the network's outputs, padded to one length."""
        batches = self.preprocess(x, y, batch_size=batch_size)
        return super().predict(batches.whole(), batch_size=batch_size, **kwargs)

    # Inference.

    def run(
        self,
        key: Hashable,
        function: Callable[[dict[str, Any]], Any],
        examples: list[Example],
        *,
        batch_size: int = 32,
        verbose: int = 0,
    ) -> list[Any]:
        """Applies a function of the features, compiled, and returns one result for each example.

        Args:
            key: calls with equal keys share one compiled function.
            function: from a batch of features to a structure of tensors that start with the batch
                axis; it may use the network's layers.
            examples: features of each item.
            batch_size: items a batch.
            verbose: 1 shows a progress bar.
        """
        self._require_adapted()
        return self._kept.run(self, key, function, examples, batch_size, verbose)
