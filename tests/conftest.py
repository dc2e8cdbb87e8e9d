"""What every test shares: quiet engines, fixed seeds, real data only on request."""

import os
import random
import sys
import tempfile
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
