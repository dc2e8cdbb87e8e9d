"""Language models: the probability of a text, unit by unit, and texts that a network writes."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers._arguments import arguments, positive_integer, rate

from ._data import Example
from ._decoding import Compiled, sample
from ._inference import one_or_many
from ._language_network import LanguageNetwork
from ._reading import next_log_probabilities, walk
from ._units import Characters


@keras.saving.register_keras_serializable(package="zoo")
class LanguageModel(LanguageNetwork):
    """Predicts the next unit of a text: a recurrent network trained on plain text."""

    monitor = "nll"
    paired = False

    def __init__(
        self,
        unit: str = "char",
        context: str = "stream",
        recurrent: str = "lstm",
        units: int = 512,
        depth: int = 1,
        embedding_size: int | None = None,
        projection_units: int | None = None,
        tied_embeddings: bool | None = None,
        dropout: float = 0.0,
        vocabulary_size: int | None = None,
        window: int = 100,
        unknown: str | None = None,
        recurrent_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(arguments(locals()), **kwargs)
        for name in ("units", "depth", "window"):
            positive_integer(name, getattr(self, name))
        rate("dropout", dropout)
        self._new_stack()  # an unknown cell or option is named now, not after `adapt`

    def adapt(self, data: Any, targets: Any = None) -> None:
        """Learns the vocabulary from texts and builds the network."""
        self._require_new()
        texts, _ = self.raw(data, targets)
        self.symbols = Characters.learn(texts, self.vocabulary_size, self.unknown == "replace")
        self.build_network()

    def assets(self) -> dict[str, str]:
        return {"tokenizer.json": self.symbols.to_json()}

    def restore(self, assets: Mapping[str, str]) -> None:
        self.symbols = Characters.from_json(assets["tokenizer.json"], self.unknown == "replace")
        self.build_network()

    def featurize(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Example]:
        encoded = [self.symbols.encode(text) for text in inputs]
        start = np.array([self.symbols.start_id], encoded[0].dtype)
        return [{"units": np.concatenate([start, *encoded])}]

    def _read(self, texts: list[np.ndarray], verbose: int = 0) -> Any:
        function = self._kept.compiled(
            self, "read", lambda features: next_log_probabilities(self, features)
        )
        return walk(function, texts, self._start, verbose)

    def _start(self, rows: int) -> list[np.ndarray]:
        return [ops.convert_to_numpy(state) for state in self.initial_states(rows)]

    def score(self, data: Any, targets: Any = None, *, verbose: int = 0) -> dict[str, float]:
        """Measures how well texts are predicted."""
        self._require_adapted()
        texts, _ = self.raw(data, targets)
        examples = self.featurize(texts)
        gains, _ = self._read([example["units"] for example in examples], verbose)
        total = -sum(float(values.sum(dtype="float64")) for values in gains)
        nll = total / sum(map(len, gains))
        return {
            "nll": nll,
            "perplexity": math.exp(nll),
            "bits_per_character": total / math.log(2) / sum(map(len, texts)),
        }

    def infer(self, inputs: Any, **decoding: Any) -> list[Any]:
        return self.generate(inputs, **decoding)

    def generate(
        self,
        prompts: Any = None,
        *,
        max_units: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Any:
        """Writes on from prompts."""
        self._require_adapted()
        texts, single = one_or_many("" if prompts is None else prompts)
        start = [self.symbols.start_id]
        rows = [
            np.concatenate([start, self.symbols.encode(text)]).astype("int32") for text in texts
        ]
        _, states = self._read(rows)
        seed = random.randrange(2**31) if seed is None else seed
        uniforms = np.stack(
            [np.random.default_rng([seed, n]).random(max_units) for n in range(len(rows))]
        ).astype("float32")

        def write(features: dict[str, Any]) -> Any:
            def step(symbols: Any, states: list[Any]) -> tuple[Any, list[Any]]:
                outputs, states = self.read(ops.expand_dims(symbols, 1), states)
                logits = self.logits(outputs)[:, 0]
                banned = ops.arange(self.symbols.size) < 4
                return ops.where(banned, -np.inf, logits) / features["temperature"][:, None], states

            return sample(
                step,
                features["states"],
                rows=ops.shape(features["last"])[0],
                max_length=max_units,
                start=features["last"],
                end=self.symbols.end_id,
                uniforms=ops.transpose(features["uniforms"]),
                top_k=top_k,
                top_p=top_p,
            ).symbols

        function = self._kept.compiled(self, ("write", max_units, top_k, top_p), write)
        symbols = function(
            {
                "last": np.array([row[-1] for row in rows], "int32"),
                "states": [np.stack(values) for values in zip(*states, strict=True)],
                "uniforms": uniforms,
                "temperature": np.full(len(rows), temperature, "float32"),
            }
        )
        results = [text + self.symbols.decode(r) for text, r in zip(texts, symbols, strict=True)]
        return results[0] if single else results
