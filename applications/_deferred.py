"""Signals that wait until a step of training is done."""

from __future__ import annotations

import signal
import threading
from typing import Any


class Deferred:
    """Holds back Ctrl-C and SIGTERM while a step is under way.

    The second one is not held back, and neither is one that comes between steps.

    Attributes:
        in_step: whether a step is under way.
        asked: the signal that is held back, or None.
    """

    def __init__(self) -> None:
        self.in_step = False
        self.asked: int | None = None
        self._handlers: dict[int, Any] = {}

    def listen(self) -> None:
        """Begins; elsewhere than in the main thread, Python allows it to nobody.

        Signals that are ignored stay so.
        """
        self.in_step, self.asked = False, None
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._handlers[number] = signal.signal(number, self._handle)

    def stop(self) -> None:
        """Ends; signals do what they did before."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def deliver(self) -> None:
        """Lets the signal that was held back do what it would have done."""
        asked, self.asked = self.asked, None
        self._pass_on(asked)

    def _handle(self, number: int, frame: Any) -> None:
        if self.in_step and self.asked is None:
            self.asked = number
        else:
            self._pass_on(number)

    def _pass_on(self, number: int | None) -> None:
        self.stop()
        if number is not None:
            signal.raise_signal(number)
