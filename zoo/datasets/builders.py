"""The zoo's datasets as TFDS builders, for those who want them as TFRecords.

Importing this module makes them known to TFDS. `zoo.datasets.load` does not need it: it reads the
same pairs without writing anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from . import emoji_names, multi30k
from ._base import PairDataset


class PairBuilder(  # type: ignore[call-arg]  # mypy sees no types in TFDS, and so no keyword
    tfds.core.GeneratorBasedBuilder, skip_registration=True
):
    """Base of TFDS builders that take their pairs from a `PairDataset`.

    Subclasses set `source`, `VERSION` and `BUILDER_CONFIGS`. Examples are dictionaries with
    `input` and `target`, in the order of the source; `as_supervised=True` gives pairs.
    """

    source: ClassVar[type[PairDataset]]

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=(self.source.__doc__ or "").strip().split("\n")[0],
            features=tfds.features.FeaturesDict(
                {"input": tfds.features.Text(), "target": tfds.features.Text()}
            ),
            supervised_keys=("input", "target"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Any]:
        config = self.builder_config.name if self.builder_config else ""
        source = self.source(config, self._manual_dir(dl_manager))
        return {split: self._generate_examples(source, split) for split in source.splits}

    def _generate_examples(
        self, source: PairDataset, split: str
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for index, (given, wanted) in enumerate(source.pairs(split)):
            yield index, {"input": given, "target": wanted}

    def _manual_dir(self, dl_manager: tfds.download.DownloadManager) -> Any:
        if self.MANUAL_DOWNLOAD_INSTRUCTIONS is None:
            return None
        try:
            return dl_manager.manual_dir
        except AssertionError:  # TFDS's way to say that none was given; ZOO_DATA_DIR may be set
            return None


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
