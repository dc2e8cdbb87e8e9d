"""Applications: raw data in, `model.fit`, raw data out; each with pretrained presets."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._application import Application
    from ._attended import Translation
    from ._captioned import Caption
    from ._data import raw_pairs
    from ._presets import list_presets
    from ._registry import list_applications, register_application
    from .captioning import Captioner
    from .handwriting import HandwritingRecognizer
    from .language_model import LanguageModel
    from .translation import Translator

_HOMES = {
    "Application": "_application",
    "Caption": "_captioned",
    "Captioner": "captioning",
    "HandwritingRecognizer": "handwriting",
    "LanguageModel": "language_model",
    "Translation": "_attended",
    "Translator": "translation",
    "list_applications": "_registry",
    "list_presets": "_presets",
    "raw_pairs": "_data",
    "register_application": "_registry",
}

__all__ = [
    "Application",
    "Caption",
    "Captioner",
    "HandwritingRecognizer",
    "LanguageModel",
    "Translation",
    "Translator",
    "list_applications",
    "list_presets",
    "raw_pairs",
    "register_application",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
