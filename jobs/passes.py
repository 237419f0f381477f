"""How far a command is that goes through one video several times: on a terminal a bar, elsewhere a line a minute."""

import time
from typing import Final, Self

from analytics.records import Pulse
from jobs.screen import Screen, duration, printable

_SILENCE_S: Final = 60.0
_SHOWN_S: Final = 0.25


class Passes:
    """Says on stderr which pass is at work, how far it is and how fast."""

    def __init__(self, quiet: bool = False) -> None:
        self._screen, self._quiet = Screen(quiet), quiet

    def __enter__(self) -> Self:
        self._screen.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._screen.__exit__()

    def begin(self, what: str, duration_s: float) -> Pulse:
        """A pass over so many seconds of footage; what it is handed to beats with each frame."""
        return _Watched(self._screen, what, duration_s)

    def line(self, text: str) -> None:
        """Something to tell, above the bar."""
        self._screen.console.print(printable(text), markup=False)

    def fault(self, text: str) -> None:
        """Something that went wrong: told even where nothing else is."""
        console = Screen().console if self._quiet else self._screen.console
        console.print(printable(text), markup=False)


class _Watched(Pulse):
    """A pulse that shows itself."""

    def __init__(self, screen: Screen, what: str, duration_s: float) -> None:
        super().__init__()
        self._screen, self._what, self._duration_s = screen, what, duration_s
        self._started = self._told = time.monotonic()
        self._frames = 0

    def at(self, media_s: float) -> None:
        """One frame, so many seconds into the footage."""
        super().at(media_s)
        self._frames += 1
        now = time.monotonic()
        if now - self._told < (_SHOWN_S if self._screen.live is not None else _SILENCE_S):
            return
        self._told = now
        elapsed_s = now - self._started
        share = min(media_s / self._duration_s, 1.0) if self._duration_s else 0.0
        words = f"{self._what}: {duration(media_s)} of {duration(self._duration_s)}, {self._frames / elapsed_s:.1f} frames a second"
        if share > 0.01:
            words += f", {duration(elapsed_s / share - elapsed_s)} left"
        self._screen.pass_at(words, share)
