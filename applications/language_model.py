"""Language models: the probability of a text, unit by unit, and texts that a network writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from zoo.layers._arguments import arguments

from ._inference import one_or_many
from ._language_choices import check_choices
from ._language_network import LanguageNetwork
from ._metrics import bits_per_character, nll, perplexity
from ._prompts import write, write_on
from ._reading import walk
from ._scorer import Scorer
from ._search_spaces import DEFAULT
from ._writing import Manner


@keras.saving.register_keras_serializable(package="zoo")
class LanguageModel(LanguageNetwork):
    """Predicts the next unit of a text: a recurrent network trained on plain text.

        p(u_1 ... u_n) = prod_t p(u_t | u_1 ... u_{t-1}),    p = softmax(W h_t + b)

    Raw data are texts: strings in a list, a tf.data.Dataset or a generator, or one string. They are
    read as they are, and the network's states are carried over all of a context:

    - "stream": all texts, one after another. In training, they are cut into as many parts as a
      batch has rows, and windows of these follow each other, each from the states in which the one
      before it ended (truncated backpropagation through time).
    - "sentence": a line. Its end is a symbol that the model learns to write.
    - "paragraph": what blank lines separate; likewise.

    Args:
        unit: what is read and predicted: "char"; "byte", for texts in any encoding; "bpe", byte
            pairs, which take all texts; "word", what white space separates, and line ends; or
            "ngram", words and frequent groups of words, of which the longest is taken at each
            place.
        context: how far the state is carried, see above.
        recurrent: any registered cell, by name; see `zoo.list_cells`.
        units: size of the cells; or a list with the size of each layer's.
        depth: how many layers, where `units` is one number.
        embedding_size: size of the embeddings; by default that of the last layer's output.
        projection_units: for cells that project their output.
        tied_embeddings: one table for the embeddings and the softmax; None ties them where their
            sizes agree.
        vocabulary_size: the most units, special ones included; by default 4000 for "bpe", 10000
            for "word" and "ngram", and all characters for "char".
        ngram_order: the most words of a group, for `unit="ngram"`.
        unknown: what to do about characters or words that the vocabulary lacks: "error" names
            them; "replace" reads them as one unknown unit. None is "error" for characters and
            "replace" for words.
        window: how many steps errors are propagated back.
        dropout: rate between layers; one mask for all steps of a row (variational dropout).
        input_dropout, output_dropout: the same at the embeddings and before the softmax; None is
            `dropout`.
        embedding_dropout: rate of units that are dropped whole, wherever they stand.
        recurrent_weight_dropout: rate of the recurrent weights that are dropped, for cells that
            can (DropConnect).
        activation_regularization: weight of the mean square of the dropped outputs in the loss.
        temporal_activation_regularization: weight of the mean square of their change.
        sampled_softmax: train against so many sampled units in place of all; for large
            vocabularies. Evaluation is exact.
        recurrent_options: more arguments of the cells, e.g. `{"peepholes": True}`.

    Example:

    >>> from zoo import LanguageModel
    >>> model = LanguageModel(unit="char", units=16, window=8)
    >>> history = model.fit("To be, or not to be, that is the question. " * 4, verbose=0)
    >>> sorted(model.score("to be"))
    ['bits_per_character', 'nll', 'perplexity']
    >>> len(model.generate("to ", max_units=5, seed=1))
    8

    References:
        Mikolov et al. 2010, "Recurrent neural network based language model"; Graves 2013,
        "Generating sequences with recurrent neural networks"; Merity, Keskar and Socher 2018,
        "Regularizing and optimizing LSTM language models"; Gal and Ghahramani 2016, "A
        theoretically grounded application of dropout in recurrent neural networks"; Press and Wolf
        2017, "Using the output embedding to improve language models".
    """

    monitor = "nll"
    search_space = {
        **DEFAULT,
        "cell.recurrent_weight_dropout": None,  # among the choices below
        "config.recurrent_weight_dropout": {"min": 0.0, "max": 0.5, "step": 0.1},
        "config.embedding_dropout": [0.0, 0.1, 0.2],
        "config.projection_units": [None, 64, 128, 256],
        "config.window": [35, 70, 100],
    }

    def __init__(
        self,
        unit: str = "char",
        context: str = "stream",
        recurrent: str = "lstm",
        units: int | list[int] = 512,
        depth: int = 1,
        embedding_size: int | None = None,
        projection_units: int | None = None,
        tied_embeddings: bool | None = None,
        vocabulary_size: int | None = None,
        ngram_order: int = 3,
        unknown: str | None = None,
        window: int = 100,
        dropout: float = 0.0,
        input_dropout: float | None = None,
        output_dropout: float | None = None,
        embedding_dropout: float = 0.0,
        recurrent_weight_dropout: float = 0.0,
        activation_regularization: float = 0.0,
        temporal_activation_regularization: float = 0.0,
        sampled_softmax: int | None = None,
        recurrent_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(check_choices(arguments(locals())), **kwargs)
        self._ties(self._new_stack())  # what cannot be built is named now, not after `adapt`

    def score(
        self, data: Any, targets: Any = None, *, verbose: int = 0, **decoding: Any
    ) -> dict[str, float]:
        """Measures how well texts are predicted, with the states carried as far as `context` says.

        Args:
            data: texts.
            targets: None.
            verbose: 1 shows a progress bar.
            **decoding: none; nothing is written.

        Returns:
            `nll`, the negative log-probability in nats a unit (ends of sentences and paragraphs
            are units too); `perplexity`, its exponential; and `bits_per_character`, all of it in
            bits by the number of characters of the texts, line ends included.

        Raises:
            ValueError: there is no text, it has characters or words that are unknown, or there are
                options of decoding.
            TypeError: a text is not a string.
        """
        self._require_adapted()
        if decoding:
            raise ValueError(
                "A language model's score does not depend on how texts are written; leave out "
                f"{', '.join(map(repr, decoding))}."
            )
        texts, _ = self.raw(data, targets)
        found, _ = walk(self, [example["units"] for example in self.featurize(texts)], verbose)
        gains = np.concatenate(found)
        characters = sum(map(self.symbols.count_characters, texts))
        return {
            "nll": nll(gains),
            "perplexity": perplexity(gains),
            "bits_per_character": bits_per_character(gains, characters),
        }

    def log_probabilities(self, texts: Any, *, verbose: int = 0) -> Any:
        """Returns how probable each unit of texts is, after all that stands before it.

        Args:
            texts: a list of strings, a tf.data.Dataset or a generator of them; or one string.
            verbose: 1 shows a progress bar.

        Returns:
            For each text (one for one string) a list of pairs `(unit, log-probability)`, natural
            logarithms; "[END]" is the end of a sentence or a paragraph. Each text starts anew.

        Example:

        >>> from zoo import LanguageModel
        >>> model = LanguageModel(units=8)
        >>> model.adapt("to be or not to be")
        >>> [unit for unit, _ in model.log_probabilities("to be")]
        ['t', 'o', ' ', 'b', 'e']
        """
        self._require_adapted()
        single = isinstance(texts, str | bytes)
        parts = [self.encoded(text) for text in self.raw(texts)[0]]
        gains = iter(walk(self, [units for part in parts for units in part], verbose)[0])
        names = self.symbols.names
        results = [
            [
                (names[unit], float(gain))
                for units in part
                for unit, gain in zip(units[1:], next(gains), strict=True)
            ]
            for part in parts
        ]
        return results[0] if single else results

    def infer(self, inputs: Any, **decoding: Any) -> list[Any]:
        return self.generate(inputs, **decoding)

    def generate(
        self,
        prompts: Any = None,
        *,
        max_units: int = 256,
        until: str | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        beam_size: int = 1,
        length_penalty: float = 0.0,
        seed: int | None = None,
        strip_prompt: bool = False,
        verbose: int = 0,
    ) -> Any:
        """Writes texts, each going on from a prompt.

        Args:
            prompts: a list of strings; or one string; None is the empty one, which starts a text.
            max_units: the most units to write.
            until: "sentence" or "paragraph", to end behind the first one that is complete (see
                below); None writes `max_units`, or to the end of the context.
            temperature: the scores are divided by it before a draw; below 1 what is probable
                becomes more so; 0 takes the most probable unit each time.
            top_k: draw among the `top_k` most probable units only.
            top_p: draw among the fewest most probable units that have this probability together.
            beam_size: more than 1 searches for the most probable text, and draws nothing.
            length_penalty: how much a beam search favours long texts.
            seed: of the draws; the same seed gives the same texts. By default drawn from Python's
                generator, which `keras.utils.set_random_seed` sets.
            strip_prompt: return what was written without the prompt.
            verbose: 1 shows a progress bar.

        Returns:
            A list of strings (one string for None or one string), prompts included.

        A model of sentences or paragraphs writes their end itself. Otherwise a sentence ends behind
        a full stop, question mark or exclamation mark, with quotes and brackets that follow, where
        white space comes next, and a paragraph at a blank line. Padding, start and unknown units
        are never written.

        Raises:
            ValueError: a prompt is longer than the context or has unknown characters, or an
                argument is out of range.
            TypeError: a prompt is not a string.

        Example:

        >>> from zoo import LanguageModel
        >>> model = LanguageModel(units=8)
        >>> model.adapt("to be or not to be")
        >>> model.generate(["to", "or"], max_units=5, seed=1) == model.generate(
        ...     ["to", "or"], max_units=5, seed=1
        ... )
        True

        Reference:
            Holtzman et al. 2020, "The curious case of neural text degeneration" (`top_p`).
        """
        self._require_adapted()
        manner = Manner(max_units, until, temperature, top_k, top_p, int(beam_size), length_penalty)
        manner.check(self.context)
        texts, single = one_or_many("" if prompts is None else prompts)
        results = write(self, texts, manner, seed, verbose)
        if not strip_prompt:
            results = [text + result for text, result in zip(texts, results, strict=True)]
        return results[0] if single else results

    def stream(
        self,
        prompt: str = "",
        *,
        max_units: int | None = None,
        until: str | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
    ) -> Iterator[str]:
        """Writes on from a prompt and yields the text as it comes, without the prompt.

        With the same arguments the pieces together are what `generate` writes.

        Args:
            prompt: a string.
            max_units: the most units to write; None goes on until the caller stops.
            until, temperature, top_k, top_p, seed: as in `generate`.

        Returns:
            An iterator of strings that are not empty.

        Raises:
            ValueError, TypeError: as `generate`; at once, not when the first piece is asked for.

        Example:

        >>> from zoo import LanguageModel
        >>> model = LanguageModel(units=8)
        >>> model.adapt("to be or not to be")
        >>> pieces = model.stream("to", max_units=5, seed=1)
        >>> "to" + "".join(pieces) == model.generate("to", max_units=5, seed=1)
        True
        """
        self._require_adapted()
        manner = Manner(1 if max_units is None else max_units, until, temperature, top_k, top_p)
        manner.check(self.context)
        return write_on(self, prompt, manner, max_units, seed)

    def scorer(self) -> Scorer:
        """Returns what lets this model join other decoders: `start()` and `score(state, tokens)`.

        Example:

        >>> from zoo import LanguageModel
        >>> model = LanguageModel(units=8)
        >>> model.adapt("to be or not to be")
        >>> scorer = model.scorer()
        >>> log_probabilities, state = scorer.score(scorer.start(), scorer.encode("t"))
        >>> log_probabilities.shape == (1, len(scorer.vocabulary))
        True
        """
        self._require_adapted()
        return Scorer(self)
