"""What the benchmarks' command lines share."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks._report import Table

ROUNDS, CALLS = 7, 3


class BadInputError(ValueError):
    """What cannot be done as it was asked for."""


def parser(program: str, description: str, only: str | None = None) -> argparse.ArgumentParser:
    """A parser with the options that benchmarks have.

    Args:
        program: the benchmark.
        description: what it does.
        only: what may be chosen; None where nothing is timed in rounds.
    """
    made = argparse.ArgumentParser(
        prog=f"python benchmarks/{program}.py",
        description=f"{description} The backend is that of KERAS_BACKEND: tensorflow or jax.",
    )
    if only is not None:
        made.add_argument("--only", default="", metavar="PATTERN", help=f"{only}; * is anything")
        rounds = f"by default {ROUNDS}"
        made.add_argument("--rounds", type=int, default=None, metavar="N", help=rounds)
    made.add_argument(
        "--quick", action="store_true", help="tiny sizes: tries the machinery, says nothing of time"
    )
    made.add_argument(
        "--json", metavar="PATH", help="writes one JSON object; '-' prints it and nothing else"
    )
    made.add_argument("--markdown", metavar="PATH", help="writes the tables as Markdown")
    return made


def run(
    program: str,
    options: argparse.Namespace,
    measure: Callable[[argparse.Namespace], dict[str, Any]],
    write: Callable[[dict[str, Any], argparse.Namespace], None],
    outputs: Sequence[str] = ("json", "markdown"),
) -> int:
    """Measures and writes; returns 0, 1 where a number is missing, 2 for input that is not right.

    Args:
        program: the benchmark, for messages.
        options: from the command line; `rounds` is filled in.
        measure: gives what was found.
        write: shows it.
        outputs: the options that name files.
    """
    try:
        _check(options, outputs)
        found = measure(options)
        write(found, options)
    except BadInputError as error:
        return _fail(program, str(error), 2)
    except RuntimeError as error:
        return _fail(program, " ".join(str(error).split()), 1)
    except OSError as error:
        return _fail(program, f"{error.filename}: {error.strerror}.", 2)
    except KeyboardInterrupt:
        return _fail(program, "interrupted.", 130)
    return 0


def _check(options: argparse.Namespace, outputs: Sequence[str]) -> None:
    """Finds out before hours of measuring what would fail after them."""
    if "rounds" not in options:
        options.rounds = 1
    if options.rounds is None:
        options.rounds = 2 if options.quick else ROUNDS
    if options.rounds < 1:
        raise BadInputError(
            f"`--rounds` must be a positive integer. Received: --rounds {options.rounds}."
        )
    for name in outputs:
        path = getattr(options, name)
        if path and path != "-" and not Path(path).absolute().parent.is_dir():
            raise BadInputError(f"`--{name}` must be in a folder that exists. Received: {path}.")


def backend(quick: bool) -> str:
    """The backend, if it is one that is measured."""
    import keras

    from benchmarks._engines import BACKENDS

    if quick:
        # Threads of PyTorch's that spin while they wait take minutes on a machine that is busy.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    name = str(keras.backend.backend())
    if name not in BACKENDS:
        raise BadInputError(
            f"KERAS_BACKEND must be tensorflow or jax for the benchmark. Received: {name}."
        )
    return name


def nothing_chosen(only: str) -> BadInputError:
    """What to say where `--only` leaves nothing."""
    return BadInputError(f"`--only` must be part of what is compared. Received: --only {only}.")


def write_tables(
    found: Mapping[str, Any],
    plain: Mapping[str, Any],
    head: list[str],
    tables: Sequence[Table],
    options: argparse.Namespace,
) -> None:
    """Prints what was found, or writes it where the options say.

    Args:
        found: what was measured.
        plain: the same as JSON has it.
        head: the lines above the tables.
        tables: the tables.
        options: from the command line.
    """
    if found["quick"]:
        head = [*head, "QUICK: tiny sizes, so that no time below means anything"]
    if options.json == "-":
        print(json.dumps(plain))
    else:
        print("\n".join(head), *(table.text() for table in tables), sep="\n\n")
    if options.json not in (None, "-"):
        Path(options.json).write_text(json.dumps(plain, indent=1) + "\n", "utf-8")
    if options.markdown:
        parts = ["  \n".join(head), *(table.markdown() for table in tables)]
        Path(options.markdown).write_text("\n\n".join(parts) + "\n", "utf-8")


def say(progress: str) -> None:
    """Tells on standard error what is being done."""
    print(progress, file=sys.stderr, flush=True)


def _fail(program: str, sentence: str, code: int) -> int:
    say(f"benchmarks/{program}.py: {sentence}")
    return code
