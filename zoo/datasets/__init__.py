"""Raw `(input, target)` pairs by name: public datasets, embedded ones, and files of your own.

>>> from zoo import datasets
>>> for source, target in datasets.load("emoji_names/en-de", split="test[:1]"):
...     print(type(source.numpy()).__name__, source.shape, target.shape)
bytes () ()

TensorFlow is imported when pairs are loaded, not when this package is.
"""

from ._base import PairDataset
from ._loading import is_file_dataset, list_datasets, load, parse_spec, register_dataset
from .cleaning import clean
from .emoji_names import EmojiNames
from .hershey_ink import HersheyInk
from .iam_ondb import IAMOnDB
from .imadocsen_ondb import ImadocSenOnDB
from .multi30k import Multi30k
from .pairs import Pairs

__all__ = [
    "EmojiNames",
    "HersheyInk",
    "IAMOnDB",
    "ImadocSenOnDB",
    "Multi30k",
    "PairDataset",
    "Pairs",
    "clean",
    "is_file_dataset",
    "list_datasets",
    "load",
    "parse_spec",
    "register_dataset",
]
