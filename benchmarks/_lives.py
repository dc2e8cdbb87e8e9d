"""Processes that end at a chosen moment: killed, or because the disk is full."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

Tick = Callable[[str], None]


def live(
    work: Callable[[Tick], str], place: Path, end_at: int | None = None, full: bool = False
) -> dict[str, Any]:
    """Works in a process of its own, up to a moment; says how that ended.

    A moment is whatever `work` tells of, and any system call with which a file is written; a file
    may be half written.

    Args:
        work: does the work in `place`, tells of its moments, and returns a line about the end.
        place: the folder; made if there is none.
        end_at: the number of the moment, None for the end.
        full: from that moment on the disk is full, instead of a kill.

    Returns:
        `{"end":, "events":}`; or `{"killed": MOMENT}`; or `{"full": MOMENT, "error":}`.

    Raises:
        RuntimeError: it ended in another way.
    """
    place.mkdir(exist_ok=True)
    read, write = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if not child:
        os.close(read)
        code = 1
        try:
            _live(work, os.fdopen(write, "w"), end_at, full)
            code = 0
        except BaseException:  # the parent must not go on in here
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        lines = pipe.read().splitlines()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"A life ended with exit code {code}.")
    return json.loads(lines[-1])


def _live(work: Callable[[Tick], str], out: TextIO, end_at: int | None, full: bool) -> None:
    count, moment = 0, ""

    def say(**what: Any) -> None:
        print(json.dumps(what), file=out, flush=True)

    def tick(what: str) -> None:
        nonlocal count, moment
        count += 1
        if count == end_at and not full:
            say(killed=what)
            os.kill(os.getpid(), signal.SIGKILL)
        if count == end_at:
            moment = what
        if moment and what in _NEEDS_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    _tell_of_writing(tick)
    try:
        end = work(tick)
    except (OSError, RuntimeError, ValueError) as error:
        if not moment:
            raise
        say(full=moment, error=str(error))
    else:
        say(end=end, events=count)


_NEEDS_ROOM = ("before fsync", "half a file")


def _tell_of_writing(tick: Tick) -> None:
    """Lets a moment come before and after each system call, and in the middle of each file."""

    def between(owner: Any, name: str) -> None:
        call = getattr(owner, name)

        def told(*arguments: Any, **options: Any) -> Any:
            tick(f"before {name}")
            result = call(*arguments, **options)
            tick(f"after {name}")
            return result

        setattr(owner, name, told)

    for name in ("fsync", "rename", "replace"):
        between(os, name)
    between(shutil, "rmtree")

    def write_bytes(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            half = len(data) // 2
            file.write(data[:half])
            file.flush()
            tick("half a file")
            return half + file.write(data[half:])

    # Only in this process, which ends with its life.
    Path.write_bytes = write_bytes  # type: ignore[method-assign,assignment]
