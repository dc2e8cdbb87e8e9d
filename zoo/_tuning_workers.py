"""Searches by several processes: KerasTuner's chief, and workers that are started again.

KerasTuner's protocol has no authentication, so the chief listens on this machine alone unless it is
told otherwise.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

CHIEF = "chief"

_AGAIN = 5  # how often in a row a worker is started again that ends at once
_POLL = 0.2
_SOON = 5.0


def work(
    folder: Path,
    workers: int,
    coordinator: str | None,
    chief: bool,
    isolate: bool,
    tell: Callable[[str], None] | None,
) -> None:
    """Searches with several processes of this machine.

    Args:
        folder: the search.
        workers: how many search.
        coordinator: the chief's HOST:PORT, None for one that only this machine can reach.
        chief: whether the chief runs here too.
        isolate: whether each trial is a process of its own.
        tell: takes a sentence.

    Raises:
        ValueError: `coordinator` is no address.
        RuntimeError: a process dies again and again.
    """
    address = free_address() if coordinator is None else check_address(coordinator)
    prefix = "" if chief else f"{socket.gethostname().replace(CHIEF, '')}-"
    names = [f"{prefix}worker{number}" for number in range(workers)]
    command = [sys.executable, "-m", "zoo._tuning_process", str(folder)]
    if not isolate:
        command.append("--same-process")
    chiefs = [CHIEF] if chief else []
    supervise(command, folder, address, [*chiefs, *names], tell or (lambda _: None))


def environment(address: str, name: str) -> dict[str, str]:
    """What tells a process of KerasTuner's who it is and where the chief is."""
    host, _, port = address.rpartition(":")
    return {
        "KERASTUNER_TUNER_ID": name,
        "KERASTUNER_ORACLE_IP": host,
        "KERASTUNER_ORACLE_PORT": port,
    }


def free_address() -> str:
    """An address of this machine that nobody else can reach."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def check_address(address: str) -> str:
    """Returns HOST:PORT if it is that."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(f"`coordinator` must be HOST:PORT. Received: {address!r}.")
    return address


def serve(oracle: Any, address: str) -> None:
    """Is the chief until all workers have been told that there is no more to do."""
    import grpc
    from keras_tuner.src import protos
    from keras_tuner.src.distribute.oracle_chief import OracleServicer, exit_chief

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    servicer = OracleServicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError:
        bound = 0
    if not bound:
        raise OSError(f"The coordinator cannot listen on {address}.")
    server.start()
    while not (servicer.stop_triggered and exit_chief(oracle)):
        time.sleep(_POLL)
    server.stop(1).wait()
    oracle.save()


def supervise(
    command: list[str], folder: Path, address: str, names: list[str], tell: Callable[[str], None]
) -> None:
    """Runs processes until each has ended well; one that dies is started again under its name.

    Args:
        command: what to run, the same for all.
        folder: where each writes its output, `<name>.txt`.
        address: the chief's.
        names: the processes; `CHIEF` is the chief.
        tell: takes a sentence.

    Raises:
        RuntimeError: a process dies again and again.
    """
    running: dict[str, subprocess.Popen[bytes]] = {}
    started: dict[str, float] = {}
    failures = dict.fromkeys(names, 0)

    def start(name: str) -> None:
        started[name] = time.monotonic()
        with (folder / f"{name}.txt").open("ab") as log:
            running[name] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # as with a trial, its end is the end of this process
                stdout=log,
                stderr=log,
                env={**os.environ, **environment(address, name)},
            )
        write_pid(folder, name, running[name].pid)

    try:
        for name in names:
            start(name)
        while running:
            time.sleep(_POLL)
            for name, process in list(running.items()):
                code = process.poll()
                if code is None:
                    continue
                _close(running.pop(name))
                (folder / f"{name}.pid").unlink(missing_ok=True)
                if code == 0:
                    continue
                soon = time.monotonic() - started[name] < _SOON
                failures[name] = failures[name] + 1 if soon or code > 0 else 0
                if failures[name] >= _AGAIN:
                    raise RuntimeError(f"{name} dies again and again: see {folder}/{name}.txt.")
                tell(f"{name} died ({_how(code)}), and is started again.")
                if name == CHIEF:  # the new one gives the trials that were running out again
                    _stop(running)
                    for other in names:
                        start(other)
                    break
                start(name)
    finally:
        _stop(running)


def _stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in running.values():
        process.kill()
    for process in running.values():
        process.wait()
        _close(process)
    running.clear()


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()


def write_pid(folder: Path, name: str, pid: int) -> None:
    """Leaves word which process a name is."""
    (folder / f"{name}.pid").write_text(f"{pid}\n", encoding="utf-8")


def end_with_parent() -> None:
    """Ends this process when the one that started it has gone."""
    import threading

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _how(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
