"""Features of pictures, computed once and kept on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ._data import Fixed
from ._decoding import Compiled
from ._encoders import Encoder
from ._image import read_image

CACHE_VARIABLE = "ZOO_CACHE_DIR"

# Part of every key: what pictures become before the encoder sees them.
_VERSION = "1"


def cache_folder() -> Path:
    """Where features are kept unless told otherwise: `ZOO_CACHE_DIR`, or the user's cache."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lstm-zoo"


class Features:
    """Grids of features of pictures, from the disk where they have been computed before.

    A grid is kept as float16 in a file of its own, under a digest of the encoder's layers, weights
    and picture size and one of the picture's bytes. A file appears whole or not at all, so that an
    extraction that is interrupted goes on where it stopped; one that is damaged is made again.

    Args:
        encoder: the encoder.
        folder: where the files are; None keeps nothing.
    """

    def __init__(self, encoder: Encoder, folder: Path | None) -> None:
        self.encoder = encoder
        self.identity = encoder.identity()
        self.keep_in(folder)
        self._compiled = Compiled(encoder.network, encoder.grid)

    def keep_in(self, folder: Path | None) -> None:
        """Keeps grids in another folder from now on."""
        self.folder = None if folder is None else Path(folder) / "features" / self.identity[:32]

    def of(
        self,
        images: Sequence[Any],
        keep: bool = True,
        *,
        variation: int = 0,
        batch_size: int = 16,
        verbose: int = 0,
    ) -> list[Fixed]:
        """Returns the grid (positions, depth), float16, of each picture.

        Args:
            images: raw pictures; equal ones are computed once.
            keep: whether grids that are new are written to the disk.
            variation: 0 for pictures as they are; other numbers change each at random, always in
                the same way.
            batch_size: pictures at a time.
            verbose: 1 shows a progress bar where pictures must be computed.
        """
        mark = f"-{variation}" if variation else ""
        keys = [digest(image, f"Picture {number}") + mark for number, image in enumerate(images)]
        grids: dict[str, Fixed] = {}
        missing: dict[str, int] = {}
        for number, key in enumerate(keys):
            if key in grids or key in missing:
                continue
            found = self._read(key)
            if found is None:
                missing[key] = number
            else:
                grids[key] = found
        bar = keras.utils.Progbar(len(missing), verbose=verbose, unit_name="picture")
        wanted = list(missing)
        for begin in range(0, len(wanted), batch_size):
            chosen = wanted[begin : begin + batch_size]
            pixels = [
                self.encoder.pixels(
                    images[missing[key]],
                    f"Picture {missing[key]}",
                    np.random.default_rng([variation, int(key[:16], 16)]) if variation else None,
                )
                for key in chosen
            ]
            for key, grid in zip(chosen, self._computed(pixels), strict=True):
                grids[key] = grid
                if keep:
                    self._write(key, grid)
            bar.update(begin + len(chosen))
        return [grids[key] for key in keys]

    def _computed(self, pixels: list[np.ndarray]) -> list[Fixed]:
        # Filled up to powers of two, so that few shapes are compiled.
        rows = 1 << (len(pixels) - 1).bit_length()
        batch = np.stack([*pixels, *pixels[:1] * (rows - len(pixels))])
        found = np.asarray(self._compiled.predict_on_batch(batch), "float32")[: len(pixels)]
        if not np.isfinite(found).all():
            raise ValueError("The encoder gives features that are not finite numbers.")
        return [np.clip(grid, -65504, 65504).astype("float16").view(Fixed) for grid in found]

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.npy"

    def _read(self, key: str) -> Fixed | None:
        if self.folder is None:
            return None
        try:
            grid = np.load(self._path(key), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        shape = (self.encoder.positions, self.encoder.depth)
        if grid.shape != shape or grid.dtype != np.float16 or not np.isfinite(grid).all():
            return None
        return grid.view(Fixed)

    def _write(self, key: str, grid: np.ndarray) -> None:
        if self.folder is None:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, fresh = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    np.save(file, np.asarray(grid))
                os.replace(fresh, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(fresh)
                raise
        except OSError as error:
            raise OSError(
                f"Features cannot be kept at {self.folder}: {error.strerror}; set {CACHE_VARIABLE} "
                "to another folder, or turn the cache off."
            ) from error


def digest(image: Any, what: str) -> str:
    """A digest of a picture's bytes: of the file where it has one, or else of its pixels."""
    if isinstance(image, str | os.PathLike):
        try:
            data = Path(image).expanduser().read_bytes()
        except (OSError, ValueError):
            read_image(image, what)  # which says what is wrong
            raise
    elif isinstance(image, bytes | bytearray):
        data = bytes(image)
    else:
        pixels = read_image(image, what)
        data = f"pixels {pixels.shape}".encode() + pixels.tobytes()
    return hashlib.sha256(_VERSION.encode() + data).hexdigest()
