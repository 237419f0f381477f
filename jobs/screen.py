"""What a person sees on stderr: progress while a run goes on, then what became of it. Data goes to stdout."""

import time
import unicodedata
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from jobs.outcome import FAR_KEYFRAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    # An error of the command line is shown without loading what a run needs.
    from jobs.agenda import Agenda
    from jobs.executors import Running
    from jobs.outcome import RunSummary, VideoOutcome
    from jobs.retention import Due

_STYLES: Final = {"done": "green", "partial": "yellow", "failed": "red", "duplicate": "dim"}
_SILENCE_S: Final = 60.0
"""Where stderr is no terminal, a line says that the run is alive after so long without one."""
_WORKERS_SHOWN: Final = 16
_MOST_LEFT: Final = 5
MOST_FAILURES: Final = 50
"""Failed videos that the closing table lists, and refused files that `emobatch status` does."""
_NO_CAMERA: Final = (
    "no camera is known of the videos looked at: --camera or [[recorder]] in emobatch.toml tell it (docs/cameras.md)"
)
_FEW_KEYFRAMES: Final = (
    f"keyframes lie more than {FAR_KEYFRAMES:g} times --every apart, and faces between them were missed: leave --keyframes out, or "
    'say keyframes = false in [camera."NAME"] of emobatch.toml'
)
_TOO_OLD: Final = "older than the declared retention"


