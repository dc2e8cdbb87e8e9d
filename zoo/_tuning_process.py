"""The chief of a search, or one of its workers: `python -m zoo._tuning_process FOLDER`.

Which one, KerasTuner's environment variables say.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Serves, or works until there is nothing left."""
    from ._tuning_workers import CHIEF, end_with_parent, serve
    from .tuning import make_search

    end_with_parent()
    warnings.filterwarnings("ignore", module="keras_tuner")
    name = os.environ["KERASTUNER_TUNER_ID"]
    search = make_search(Path(arguments[0]), "--same-process" not in arguments, _tell)
    if name == CHIEF:
        address = ":".join(os.environ[f"KERASTUNER_ORACLE_{part}"] for part in ("IP", "PORT"))
        search.save()
        serve(search.oracle, address)
    else:
        search.search()


def _tell(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # the thread that watches the parent waits for ever
