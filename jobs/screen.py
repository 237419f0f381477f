"""What a person sees on stderr: one line a video, then the summary. Data goes to stdout, never here."""

import unicodedata
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:  # An error of the command line is shown without loading what a run needs.
    from jobs.run import RunSummary, VideoOutcome

_STYLES = {"done": "green", "partial": "yellow", "failed": "red", "duplicate": "dim"}


def printable(text: str) -> str:
    """Text from outside without characters that steer a terminal or turn the reading direction."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else f"\\u{ord(c):04x}" for c in text)


class Screen:
    """Lines on stderr; coloured on a terminal, plain elsewhere (Rich honours NO_COLOR)."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    def video(self, number: int, of: int, outcome: "VideoOutcome") -> None:
        """One finished video."""
        line = Text(f"[{number}/{of}] ")
        line.append(outcome.status, style=_STYLES[outcome.status])
        line.append(f" {printable(outcome.source)}")
        if outcome.status in ("done", "partial"):
            speed = outcome.media_s / outcome.elapsed_s if outcome.elapsed_s else 0
            line.append(f"  {duration(outcome.media_s)}, {count(outcome.faces, 'face')} in ")
            line.append(f"{count(outcome.tracks, 'track')}, {speed:.1f} x real time")
        if outcome.status == "partial" and outcome.coverage is not None:
            line.append(f", {outcome.coverage:.1%} of it seen")
        if outcome.reason:
            line.append(f": {printable(outcome.reason.removeprefix(f'{outcome.source}: '))}")
        self.console.print(line)

    def summary(self, summary: "RunSummary", index: str) -> None:
        """The end of a run: what was done, how fast, what failed, where the report is."""
        counts = ", ".join(f"{n} {status}" for status, n in summary.videos.items() if n) or "no video"
        self.console.print(
            Text(
                f"{counts}: {duration(summary.media_s)} of footage in {duration(summary.elapsed_s)}, "
                f"{summary.times_real_time:.1f} x real time; "
                f"{count(summary.faces, 'face')}, {count(summary.tracks, 'track')}"
            )
        )
        for failure in summary.failures:
            self.console.print(Text(f"  ! {printable(failure['reason'])}", style="red"))
        self.console.print(Text(f"report: {printable(index)}"))

    def error(self, text: str) -> None:
        """An error, shown even when quiet."""
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"emobatch: {printable(text)}", style="red"))


def count(n: int, what: str) -> str:
    """`1 face`, `2 faces`."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    """`4.2 s`, `2 min 19 s`, `3 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
