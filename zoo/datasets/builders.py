"""The zoo's datasets as TFDS builders, for those who want them as TFRecords.

Importing this module makes them known to TFDS. `zoo.datasets.load` does not need it: it reads the
same data without writing anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from . import emoji_names, english, kjv, multi30k, ptb, wikitext2
from ._base import Dataset, PairDataset, TextDataset


class _Builder(  # type: ignore[call-arg]  # mypy sees no types in TFDS, and so no keyword
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """What builders of pairs and of texts have in common."""

    source: ClassVar[type[Dataset]]
    features: ClassVar[tuple[str, ...]]

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=(self.source.__doc__ or "").strip().split("\n")[0],
            features=tfds.features.FeaturesDict(
                {name: tfds.features.Text() for name in self.features}
            ),
            supervised_keys=self.features if len(self.features) == 2 else None,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        config = self.builder_config.name if self.builder_config else ""
        source = self.source(config, self._manual_dir(dl_manager))
        return {split: self._generate_examples(source, split) for split in source.splits}

    def _generate_examples(
        self, source: Dataset, split: str
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for index, item in enumerate(source.items(split)):
            values = (item,) if isinstance(item, str) else item
            yield index, dict(zip(self.features, values, strict=True))

    def _manual_dir(self, dl_manager: tfds.download.DownloadManager) -> Any:
        if self.MANUAL_DOWNLOAD_INSTRUCTIONS is None:
            return None
        try:
            return dl_manager.manual_dir
        except AssertionError:  # TFDS's way to say that none was given; ZOO_DATA_DIR may be set
            return None


class PairBuilder(_Builder, skip_registration=True):  # type: ignore[call-arg]
    """Base of TFDS builders that take their pairs from a `PairDataset`.

    Subclasses set `source`, `VERSION` and `BUILDER_CONFIGS`. Examples are dictionaries with
    `input` and `target`, in the order of the source; `as_supervised=True` gives pairs.
    """

    source: ClassVar[type[PairDataset]]
    features = ("input", "target")


class TextBuilder(_Builder, skip_registration=True):  # type: ignore[call-arg]
    """Base of TFDS builders that take their texts from a `TextDataset`.

    Subclasses set `source`, `VERSION` and, where there are some, `BUILDER_CONFIGS`. Examples are
    dictionaries with `text`, one document each, in the order of the source.
    """

    source: ClassVar[type[TextDataset]]
    features = ("text",)


class Multi30k(PairBuilder):
    """`zoo.datasets.Multi30k` for TFDS, from `manual_dir` or `ZOO_DATA_DIR`."""

    source = multi30k.Multi30k
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=config) for config in multi30k.Multi30k.configs()
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put train.*, val.* and test_2016_flickr.* of https://github.com/multi30k/dataset "
        "(data/task1/raw, unpacked) into manual_dir."
    )


class EmojiNames(PairBuilder):
    """`zoo.datasets.EmojiNames` for TFDS."""

    source = emoji_names.EmojiNames
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=config) for config in emoji_names.EmojiNames.configs()
    ]


class Kjv(TextBuilder):
    """`zoo.datasets.KingJamesBible` for TFDS."""

    source = kjv.KingJamesBible
    VERSION = tfds.core.Version("1.0.0")


class English(TextBuilder):
    """`zoo.datasets.English` for TFDS."""

    source = english.English
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=config) for config in english.English.configs()]


class Ptb(TextBuilder):
    """`zoo.datasets.PennTreebank` for TFDS, from `manual_dir` or `ZOO_DATA_DIR`."""

    source = ptb.PennTreebank
    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put ptb.train.txt, ptb.valid.txt and ptb.test.txt of Mikolov's simple-examples.tgz into "
        "manual_dir."
    )


class Wikitext2(TextBuilder):
    """`zoo.datasets.WikiText2` for TFDS, from `manual_dir` or `ZOO_DATA_DIR`."""

    source = wikitext2.WikiText2
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=config) for config in wikitext2.WikiText2.configs()
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put wiki.train.tokens, wiki.valid.tokens and wiki.test.tokens (or those that end in .raw) "
        "into manual_dir."
    )
