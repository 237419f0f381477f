"""Where steps are carried out: one Protocol, and the executor that needs nothing but this process."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from analytics.records import Pulse

BEAT_S: Final = 1.0
"""Seconds between two looks at a step that is running."""


@dataclass(frozen=True)
class Call:
    """One step that is to be carried out: function(pulse, *arguments)."""

    name: str
    """Unique within a run."""
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Done:
    """What came of a call."""

    name: str
    value: Any = None
    error: BaseException | None = None
    """Raised by the function; a fault of the run, not of the video."""
    deaths: int = 0
    """Worker processes that ended while they were at it."""


@dataclass
class Running:
    """A call that a worker is at."""

    worker: str
    beats: int = -1
    media_s: float = 0.0
    alive_at: float = field(default_factory=time.monotonic)
    """When it last went on, by this process's monotonic clock."""


class Executor(Protocol):
    """Carries out calls, several at once, and says what came of them."""

    @property
    def slots(self) -> int:
        """How many calls can run at once, now."""

    @property
    def running(self) -> dict[str, Running]:
        """The calls that workers are at, by name."""

    def submit(self, call: Call) -> None:
        """Take a call on; returns at once."""

    def wait(self, timeout_s: float) -> list[Done]:
        """What has been done since, waiting at most so long for the first."""

    def give_up(self, name: str) -> None:
        """End a call that goes on for ever; nothing more is heard of it."""

    def close(self) -> None:
        """Let go of everything that is still running."""


class InProcess:
    """One call after another, in a thread of this process. Nothing survives a crash of the decoder here."""

    def __init__(self) -> None:
        self.slots = 1
        self.running: dict[str, Running] = {}
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._calls: queue.SimpleQueue[tuple[Call, Pulse] | None] = queue.SimpleQueue()
        self._pulse = Pulse()
        # One thread for all calls: models are loaded once a thread.
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, call: Call) -> None:
        """Start the call; the one before has ended."""
        self._pulse = Pulse()
        self.running[call.name] = Running("this process")
        self._calls.put((call, self._pulse))

    def _work(self) -> None:
        while asked := self._calls.get():
            self._carry_out(*asked)

    def _carry_out(self, call: Call, pulse: Pulse) -> None:
        try:
            done = Done(call.name, call.function(pulse, *call.arguments))
        except BaseException as error:  # noqa: BLE001 The thread that waits raises it.
            done = Done(call.name, error=error)
        self.running.pop(call.name, None)
        self._done.put(done)

    def wait(self, timeout_s: float) -> list[Done]:
        """What came of the call, if it ends in time."""
        for running in list(self.running.values()):
            running.media_s, running.alive_at = self._pulse.media_s, time.monotonic()
        try:
            return [self._done.get(timeout=timeout_s)]
        except queue.Empty:
            return []

    def give_up(self, name: str) -> None:
        """Nothing: a thread cannot be ended from outside, so a step that hangs here hangs the run."""

    def close(self) -> None:
        """End the running call at its next beat."""
        self._pulse.stopped = True
        self._calls.put(None)
        self._thread.join(timeout=10)
