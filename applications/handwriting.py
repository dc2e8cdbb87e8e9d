"""Handwriting: pen strokes, or pictures of writing, to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from zoo.layers import recurrent as recurrent_layer
from zoo.layers._arguments import arguments, positive_integer, rate

from ._convolution import ConvolutionalFront
from ._ctc import align, frames_needed
from ._ctc_texts import search_options
from ._data import TARGET, Example, raw_items, raw_pairs
from ._image_input import ImageInput
from ._ink_input import InkInput
from ._ink_stream import InkStream
from ._inputs import Input
from ._review import Reviewed

_INPUTS: dict[str, type[Input]] = {kind.kind: kind for kind in (InkInput, ImageInput)}


@keras.saving.register_keras_serializable(package="zoo")
class HandwritingRecognizer(Reviewed):
    """Reads handwriting, strokes or pictures of it: recurrent layers trained by CTC.

    The alphabet is that of the first data given to `fit` or `adapt`. Ink is brought to one size
    and slant, and its points to equal distances, so that it does not matter which device it comes
    from. Pictures of a word or a line are cut to what is written and brought to one height, dark
    on light; convolutions read their columns. See `recognize` for the forms that both may have.

    Args:
        input: "ink" or "image".
        recurrent: any registered cell, by name; see `zoo.list_cells`.
        units: size of the layers, in each direction.
        depth: how many layers.
        bidirectional: whether the layers read in both directions.
        reduction: how many points or columns become one frame: behind the first recurrent layer
            for ink, in the convolutions for images.
        layer_norm: whether the cells normalise, where they can.
        dropout: rate between layers and before the softmax.
        features: of ink, what a frame says: "points", one point in view of the one before it;
            "vicinity", a point in view of all around it, the features of Graves et al. 2009; or
            "curves", a cubic Bezier curve, as Carbune et al. 2020 have it but for times: a few
            frames a letter, of which `reduction` should leave all, 1.
        spacing: of ink, the distance between points, where small letters are about 1 high.
        image_height: of images, the height in pixels that they are brought to.
        filters: of images, the channels of each convolution.
        augmentation: how much training data are varied, 0 not at all; see the README.
        long_targets: "skip" leaves out training texts that their input has too few frames for, with
            a warning; "refuse" makes them an error.
        max_length: the most points of an ink, once they are at equal distances; or columns of an
            image, once it has its height.
        characters: what the alphabet has besides the characters of the data.
        recurrent_options: more arguments of the cells, e.g. `{"recurrent_dropout": 0.2}`.

    Example:

    >>> import numpy as np
    >>> from zoo import HandwritingRecognizer
    >>> dash = [np.array([[0, 0], [40, 0]])]
    >>> bars = [np.array([[0, 0], [0, 40]]), np.array([[20, 0], [20, 40]])]
    >>> recognizer = HandwritingRecognizer(units=8, depth=1)
    >>> history = recognizer.fit([(dash, "-"), (bars, "ll")], epochs=1, verbose=0)
    >>> len(recognizer.recognize([dash, bars, dash]))
    3

    >>> reader = HandwritingRecognizer("image", units=8, depth=1, filters=[4, 8])
    >>> pictures = [np.pad(np.ones((20, 40)), 9), np.pad(np.eye(30), 5)]
    >>> history = reader.fit([(pictures[0], "-"), (pictures[1], "b")], epochs=1, verbose=0)
    >>> len(reader.recognize(pictures))
    2

    References:
        Graves et al. 2009, "A novel connectionist system for unconstrained handwriting
        recognition"; Carbune et al. 2020, "Fast multi-language LSTM-based online handwriting
        recognition"; Shi et al. 2017, "An end-to-end trainable neural network for image-based
        sequence recognition".
    """

    def __init__(
        self,
        input: str = "ink",
        recurrent: str = "lstm",
        units: int = 128,
        depth: int = 3,
        bidirectional: bool = True,
        reduction: int = 2,
        layer_norm: bool = False,
        dropout: float = 0.2,
        features: str = "points",
        spacing: float = 0.2,
        image_height: int = 32,
        filters: Sequence[int] = (16, 32, 64, 64),
        augmentation: float = 1.0,
        long_targets: str = "skip",
        max_length: int = 4000,
        characters: str = "",
        recurrent_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(arguments(locals()), **kwargs)
        for name in ("units", "depth", "reduction", "max_length"):
            positive_integer(name, getattr(self, name))
        rate("dropout", dropout)
        for name, known in {"input": tuple(_INPUTS), "long_targets": ("skip", "refuse")}.items():
            if self.choices[name] not in known:
                raise ValueError(
                    f"`{name}` must be {' or '.join(map(repr, known))}. "
                    f"Received: {name}={self.choices[name]!r}."
                )
        if not isinstance(augmentation, int | float) or not 0 <= augmentation <= 3:
            raise ValueError(
                "`augmentation` must be a number from 0 to 3. "
                f"Received: augmentation={augmentation!r}."
            )
        self.reader = _INPUTS[input](self.choices)
        # An unknown cell or option is named now, not after `adapt`.
        options = {**(recurrent_options or {}), **({"layer_norm": True} if layer_norm else {})}
        recurrent_layer(recurrent, units, **options)

    def feature_size(self) -> int:
        return self.reader.frame_size

    def make_front(self) -> ConvolutionalFront | None:
        return self.reader.front()

    def raw(self, data: Any, targets: Any = None) -> tuple[list[Any], list[Any] | None]:
        return raw_pairs(data, targets, self.reader.plain)

    def adapt(self, data: Any, targets: Any = None) -> None:
        """Learns the alphabet and the size of the ink from raw pairs, and builds the network."""
        self._require_new()
        inputs, targets = self.raw(data, targets)
        self.reader.learn(inputs)
        super().adapt(inputs, targets)

    def assets(self) -> dict[str, str]:
        return {**super().assets(), **self.reader.assets()}

    def restore(self, assets: Mapping[str, str]) -> None:
        self.reader.restore(assets)
        super().restore(assets)

    def example(self, item: Any, number: int, height: float | None = None) -> Example:
        return self.reader.example(item, number, height)

    def varied(self, example: Any, generator: np.random.Generator) -> Example:
        changed, target = self.reader.varied(example, generator), example[TARGET]
        if -(-int(changed["length"]) // self.reduction) < frames_needed(target):
            return example  # too narrow now for its text
        return {**changed, TARGET: target}

    def draw(self, ax: Any, example: Any, colours: Any = None, widths: Any = 1.4) -> None:
        self.reader.draw(ax, example, colours, widths)

    def across(self, example: Any) -> np.ndarray:
        return self.reader.across(example)

    def infer(self, inputs: Any, **decoding: Any) -> list[Any]:
        return self.recognize(inputs, **decoding)

    def recognize(
        self,
        inputs: Any,
        *,
        beam_size: int | None = None,
        n_best: int | None = None,
        language_model: Any = None,
        language_weight: float = 0.5,
        length_bonus: float = 0.0,
        lexicon: Any = None,
        height: float | None = None,
        batch_size: int = 32,
        verbose: int = 0,
    ) -> Any:
        """Reads ink or images.

        Args:
            inputs: a list, tf.data.Dataset or generator of items; or one. An ink is a list of
                strokes, each an array (points, 2 or 3) of x, y and perhaps t, or the lists
                `[[x ...], [y ...], [t ...]]` that web canvases give; an array (points, 3) of x, y
                and a 1 at the end of each stroke; or the path of an InkML file. y grows downwards.
                The path of an npz file stands for the inks in it: an array (points, 3), or `xy`,
                `pen_up` and `offsets`.
                An image is the path of a file (PNG, JPEG, GIF, BMP, WEBP, TIFF), the bytes of one,
                a picture of Pillow's, or an array (height, width) or (height, width, 1, 3 or 4) of
                whole numbers up to 255 or fractions up to 1; dark on light, or light on dark.
            beam_size: 1 reads the most probable path (greedy); more, the most probable text, by a
                prefix beam search. By default 1, or 16 where an option below needs beams.
            n_best: return the best `n_best` texts of each, as (text, score) pairs; there may be
                fewer. A score is `log p(text | input)`, and what is said of the two below.
            language_model: joins in: a `LanguageModel` of characters; its `scorer()`; the name or
                folder of a preset of one, loaded at each call; or an object with `start()`, the
                state before any text, and `score(state, tokens)`, the log-probability of a
                character that follows and the state behind it. A character that it lacks is read as
                the same letter in the other case, else without its accent; one that it lacks even
                so counts as no more and no less probable than any, and the model passes over it. A
                model of `context="sentence"` also says how probable it is that the text ends.
            language_weight: what its log-probabilities are multiplied by before they are added.
            length_bonus: what each character adds, against a model's taste for short texts.
            lexicon: only these words: a list, or the path of a file with one a line. Where the
                alphabet has a space, a text is made of such words with spaces between them.
            height: for a recognizer that reads forwards only, the height of small letters in the
                units of the ink; by default that of the ink that it was trained on. Others find it.
            batch_size: items at a time.
            verbose: 1 shows a progress bar.

        Returns:
            A list of strings, one string for one item; with `n_best`, lists of pairs. An empty ink
            or an image with nothing on it gives an empty text.

        Raises:
            ValueError: an item is damaged or too long, or options exclude each other.
            TypeError: an item or the language model is something else.
            FileNotFoundError: there is no such image.

        Example:

        >>> import numpy as np
        >>> from zoo import HandwritingRecognizer, LanguageModel
        >>> ink = [np.array([[0, 0], [0, 40]]), np.array([[20, 0], [20, 40]])]
        >>> recognizer = HandwritingRecognizer(units=8, depth=1)
        >>> recognizer.adapt([(ink, "ll")])
        >>> language_model = LanguageModel(units=8, context="sentence")
        >>> language_model.adapt(["all", "well"])
        >>> [(text, score)] = recognizer.recognize(ink, language_model=language_model, n_best=1)
        >>> set(text) <= {"l"}
        True
        """
        self._require_adapted()
        self.reader.check_height(height)
        search = search_options(
            self.alphabet,
            beam_size,
            n_best,
            language_model,
            language_weight,
            length_bonus,
            lexicon,
        )
        inputs = self.reader.opened(inputs)
        single = self.reader.is_one(inputs)
        items = raw_items([inputs] if single else inputs, self.reader.plain)
        examples = [self.example(item, number, height) for number, item in enumerate(items)]
        full = [number for number, example in enumerate(examples) if example["length"]]
        chosen = [examples[number] for number in full]
        results: list[Any] = ["" if n_best is None else [("", 0.0)] for _ in examples]
        for number, text in zip(full, self.read(chosen, search, batch_size, verbose), strict=True):
            results[number] = text
        return results[0] if single else results

    def stream(self, height: float | None = None) -> InkStream:
        """Returns a reader that takes points while they are drawn, and gives the text so far.

        Args:
            height: the height of small letters in the units of the points, for nothing can be
                measured before it is written; by default that of the ink that was trained on.

        Raises:
            ValueError: this recognizer reads in both directions, or images, or has features that do
                not stay as they are while more is written.

        Example:

        >>> import numpy as np
        >>> from zoo import HandwritingRecognizer
        >>> ink = [np.array([[0, 0], [40, 0]]), np.array([[9, 9], [20, 40]])]
        >>> recognizer = HandwritingRecognizer(units=8, depth=1, bidirectional=False)
        >>> recognizer.adapt([(ink, "a")])
        >>> stream = recognizer.stream()
        >>> for stroke in ink:
        ...     for point in stroke:
        ...         stream.feed(point)
        ...     stream.lift()
        >>> stream.text == recognizer.recognize(ink)
        True
        """
        self._require_adapted()
        self.reader.check_height(height)
        if self.reader.kind != "ink":
            raise ValueError("`stream` is for ink alone, and this recognizer reads images.")
        if self.bidirectional:
            raise ValueError(
                "`stream` needs a recognizer that reads forwards only, made with "
                "`bidirectional=False`."
            )
        self.reader.check_stream()
        return InkStream(self, height)

    def align(self, item: Any, text: str | None = None) -> list[tuple[str, int, int]]:
        """Says which stretch of ink or columns gave which character, by the best path of the text.

        Args:
            item: one ink or image, as `recognize` takes it.
            text: what was written; by default what is read.

        Returns:
            For each character the character, its first point or column and the one after its last,
            among the rows of what `points` gives.
        """
        self._require_adapted()
        example = self.example(item, 0)
        text = self.recognize([item])[0] if text is None else text
        symbols = self.alphabet.encode(text)
        if not len(symbols):
            return []
        found = align(self.log_probabilities([example])[0], symbols)
        last, by = int(example["length"]), self.reduction
        return [
            (self.alphabet.decode([symbol]), int(start) * by, min(int(end) * by, last))
            for symbol, start, end in zip(symbols, found.starts, found.ends, strict=True)
        ]

    def points(self, item: Any) -> np.ndarray:
        """Returns an item as the network sees it, with a row for each frame; see `align`.

        Returns:
            Ink packed, (points, 3); an image as (columns, height), from 0, paper, to 1, ink.
        """
        return self.reader.seen(self.example(item, 0))
