"""Applications on disk: presets, and what Keras saves."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import keras

from ._requires import requiring


class Keeping(keras.Model):
    """A model that can be kept as a preset, or in a file of Keras's.

    A subclass says what it has learned from data besides weights, and is made of its `choices`.
    """

    choices: dict[str, Any]

    def assets(self) -> dict[str, str]:
        """Returns what `adapt` has learned, as texts by file name."""
        return {}

    def restore(self, assets: Mapping[str, str]) -> None:
        """Takes back what `assets` gave and builds the network."""
        raise NotImplementedError

    @property
    def adapted(self) -> bool:
        """Whether the network has been built."""
        return bool(self.built)

    def _require_adapted(self) -> None:
        if not self.adapted:
            raise RuntimeError(
                f"This {type(self).__name__} has no network yet; call `fit` or `adapt` with data, "
                "or load one with `from_preset`."
            )

    def save_to_preset(
        self,
        directory: str | Path,
        card: dict[str, Any] | None = None,
        recipe: str | Path | None = None,
        dtype: str = "float32",
    ) -> None:
        """Writes a folder that `from_preset` reads; see `zoo.applications._presets`.

        Args:
            directory: where; a new folder, or a preset to replace.
            card: what to say of it: name, description, licence, ...; the rest is filled in.
            recipe: a YAML file to keep beside it.
            dtype: how weights lie on disk: "float32" or "float16".
        """
        from ._presets import save_preset

        self._require_adapted()
        save_preset(self, directory, card=card, recipe=recipe, dtype=dtype)

    @classmethod
    def from_preset(cls, preset: str | Path, **overrides: Any) -> Self:
        """Loads a preset: a shipped name, a folder, or `hf://owner/name`.

        Args:
            preset: which one; see `zoo.list_presets`.
            **overrides: choices to change that leave the weights as they are (`dropout=0.3`).
        """
        from ._presets import load_preset

        return load_preset(preset, expected=cls, **overrides)

    def write_assets(self, folder: Path) -> None:
        """Writes what `adapt` has learned into a folder."""
        for name, text in self.assets().items():
            (folder / name).write_text(text, encoding="utf-8")

    def read_assets(self, folder: Path) -> None:
        """Reads what `write_assets` wrote, and builds the network."""
        names = [path for path in sorted(folder.iterdir()) if path.suffix == ".json"]
        self.restore({path.name: path.read_text(encoding="utf-8") for path in names})

    def get_config(self) -> dict[str, Any]:
        policy = keras.dtype_policies.serialize(self.dtype_policy)
        return {**self.choices, "name": self.name, "dtype": policy}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        known = inspect.signature(cls.__init__).parameters
        for name in config:
            if name not in known and name not in ("name", "dtype", "trainable"):
                raise TypeError(f"{cls.__name__} has no argument `{name}`.")
        return cls(**config)

    def get_build_config(self) -> dict[str, Any] | None:
        return requiring({"assets": self.assets()}, self) if self.adapted else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.restore(config["assets"])
