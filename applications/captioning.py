"""Captioning: pictures to sentences."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from zoo.layers._arguments import arguments, positive_integer, rate

from ._caption_metrics import caption_scores
from ._captioned import attended, draw
from ._captions import UNITS, checked, clean, learned
from ._data import Example, Item, first_of_validation, raw_pairs
from ._encoders import check_encoder
from ._generating import Search
from ._picture_network import INJECTIONS, PictureNetwork
from ._pictures import grouped, one_or_many_pictures, picture
from ._sight import Seen

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@keras.saving.register_keras_serializable(package="zoo")
class Captioner(PictureNetwork):
    """Says what is in a picture: a network for pictures, a recurrent decoder, attention between.

    A picture becomes a grid of features, by a network that was trained on ImageNet and stays as it
    is: its features are computed once for each picture and kept on the disk (at `ZOO_CACHE_DIR`,
    or where caches are kept). The decoder writes a caption word by word. Captions are put in small
    letters, without punctuation.

    With attention it is the model of Xu et al. 2015, which looks at the grid anew for each word;
    with `attention=None` that of Vinyals et al. 2015, which sees the whole picture once.

    Args:
        encoder: "efficientnet_lite0"; a network of `keras.applications`, by name; or a Keras model
            that turns pixels (batch, height, width, 3), from 0 to 255, into features.
        encoder_weights: "imagenet", the path of a file for `keras.applications`, or None for random
            ones, with which `train_encoder` should be true.
        image_size: the side of the pictures that it sees, unless a model of yours says it.
        train_encoder: whether it is trained too, and kept with the other weights; a lot slower.
        recurrent: any registered cell, by name; see `zoo.list_cells`.
        units: size of the decoder's cells.
        decoder_depth: how many cells.
        embedding_size: size of the words' embeddings, and of what the softmax sees.
        projection_units: for cells that project their output.
        attention: "additive", "dot", "general", "concat" or None.
        inject: how the cells come to know the picture: "initial", it sets their first states;
            "first", it is their first input; "every", without attention, it sets their first states
            and is seen at each step.
        gated: whether the attention has a gate that says how much the picture counts for a word.
        attention_penalty: how much it costs not to look at all places equally over a caption.
        scheduled_sampling: share of the words before in training that are the model's own.
        tied_embeddings: one table for the embeddings and for the softmax.
        dropout: rate at features, embeddings, and before the softmax.
        label_smoothing: share of the target's probability that goes to all words alike.
        unit: "word", or "bpe" for parts of words, as languages without spaces need them.
        vocabulary_size: the most entries of the vocabulary.
        min_count: words that are less frequent in the captions are one unknown word.
        variations: how many variations of each training picture there are besides itself, parts of
            it, some mirrored; in each epoch one of all is taken at random.
        max_length: the longest caption, in units.
        recurrent_options: more arguments of the cells, e.g. `{"recurrent_dropout": 0.2}`.

    Example:

    >>> import keras, numpy as np
    >>> from zoo import Captioner
    >>> eye = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.AveragePooling2D(8)])
    >>> red, blue = np.zeros((2, 16, 16, 3), "uint8")
    >>> red[..., 0] = blue[..., 2] = 255
    >>> captioner = Captioner(encoder=eye, units=8, embedding_size=8, min_count=1)
    >>> captioner.feature_cache = None  # or else features are kept on the disk
    >>> history = captioner.fit([(red, "A red wall."), (blue, "a blue wall")], epochs=1, verbose=0)
    >>> len(captioner.caption([red, blue]))
    2

    References:
        Vinyals et al. 2015, "Show and tell: a neural image caption generator"; Xu et al. 2015,
        "Show, attend and tell: neural image caption generation with visual attention"; Bengio et
        al. 2015, "Scheduled sampling for sequence prediction with recurrent neural networks";
        Duckworth et al. 2019, "Parallel scheduled sampling".
    """

    monitor = "cider"
    data_kind = "captions"

    def __init__(
        self,
        encoder: Any = "efficientnet_lite0",
        encoder_weights: str | None = "imagenet",
        image_size: int = 224,
        train_encoder: bool = False,
        recurrent: str = "lstm",
        units: int = 256,
        decoder_depth: int = 1,
        embedding_size: int = 256,
        projection_units: int | None = None,
        attention: str | None = "additive",
        inject: str = "initial",
        gated: bool = True,
        attention_penalty: float = 1.0,
        scheduled_sampling: float = 0.0,
        tied_embeddings: bool = True,
        dropout: float = 0.5,
        label_smoothing: float = 0.1,
        unit: str = "word",
        vocabulary_size: int = 10000,
        min_count: int = 2,
        variations: int = 0,
        max_length: int = 40,
        recurrent_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(arguments(locals()), encoder, **kwargs)
        check_encoder(encoder, encoder_weights, image_size)
        for name in ("units", "decoder_depth", "embedding_size", "max_length", "min_count"):
            positive_integer(name, getattr(self, name))
        for name in ("dropout", "label_smoothing", "scheduled_sampling"):
            rate(name, getattr(self, name))
        for name, known in {"inject": INJECTIONS, "unit": UNITS}.items():
            if self.choices[name] not in known:
                raise ValueError(
                    f"`{name}` must be {' or '.join(map(repr, known))}. "
                    f"Received: {name}={self.choices[name]!r}."
                )
        if type(variations) is not int or variations < 0:
            raise ValueError(
                "`variations` must be a whole number that is not negative. "
                f"Received: variations={variations!r}."
            )
        if inject == "every" and attention is not None:
            raise ValueError(
                '`inject="every"` needs `attention=None`, for attention sees the picture at each '
                f"step. Received: attention={attention!r}."
            )
        if not isinstance(attention_penalty, int | float) or not 0 <= attention_penalty < 1e6:
            raise ValueError(
                "`attention_penalty` must be a number that is not negative. "
                f"Received: attention_penalty={attention_penalty!r}."
            )
        self.new_decoder()  # an unknown cell or option is named now, not after `adapt`

    # Data.

    def raw(self, data: Any, targets: Any = None) -> tuple[list[Any], list[Any]]:
        """Returns pictures and captions, equally many: one with several captions is repeated."""
        pictures, captions = raw_pairs(data, targets, picture)
        found: tuple[list[Any], list[Any]] = ([], [])
        for image, given in zip(pictures, captions, strict=True):
            if isinstance(image, bytes) and found[0] and image == found[0][-1]:
                image = found[0][-1]  # kept once, not as often as it has captions
            for caption in [given] if isinstance(given, str) else _several(given):
                found[0].append(image)
                found[1].append(caption)
        return found[0], checked(found[1])

    def divide(self, inputs: list[Any], targets: list[Any] | None, share: float) -> tuple[Any, Any]:
        """Holds the last `share` of the pictures out, with all of their captions."""
        assert targets is not None
        groups = grouped(inputs)
        cut = first_of_validation(len(groups), share)
        parts = []
        for chosen in (groups[:cut], groups[cut:]):
            numbers = sorted(number for group in chosen for number in group)
            parts.append(([inputs[n] for n in numbers], [targets[n] for n in numbers]))
        return parts[0], parts[1]

    def adapt(self, data: Any, targets: Any = None) -> None:
        """Learns the vocabulary from raw pairs and builds the network."""
        self._require_new()
        texts = self.vocabulary_texts(data, targets)
        self.symbols = learned(texts, self.unit, self.vocabulary_size, self.min_count)
        self.open_eye()
        self.build_network()

    def vocabulary_texts(self, data: Any, targets: Any = None) -> list[str]:
        return [clean(caption) for caption in self.raw(data, targets)[1]]

    def featurize(self, inputs: list[Any], targets: list[Any] | None = None) -> list[Example]:
        if targets is None:
            return self.seen(inputs, keep=True)
        inputs, targets = self.raw(inputs, targets)
        captions = [self.symbols.encode(clean(caption)) for caption in targets]
        kept = [
            number for number, caption in enumerate(captions) if 0 < len(caption) < self.max_length
        ]
        if len(kept) < len(captions):
            lost = next(number for number in range(len(captions)) if number not in set(kept))
            warnings.warn(
                f"{len(captions) - len(kept)} of {len(captions)} captions are left out, such as "
                f"number {lost}, {targets[lost][:40]!r}: empty, or longer than "
                f"{self.max_length - 1} units (`max_length`).",
                stacklevel=3,
            )
        seen = self.seen([inputs[number] for number in kept], keep=True)
        return [
            Item({**example, **self.targets(captions[number])}, inputs[number])
            for number, example in zip(kept, seen, strict=True)
        ]

    # Inference.

    def infer(self, inputs: Any, **decoding: Any) -> list[Any]:
        return self.caption(inputs, **decoding)

    def caption(
        self,
        images: Any,
        *,
        n: int | None = None,
        beam_size: int = 3,
        length_penalty: float = 1.0,
        max_length: int | None = None,
        return_attention: bool = False,
        batch_size: int = 32,
        verbose: int = 0,
    ) -> Any:
        """Writes captions of pictures.

        Args:
            images: a list, tf.data.Dataset or generator of pictures, or one: paths, the bytes of
                files, arrays (height, width, 3), or pictures of Pillow's.
            n: return the best `n` captions of each, as (text, score) pairs.
            beam_size: 1 takes the best word at each step (greedy); more, a beam search, which is at
                least as wide as `n`.
            length_penalty: how much a beam search favours long captions; 0 not at all.
            max_length: the most units of a caption; by default the captioner's `max_length`.
            return_attention: return `Caption`s, with where the attention was for each word.
            batch_size: pictures at a time.
            verbose: 1 shows a progress bar.

        Returns:
            A list of strings (one string for one picture); with `n`, lists of pairs; with
            `return_attention`, `Caption`s.

        Raises:
            ValueError: a picture is damaged or too large, or options exclude each other.
            FileNotFoundError: there is no such file.
            TypeError: something is no picture.
        """
        self._require_adapted()
        if n is not None:
            beam_size = max(beam_size, positive_integer("n", n))
        search = Search(beam_size, length_penalty, max_length)
        search.check(None)
        if return_attention and (n is not None or self.attention is None):
            raise ValueError(
                "`return_attention=True` needs a captioner with attention, and no `n`."
            )
        examples, single = images, False
        if not isinstance(images, Seen):
            images, single = one_or_many_pictures(images)
            examples = self.seen(images, verbose=verbose)
        results = self._texts(examples, search, n, batch_size, verbose)
        if return_attention:
            rows = [item[0][0] for item in results]
            results = attended(self, examples, rows, batch_size)
        elif n is None:
            results = [item[0][1] for item in results]
        else:
            results = [[(text, score) for _, text, score in item] for item in results]
        return results[0] if single else results

    def _texts(
        self, examples: list[Example], search: Search, n: int | None, batch_size: int, verbose: int
    ) -> list[Any]:
        """The symbols, text and score of each picture's best captions."""
        found = self.written(examples, search, n or 1, batch_size, verbose)
        return [[(row, self.symbols.decode(row), score) for row, score in item] for item in found]

    def plot_attention(self, image: Any, caption: str | None = None, **decoding: Any) -> Figure:
        """Draws where the decoder looks for each word of a caption.

        Args:
            image: a picture.
            caption: a caption of yours, to see where it would look on the way to it; by default
                the one that it finds itself.
            **decoding: `beam_size`, `length_penalty` and `max_length`, as `caption` has them.

        Returns:
            Matplotlib's figure; `figure.savefig("attention.png")` writes it to a file.

        Raises:
            ValueError: the captioner has no attention, the picture is damaged, or the caption is
                empty.

        Example:

        >>> import keras, numpy as np
        >>> from zoo import Captioner
        >>> eye = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.AveragePooling2D(8)])
        >>> captioner = Captioner(encoder=eye, units=8, embedding_size=8, min_count=1)
        >>> captioner.adapt([(np.zeros((16, 16, 3)), "a black square")])
        >>> figure = captioner.plot_attention(np.zeros((16, 16, 3)), caption="a square")
        >>> [ax.get_title() for ax in figure.axes]
        ['', 'a', 'square']
        """
        self._require_adapted()
        if self.attention is None:
            raise ValueError(
                "`plot_attention` needs a captioner with attention. Received one with "
                "`attention=None`."
            )
        if caption is None:
            return draw(self.caption(image, return_attention=True, **decoding), image)
        if decoding:
            raise ValueError(
                f"With a `caption`, nothing is decoded; leave out {', '.join(map(repr, decoding))}."
            )
        row = self.symbols.encode(clean(checked([caption])[0]))
        if not len(row):
            raise ValueError(f"`caption` must not be empty. Received: caption={caption!r}.")
        return draw(attended(self, self.seen([image]), [row], 1)[0], image)

    def score(self, data: Any, targets: Any = None, **decoding: Any) -> dict[str, float]:
        """Captions raw pictures and compares the captions with all that each picture has.

        Args:
            data, targets: raw pairs; pictures with equal bytes are one picture.
            **decoding: arguments of `caption`.

        Returns:
            `cider` (CIDEr-D, 0 to 10), `bleu1` to `bleu4` and `rouge_l` (0 to 100).
        """
        inputs, captions = self.raw(data, targets)
        groups = grouped(inputs)
        seen = self.seen([inputs[group[0]] for group in groups], keep=True)
        found = self.caption(seen, **decoding)
        return caption_scores(found, [[captions[n] for n in group] for group in groups])


def _several(value: Any) -> Sequence[Any]:
    items = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(items, list | tuple):
        return [value]
    return [item.decode() if isinstance(item, bytes) else item for item in items]
