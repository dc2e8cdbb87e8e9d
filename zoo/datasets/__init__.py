"""Raw data by name: public datasets, embedded ones, and files of your own.

Data are `(input, target)` pairs or, for language models, texts.

>>> from zoo import datasets
>>> for source, target in datasets.load("emoji_names/en-de", split="test[:1]"):
...     print(type(source.numpy()).__name__, source.shape, target.shape)
bytes () ()

TensorFlow is imported when data are loaded, not when this package is.
"""

from ._base import PairDataset, TextDataset
from ._loading import is_file_dataset, list_datasets, load, parse_spec, register_dataset
from .captions import Captions
from .cleaning import clean
from .digit_strings import DigitStrings
from .emoji_names import EmojiNames
from .emoji_pictures import EmojiPictures
from .english import English
from .flickr8k import Flickr8k
from .hershey_images import HersheyImages
from .hershey_ink import HersheyInk
from .iam_ondb import IAMOnDB
from .imadocsen_images import ImadocSenImages
from .imadocsen_ondb import ImadocSenOnDB
from .kjv import KingJamesBible
from .multi30k import Multi30k
from .pairs import Pairs
from .ptb import PennTreebank
from .texts import Texts
from .tiny_shakespeare import TinyShakespeare
from .wikitext2 import WikiText2
from .word_images import WordImages

__all__ = [
    "Captions",
    "DigitStrings",
    "EmojiNames",
    "EmojiPictures",
    "English",
    "Flickr8k",
    "HersheyImages",
    "HersheyInk",
    "IAMOnDB",
    "ImadocSenImages",
    "ImadocSenOnDB",
    "KingJamesBible",
    "Multi30k",
    "PairDataset",
    "Pairs",
    "PennTreebank",
    "TextDataset",
    "Texts",
    "TinyShakespeare",
    "WikiText2",
    "WordImages",
    "clean",
    "is_file_dataset",
    "list_datasets",
    "load",
    "parse_spec",
    "register_dataset",
]
