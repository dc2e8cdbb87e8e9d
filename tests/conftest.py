"""What every test shares: quiet engines, fixed seeds, real data only on request."""

import os
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Features of pictures that tests compute are forgotten with the process.
_cache = tempfile.TemporaryDirectory(prefix="zoo_cache_", ignore_cleanup_errors=True)
os.environ["ZOO_CACHE_DIR"] = _cache.name

SEED = 20260101


@pytest.fixture(autouse=True)
def seed() -> int:
    """Seed every generator, without importing Keras for a test that does not need it."""
    keras = sys.modules.get("keras")
    if keras is None:
        random.seed(SEED)
        np.random.seed(SEED)
    else:
        keras.utils.set_random_seed(SEED)
    return SEED


@pytest.fixture(autouse=True)
def registries() -> Iterator[None]:
    """What a test registers with the zoo or with Keras is forgotten after it."""
    tables = [
        getattr(sys.modules[module], name)._entries
        for module, name in (
            ("zoo.layers._plugins", "cells"),
            ("zoo.applications._registry", "applications"),
        )
        if module in sys.modules
    ]
    if "zoo.datasets._loading" in sys.modules:
        tables.append(sys.modules["zoo.datasets._loading"]._registry()._entries)
    before = [dict(table) for table in tables]
    keras = sys.modules.get("keras")
    known = keras.saving.get_custom_objects() if keras else {}
    names = set(known)
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)
    for name in set(known) - names:
        # The zoo's own modules are imported when they are needed, and only once.
        if not known[name].__module__.startswith("zoo."):
            del known[name]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data named by ZOO_DATA_DIR."""
    value = os.environ.get("ZOO_DATA_DIR")
    if not value:
        pytest.skip("needs real data: set ZOO_DATA_DIR to its folder")
    folder = Path(value)
    if not folder.is_dir():
        pytest.fail(f"ZOO_DATA_DIR must name a folder. Received: {value!r}.")
    return folder