def printable(text: str) -> str:
    """Text from outside without characters that steer a terminal or turn the reading direction."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else f"\\u{ord(c):04x}" for c in text)


class Screen:
    """Live progress on a terminal, plain lines elsewhere (Rich honours NO_COLOR)."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.live: Live | None = None
        self.started = self.told = time.monotonic()
        self.videos = self.ended_videos = self.size = 0
        if self.console.is_terminal and not quiet:
            self.live = Live(console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def began(self, videos: int, size: int) -> None:
        """So many videos, so many bytes."""
        self.started = self.told = time.monotonic()
        self.videos, self.size = videos, size

    def ended(self, number: int, of: int, outcome: "VideoOutcome", size: int) -> None:
        """One finished video."""
        self.ended_videos = number
        line = Text(f"[{number}/{of}] ")
        line.append(outcome.status, style=_STYLES.get(outcome.status, ""))
        line.append(f" {printable(outcome.source)}")
        if outcome.status in ("done", "partial"):
            speed = outcome.media_s / outcome.elapsed_s if outcome.elapsed_s else 0
            line.append(f"  {duration(outcome.media_s)}, {count(outcome.faces, 'face')} in ")
            line.append(f"{count(outcome.tracks, 'track')}, {speed:.1f} x real time")
        if outcome.status == "partial" and outcome.coverage is not None:
            from reports.text import coverage

            line.append(f", {coverage(outcome.coverage)} of it seen")
        if outcome.reason:
            line.append(f": {printable(outcome.reason)}")
        self._print(line)

    def working(self, running: "dict[str, tuple[str, Running]]", media_s: float, size: float) -> None:
        """How far the run is, and the file that each worker is on."""
        elapsed_s = time.monotonic() - self.started
        share = size / self.size if self.size else 0.0
        words = [f"{self.ended_videos}/{self.videos} videos", f"{duration(media_s)} of footage"]
        words.append(f"{media_s / elapsed_s if elapsed_s else 0:.1f} x real time")
        if share > 0.01:
            words.append(f"{duration(elapsed_s / share - elapsed_s)} left")
        if self.live:
            bar = Table.grid(padding=(0, 1))
            bar.add_row(ProgressBar(total=1.0, completed=share, width=12), Text(", ".join(words), no_wrap=True))
            lines = Table.grid(padding=(0, 1))
            for source, at in list(running.values())[:_WORKERS_SHOWN]:
                name = printable(source.rpartition("/")[2])
                lines.add_row(Text("  ·"), Text(name, overflow="ellipsis"), Text(duration(at.media_s), style="dim"))
            self.live.update(Group(bar, lines))
        elif running and time.monotonic() - self.told > _SILENCE_S:
            files = ", ".join(sorted({printable(source.rpartition("/")[2]) for source, _ in running.values()}))
            self._print(Text(f"… {', '.join(words)}; at {files}"))

    def pass_at(self, words: str, share: float) -> None:
        """How far a pass over one video is, 0..1."""
        if self.live:
            bar = Table.grid(padding=(0, 1))
            bar.add_row(ProgressBar(total=1.0, completed=share, width=12), Text(words, no_wrap=True))
            self.live.update(bar)
        else:
            self._print(Text(f"… {words}"))

    def summary(self, summary: "RunSummary", index: str | None = None) -> None:
        """The end of a run: what was done, how fast, what failed and why, where the report is if stdout does not say."""
        told = [f"{n} {status}" for status, n in summary.videos.items() if n]
        told += [f"{len(summary.left):,} left for later"] if summary.left else []
        counts = ", ".join(told) or "no video"
        line = f"{counts}: {duration(summary.media_s)} of footage in {duration(summary.elapsed_s)}"
        if summary.media_s:
            line += (
                f", {summary.times_real_time:.1f} x real time; "
                f"{count(summary.faces, 'face')}, {count(summary.tracks, 'track')}"
            )
        self._print(Text(line))
        if summary.events is not None:
            self._print(
                Text(f"  {count(summary.events, 'event')} by the rules: emobatch export OUT FILE --table events")
            )
        if summary.not_done:
            of_them = ", ".join(f"{n:,} {status}" for status, n in sorted(summary.not_done.items()))
            why = f" (emobatch status {printable(summary.out)})" if set(summary.not_done) - {"purged"} else ""
            self._print(Text(f"  of the unchanged: {of_them}{why}", style="yellow"))
        if summary.redone:
            self._print(Text(f"  {count(summary.redone, 'video')} decoded again because settings changed", style="dim"))
        if summary.too_old:
            self._print(Text(f"  {count(summary.too_old, 'file')} not processed: {_TOO_OLD}"))
        if summary.removed:
            self._print(Text(f"  {count(summary.removed, 'video')} removed: {_TOO_OLD}"))
        self._later(summary.left)
        self._failed(summary.failures, f": emobatch status {printable(summary.out)}")
        if summary.few_keyframes:
            self._print(Text(f"  in {count(summary.few_keyframes, 'video')} {_FEW_KEYFRAMES}", style="yellow"))
        if summary.tells_no_camera:
            self._print(Text(f"  {_NO_CAMERA}", style="dim"))
        if index is not None:
            self._print(Text(f"report: {printable(index)}"))

    def _later(self, left: "Sequence[Mapping[str, str]]") -> None:
        for one in left[:_MOST_LEFT]:
            self._print(Text(f"  later {printable(one['source'])}: {printable(one['reason'])}", style="dim"))
        if (more := len(left) - _MOST_LEFT) > 0:
            self._print(Text(f"  later and {more:,} more", style="dim"))

    def _failed(self, failures: "Sequence[Mapping[str, str]]", where: str = "") -> None:
        for one in failures[:MOST_FAILURES]:
            self._print(Text(f"  ! {printable(one['source'])}: {printable(one['reason'])}", style="red"))
        if (more := len(failures) - MOST_FAILURES) > 0:
            self._print(Text(f"  ! and {more} more{where}", style="red"))

    def agenda(self, agenda: "Agenda") -> None:
        """What a run would do."""
        n = len(agenda.items)
        self._print(
            Text(f"{count(n, 'file')} to look at, {agenda.unchanged:,} unchanged, {len(agenda.left):,} for later")
        )
        if agenda.passed_over:
            self._print(Text(f"{count(agenda.passed_over, 'file')} not asked for"))
        if agenda.too_old:
            self._print(Text(f"{count(agenda.too_old, 'file')} not to be processed: {_TOO_OLD}"))
        if agenda.due and agenda.due.videos:
            self._print(Text(_due(agenda.due), style="red" if agenda.due.held_back else "yellow"))
        if agenda.redone:
            self._print(Text(f"{count(len(agenda.redone), 'video')} decoded again because settings changed"))
            self._print(Text("  which a run asks --force for, where they are more than ten"))
        for item in agenda.items[:MOST_FAILURES]:
            where, start = item.recorded.camera or "no camera", item.recorded.start
            when = (
                f"{start:%Y-%m-%d %H:%M:%S} UTC by its {item.recorded.start_source}"
                if start
                else "no start by its path"
            )
            self._print(Text(f"  {printable(str(item.path))}: {printable(where)}, {when}"))
        if n > MOST_FAILURES:
            self._print(Text(f"  and {n - MOST_FAILURES:,} more"))
        self._later([{"source": source, "reason": reason} for source, reason in agenda.left])
        self._failed([*agenda.told_of_nobodys, *({"source": source, "reason": why} for source, why in agenda.refused)])
        if agenda.tells_no_camera:
            self._print(Text(f"  {_NO_CAMERA}", style="dim"))

    def error(self, text: str) -> None:
        """An error, shown even when quiet."""
        Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"emobatch: {printable(text)}", style="red"))

    def _print(self, line: Text) -> None:
        self.told = time.monotonic()
        self.console.print(line)


def _due(due: "Due") -> str:
    """What the end of a run would remove."""
    if due.held_back:
        return f"nothing removed for the retention of {due.span}: {printable(due.held_back)}"
    first, last = (f"{moment:%Y-%m-%d}" for moment in (due.oldest, due.youngest))
    dates = f"of {first}" if first == last else f"of {first} to {last}"
    return f"{count(due.videos, 'video')} to be removed at the end, {dates}: {_TOO_OLD} of {due.span}"


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
