"""Translation: sentences in one language to sentences in another."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.layers._arguments import arguments, positive_integer, rate

from ._attended import Translation, attended, draw
from ._data import Example, raw_pairs
from ._generating import Search
from ._inference import one_or_many
from ._metrics import bleu, chrf
from ._search_spaces import DEFAULT
from ._sequence_to_sequence import SequenceToSequence
from ._text import Tokenizer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@keras.saving.register_keras_serializable(package="zoo")
class Translator(SequenceToSequence):
    """Translates text: a recurrent encoder, a recurrent decoder, attention between them.

    Both languages share one byte-pair vocabulary, learned from the first data given to `fit` or
    `adapt`. The encoder is a stack of bidirectional layers of `units / 2` in each direction; the
    decoder, a stack of cells of `units` with additive attention and input feeding.

    Args:
        recurrent: any registered cell, by name; see `zoo.list_cells`.
        units: size of the decoder's cells; the encoder has half of it in each direction.
        depth: layers of the encoder.
        decoder_depth: cells of the decoder.
        embedding_size: size of the embeddings, and of what the softmax sees.
        projection_units: for cells that project their output: the decoder's; the encoder's have
            half of it in each direction.
        attention: "additive" (Bahdanau), "dot", "general" or "concat" (Luong), or None for the
            plain encoder-decoder, whose decoder sees only one vector of the whole sentence.
        tied_embeddings: one table for the embeddings of both sides and for the softmax.
        dropout: rate at embeddings, between layers and before the softmax.
        label_smoothing: share of the target's probability that goes to all symbols alike.
        vocabulary_size: the most entries of the vocabulary.
        max_length: the longest sentence, in tokens.
        recurrent_options: more arguments of the cells, e.g. `{"recurrent_dropout": 0.2}`.

    Example:

    >>> from zoo.applications import Translator
    >>> pairs = [("a dog runs", "ein Hund rennt"), ("a cat sleeps", "eine Katze schläft")]
    >>> translator = Translator(units=16, embedding_size=16, vocabulary_size=300)
    >>> history = translator.fit(pairs, epochs=1, verbose=0)
    >>> len(translator.translate(["a dog sleeps"]))
    1

    References:
        Bahdanau, Cho and Bengio 2015, "Neural machine translation by jointly learning to align and
        translate"; Luong, Pham and Manning 2015, "Effective approaches to attention-based neural
        machine translation"; Sutskever, Vinyals and Le 2014, "Sequence to sequence learning with
        neural networks"; Press and Wolf 2017, "Using the output embedding to improve language
        models".
    """

    monitor = "bleu"
    search_space = {
        **DEFAULT,
        "config.decoder_depth": [1, 2],
        "config.embedding_size": [128, 256, 512],
        "config.projection_units": [None, 64, 128, 256],
        "config.attention": ["additive", "dot", "general"],
        "config.label_smoothing": [0.0, 0.1, 0.2],
    }

    def __init__(
        self,
        recurrent: str = "lstm",
        units: int = 512,
        depth: int = 1,
        decoder_depth: int = 1,
        embedding_size: int = 256,
        projection_units: int | None = None,
        attention: str | None = "additive",
        tied_embeddings: bool = True,
        dropout: float = 0.2,
        label_smoothing: float = 0.1,
        vocabulary_size: int = 6000,
        max_length: int = 256,
        recurrent_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(arguments(locals()), **kwargs)
        for name in ("units", "depth", "decoder_depth", "embedding_size", "max_length"):
            positive_integer(name, getattr(self, name))
        if units % 2 or (projection_units or 0) % 2:
            raise ValueError(
                "`units` and `projection_units` must be even, for the encoder has half of them in "
                f"each direction. Received: units={units}, projection_units={projection_units}."
            )
        rate("dropout", dropout)
        rate("label_smoothing", label_smoothing)
        self.new_decoder()  # an unknown cell or option is named now, not after `adapt`

    def adapt(self, data: Any, targets: Any = None) -> None:
        """Learns the vocabulary from raw pairs and builds the network."""
        self._require_new()
        texts = self.vocabulary_texts(data, targets)
        self.tokenizer = Tokenizer.train(texts, self.vocabulary_size)
        self.build_network()

    def vocabulary_texts(self, data: Any, targets: Any = None) -> list[str]:
        inputs, targets = raw_pairs(data, targets)
        return _checked([*inputs, *targets])

    def assets(self) -> dict[str, str]:
        return {"tokenizer.json": self.tokenizer.to_json()}

    def restore(self, assets: Mapping[str, str]) -> None:
        self.tokenizer = Tokenizer.from_json(assets["tokenizer.json"])
        self.build_network()

    def featurize(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Example]:
        sources = [self._ended(ids) for ids in self.tokenizer.encode(_checked(inputs))]
        if targets is None:
            for number, ids in enumerate(sources):
                if len(ids) > self.max_length:
                    raise ValueError(
                        f"Sentence {number} has {len(ids) - 1} tokens, but this translator takes "
                        f"at most {self.max_length - 1} (`max_length`); split it into sentences."
                    )
            return [{"source": ids} for ids in sources]
        examples, left_out = [], 0
        encoded = self.tokenizer.encode(_checked(targets))
        for number, (source, ids) in enumerate(zip(sources, encoded, strict=True)):
            target = self._ended(ids)
            empty = not inputs[number].strip() or not targets[number].strip()
            if empty or max(len(source), len(target)) > self.max_length:
                left_out += 1
                continue
            examples.append({"source": source, **self.targets(ids)})
        if left_out:
            warnings.warn(
                f"{left_out} of {len(inputs)} pairs are left out: a side is empty or longer than "
                f"{self.max_length - 1} tokens (`max_length`).",
                stacklevel=3,
            )
        return examples

    def _ended(self, ids: np.ndarray) -> np.ndarray:
        return np.append(ids, self.tokenizer.end_id).astype("int32")

    def infer(self, inputs: Any, **decoding: Any) -> list[Any]:
        return self.translate(inputs, **decoding)

    def translate(
        self,
        texts: Any,
        *,
        beam_size: int = 1,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        n_best: int | None = None,
        return_attention: bool = False,
        batch_size: int = 32,
        verbose: int = 0,
    ) -> Any:
        """Translates sentences.

        Args:
            texts: a list of strings, a tf.data.Dataset or a generator of them; or one string.
            beam_size: 1 takes the best token at each step (greedy); more, a beam search.
            length_penalty: how much a beam search favours long sentences; 0 not at all.
            max_length: the most tokens of a translation; by default 2 n + 16 for n in a sentence.
            n_best: return the best `n_best` translations of each, as (text, score) pairs.
            return_attention: return `Translation`s, with the attention's weights.
            batch_size: sentences at a time.
            verbose: 1 shows a progress bar.

        Returns:
            A list of strings (one string for one string); with `n_best`, lists of pairs; with
            `return_attention`, `Translation`s. An empty text becomes an empty text.

        Raises:
            ValueError: a text is longer than the translator takes.
            TypeError: a text is not a string.
        """
        self._require_adapted()
        search = Search(beam_size, length_penalty, max_length)
        search.check(n_best)
        if return_attention and (n_best is not None or self.attention is None):
            raise ValueError(
                "`return_attention=True` needs a translator with attention, and no `n_best`."
            )
        texts, single = one_or_many(texts)
        examples = self.featurize(texts)
        full = [number for number, text in enumerate(texts) if text.strip()]
        examples = [examples[number] for number in full]
        found = self.written(examples, search, n_best or 1, batch_size, verbose)
        results: list[Any] = ["" if n_best is None else [("", 0.0)] for _ in texts]
        rows = [row for item in found for row, _ in item]
        decoded: list[Any] = self.tokenizer.decode(rows)
        if return_attention:
            results = [Translation("", [], [], np.zeros((0, 0), "float32")) for _ in texts]
            decoded = attended(self, examples, rows, decoded, batch_size)
        for place, number in enumerate(full):
            if n_best is None:
                results[number] = decoded[place]
            else:
                texts_found = decoded[place * n_best : (place + 1) * n_best]
                scores = [score for _, score in found[place]]
                results[number] = list(zip(texts_found, scores, strict=True))
        return results[0] if single else results

    def plot_attention(
        self,
        text: str,
        target: str | None = None,
        *,
        ax: Axes | None = None,
        **decoding: Any,
    ) -> Figure:
        """Draws what the decoder looks at: how its attention is spread at each step.

        Rows are the pieces of the translation, columns those of the text; a row sums to 1. "␣" is
        a space.

        Args:
            text: a sentence.
            target: a translation of yours, to see what the decoder would look at on the way to it;
                by default the one that it finds itself.
            ax: Matplotlib's axes to draw into; by default a new figure.
            **decoding: `beam_size`, `length_penalty` and `max_length`, as `translate` has them.

        Returns:
            Matplotlib's figure; `figure.savefig("attention.png")` writes it to a file.

        Raises:
            ValueError: the translator has no attention, or a text is empty or too long.
            TypeError: a text is not a string.

        Example:

        >>> from zoo import Translator
        >>> translator = Translator(units=16, embedding_size=16, vocabulary_size=300)
        >>> translator.adapt([("a dog runs", "ein Hund rennt")] * 2)
        >>> figure = translator.plot_attention("a dog runs", target="ein Hund rennt")
        >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
        ['␣a', '␣dog', '␣runs', '[END]']
        """
        self._require_adapted()
        if self.attention is None:
            raise ValueError(
                "`plot_attention` needs a translator with attention. Received one with "
                "`attention=None`."
            )
        for name, value in {"text": text, "target": target}.items():
            if value is not None or name == "text":
                if not _checked([value])[0].strip():
                    raise ValueError(f"`{name}` must not be empty. Received: {name}={value!r}.")
        if target is None:
            return draw(self.translate(text, return_attention=True, **decoding), ax)
        if decoding:
            raise ValueError(
                f"With a `target`, nothing is decoded; leave out {', '.join(map(repr, decoding))}."
            )
        rows = self.tokenizer.encode([target])
        return draw(attended(self, self.featurize([text]), rows, [target], 1)[0], ax)

    def encode(self, texts: Any, *, batch_size: int = 32) -> np.ndarray:
        """Returns one vector for each text: the last states of the encoder's two directions.

        Args:
            texts: a list of strings that are not empty.
            batch_size: sentences at a time.

        Returns:
            (texts, features), float32.
        """
        self._require_adapted()
        texts, single = one_or_many(texts)
        examples = self.featurize(texts)
        found = self.run(
            "encode",
            lambda features: self.read(features["source"])[1],
            examples,
            batch_size=batch_size,
        )
        size = self.decoder.bridges[0].kernel.shape[0]
        vectors = np.array(found, "float32").reshape(-1, size)
        return vectors[0] if single else vectors

    def score(self, data: Any, targets: Any = None, **decoding: Any) -> dict[str, float]:
        """Translates raw inputs and compares them with the targets: `bleu` and `chrf`, 0 to 100.

        Args:
            data, targets: raw pairs.
            **decoding: arguments of `translate`.
        """
        inputs, targets = raw_pairs(data, targets)
        translations = self.translate(inputs, **decoding)
        return {
            "bleu": bleu(translations, _checked(targets)),
            "chrf": chrf(translations, _checked(targets)),
        }


def _checked(texts: Iterable[Any]) -> list[str]:
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"Sentences must be strings. Received as number {number}: {text!r} "
                f"({type(text).__name__})."
            )
    return texts
