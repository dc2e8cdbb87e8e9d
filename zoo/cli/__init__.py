"""The command `zoo`: what there is, training, measuring and using presets, in a shell.

Results go to standard output; progress, warnings and errors to standard error. What cannot be done
as it was asked for ends with exit code 2 and one sentence.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import os
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ._parser import UsageError, parse

_COMMANDS = {
    "list": "zoo.cli._presets:show_list",
    "show": "zoo.cli._presets:show",
    "evaluate": "zoo.cli._presets:evaluate",
    "run": "zoo.cli._presets:run",
    "train": "zoo.cli._training:train",
    "finetune": "zoo.cli._training:finetune",
    "tune": "zoo.cli._tuning:tune",
    "quickstart": "zoo.cli._training:quickstart",
}
_WITHOUT_ENGINE = ("show",)
_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_BAD_INPUT = (ValueError, TypeError, OSError, RuntimeError, ImportError)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the command and its arguments; by default those of the process.

    Returns:
        The exit code: 0, 2 for input that cannot be used, 130 after Ctrl-C, 1 for anything else.

    Example:

    >>> from zoo.cli import main
    >>> main(["list", "--help"])  # doctest: +ELLIPSIS
    usage: zoo list [options]
    ...
    0
    """
    try:
        name, arguments = parse([*(sys.argv[1:] if argv is None else argv)])
        # Standard output is for the result alone: Keras prints its bars there.
        with contextlib.redirect_stdout(sys.stderr), _short_warnings():
            module, attribute = _COMMANDS[name].split(":")
            command: Callable[[dict[str, Any]], Any] = getattr(
                importlib.import_module(module), attribute
            )
            if name not in _WITHOUT_ENGINE:
                _import_engine()
            result = command(arguments)
        _print(result.as_json() if arguments["json"] else result.text)
    except SystemExit as stop:  # after --help or --version
        return int(stop.code or 0)
    except UsageError as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt as error:
        return _fail(str(error) or "Interrupted.", 130)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except _BAD_INPUT as error:
        return _fail(_sentence(error), 2)
    except Exception as error:  # a fault of ours: still one line, with the way to see more
        reason = f"{type(error).__name__}: {_sentence(error)}"
        return _fail(f"Unexpected {reason} Set ZOO_TRACEBACK=1 to see where.", 1)
    return 0


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    print(text, flush=True)


def _fail(sentence: str, code: int) -> int:
    if os.environ.get("ZOO_TRACEBACK") and sys.exc_info()[0] is not None:
        traceback.print_exc()
    print(f"zoo: {sentence}", file=sys.stderr)
    return code


def _sentence(error: BaseException) -> str:
    """What an error says, on one line."""
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    # Keras wraps what a layer raised into a report of many lines.
    text = str(error).split("Exception encountered: ")[-1].strip()
    line = (text.splitlines() or [type(error).__name__])[0].strip()
    return line if line.endswith((".", "?", "!")) else f"{line}."


@contextlib.contextmanager
def _short_warnings() -> Iterator[None]:
    def show(message: Warning | str, *details: Any, **more: Any) -> None:
        print(f"zoo: {' '.join(str(message).split())}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def _import_engine() -> None:
    """Imports Keras and its engine without TensorFlow's notes about the machine.

    They come from C++ before any log level is read, so they are caught on their way to the file;
    everything else that is written there meanwhile is passed on. Whoever sets
    TF_CPP_MIN_LOG_LEVEL sees them all.
    """
    if _LOG_LEVEL in os.environ or "keras" in sys.modules:
        return
    os.environ[_LOG_LEVEL] = "3"
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            import keras  # noqa: F401
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            for line in caught.read().decode(errors="replace").splitlines():
                if not re.match(
                    r"WARNING: All log messages|[IWE]\d{4} |To enable the follow", line
                ):
                    print(line, file=sys.stderr)
