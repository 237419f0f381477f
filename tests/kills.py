"""Runs that are killed, and what must be true of OUT afterwards. For tests and for benchmarks/kills.py."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.clips import write_clip
from tests.command import COMMAND, ENVIRONMENT, files_below, rows
from tests.damage import zero_bytes
from tests.footage import Actor, Scene, standing

SEGMENTS: Final = 6
"""Of the long video, ten seconds each."""
SLOWLY: Final = ("--gate", "off", "--every", "0.2")
"""What leaves time to kill it."""
ARGUMENTS: Final = ("--out", "out", "--workers", "2", "--segment", "10", "--stable-for", "0", "--quiet", *SLOWLY)
LEFTOVERS: Final = (".tmp", ".unfinished")
"""Ends of names that nothing in OUT has when no run is under way."""
_OFTEN_S: Final = 0.02


def make_archive(folder: Path) -> None:
    """A long video, six short ones, a copy, one with a hole and one that is no video."""
    folder.mkdir(parents=True)
    walker = Actor(path=((0.0, 60, 90, 60), (10.0 * SEGMENTS, 260, 90, 60)))
    write_clip(Scene(320, 180, 10.0, 10.0 * SEGMENTS, 5, (walker,)), folder / "long.mp4", gop=20)
    for seed in range(6):
        actors = (Actor(path=standing(200 + 10 * seed, 180, 90)),)
        write_clip(Scene(duration_s=1.0, fps=10, seed=seed, actors=actors), folder / f"short{seed}.mp4")
    shutil.copy(folder / "short2.mp4", folder / "twin.mp4")
    write_clip(Scene(320, 240, 10.0, 12.0, noise=25), folder / "damaged.mkv", gop=10)
    size = (folder / "damaged.mkv").stat().st_size
    zero_bytes(folder / "damaged.mkv", size // 2, size // 4)
    (folder / "text.mp4").write_text("not a video\n" * 100)


def content(out: Path) -> dict[str, Any]:
    """All that must not depend on what happened: bytes of faces, samples and tracks, rows of videos."""
    found: dict[str, Any] = {
        f"{table}/{name}": (out / table / name).read_bytes()
        for table in ("faces", "samples", "tracks")
        for name in files_below(out / table)
        if not name.endswith(LEFTOVERS)
    }
    varying = ("elapsed_s", "finished_at")
    videos = [{name: value for name, value in row.items() if name not in varying} for row in rows(out, "videos")]
    return found | {"videos": videos}


def finished(out: Path) -> dict[str, Any]:
    """When each video was finished."""
    return {row["video_id"]: row["finished_at"] for row in rows(out, "videos")}


def segments(out: Path) -> dict[Path, int]:
    """The segments that are kept, each with when it was written."""
    found = {}
    for path in out.glob(".unfinished/*/[0-9]*.npz"):
        try:
            found[path] = path.stat().st_mtime_ns
        except FileNotFoundError:  # Its video is finished.
            continue
    return found


def leftovers(out: Path) -> list[str]:
    """Files of OUT that should have gone, such as halves, records of changes, segments and locks."""
    hidden = (".journal/", ".unfinished/", ".lock")
    return sorted(file for file in files_below(out) if file.endswith(LEFTOVERS) or file.startswith(hidden))


def start(footage: Path, cwd: Path) -> "subprocess.Popen[bytes]":
    """A run that says nothing: its workers would hold a pipe open after it is gone."""
    return subprocess.Popen(
        [*COMMAND, "run", footage, *ARGUMENTS],
        cwd=cwd, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@dataclass
class Disturbed:
    """An OUT whose runs are killed one after the other. What was finished, or kept, must stay as it was."""

    footage: Path
    cwd: Path
    finished: dict[str, Any] = field(default_factory=dict)
    segments: dict[Path, int] = field(default_factory=dict)
    kills: int = 0

    @property
    def out(self) -> Path:
        return self.cwd / "out"

    def kill_when(self, moment: Callable[[float], bool], timeout_s: float = 120.0) -> int | None:
        """Run until a moment, told in seconds since the start, and kill -9 the main process alone.

        Returns:
            None where it was killed, or the exit code of a run that ended before.
        """
        run, began = start(self.footage, self.cwd), time.monotonic()
        while not moment(time.monotonic() - began):
            if run.poll() is not None or time.monotonic() - began > timeout_s:
                break
            time.sleep(_OFTEN_S)
        code = run.poll()
        if code is None:
            run.send_signal(signal.SIGKILL)
            run.wait()
            self.kills += 1
        self.look()
        return code

    def to_the_end(self, timeout_s: float = 240.0) -> int:
        """Run undisturbed; the exit code."""
        code = start(self.footage, self.cwd).wait(timeout_s)
        self.look()
        return code

    def look(self) -> None:
        """Nothing that was finished was done again, and no segment that is kept was read again."""
        now, kept = finished(self.out), segments(self.out)
        assert {one: now.get(one) for one in self.finished} == self.finished, "a finished video was lost or done again"
        again = [path for path, when in self.segments.items() if kept.get(path, when) != when]
        assert not again, f"read again: {again}"
        gone = [path for path in self.segments if path not in kept and path.parent.exists()]
        assert not gone, f"lost: {gone}"
        lost = [path for path in self.segments if path not in kept and not self._is_finished(path, now)]
        assert not lost, f"forgotten before the video was finished: {lost}"
        self.finished, self.segments = now, kept

    @staticmethod
    def _is_finished(segment: Path, now: dict[str, Any]) -> bool:
        return segment.parent.name.partition("-")[0] in now
