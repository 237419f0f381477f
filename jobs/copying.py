"""What commands that write a copy of a video ask before they begin, and say at the end."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.coverage import cover
from analytics.errors import EmobatchError, UsageError
from analytics.footage import is_url
from analytics.packets import PacketList, list_packets
from analytics.plan import VideoPlan, plan_video
from analytics.records import Gap, Pulse
from analytics.rewrite import Copying, check_copy
from analytics.touching import touching

_EVERY = Fraction(1, 2)
"""Sampling does not matter to a copy; a plan wants to know it."""


@dataclass(frozen=True, eq=False)
class Original:
    """A video of which a copy is to be made, and what was asked before."""

    path: Path
    file: Path
    listed: PacketList
    plan: VideoPlan
    left_behind: tuple[str, ...]
    state: tuple[int, int]
    """Bytes and time of the last change, ns."""

    def approve(self, _copy: Path, _decoded: NDArray[np.bool_]) -> bool:
        """Let a copy take its place: the frames that were drawn on are those that were searched.

        Raises:
            EmobatchError: the video is another one now.
        """
        if _state(self.path) != self.state:
            raise EmobatchError(f"{self.path}: was changed meanwhile", "run again once it is written")
        return True


@dataclass(frozen=True, kw_only=True, eq=False)
class Copied:
    """What was done, as far as it is the same whatever was drawn."""

    file: Path
    frames: int
    """In the copy."""
    left_behind: tuple[str, ...]
    dropped: int
    """Packets of sound and subtitles without a place in time."""
    lost: list[Gap]
    elapsed_s: float

    @property
    def exit_code(self) -> int:
        """3 where something of the video is not in the copy."""
        return 3 if self.lost else 0

    def rest_to_json(self) -> dict[str, Any]:
        """What --json ends in."""
        return {
            "left_behind": list(self.left_behind),
            "dropped_packets": self.dropped,
            "lost": [vars(gap) for gap in self.lost],
            "elapsed_s": round(self.elapsed_s, 3),
        }


def original_of(video: str, file: Path, copying: Copying, *, force: bool) -> Original:
    """Ask everything that can go wrong, before hours of work.

    Raises:
        UsageError: the paths, or what the copy's container cannot hold.
        VideoError: the video cannot be opened.
    """
    path = Path(video)
    if is_url(video):
        raise UsageError(f"{video}: this command reads files of this machine alone", "copy it here and name the copy")
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "there is no such file"
        raise UsageError(f"{video}: {problem}", "name a recorded video file")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"{file}: its folder is not there", "make it first, or name another place")
    if file.is_dir():
        raise UsageError(f"{file}: is a folder", "name a file in it, such as copy.mp4")
    if file.exists():
        if file.samefile(path):
            raise UsageError(f"{file}: is the video itself", "name another file: the original is never touched")
        if not force:
            raise UsageError(f"{file}: is there already", "name another file, or replace it with --force")
    elif file.is_symlink():
        raise UsageError(f"{file}: is a link to nowhere", "remove it, or name another file")
    state = _state(path)
    listed = list_packets(path, Pulse())
    plan = plan_video(listed, _EVERY)
    return Original(path, file, listed, plan, check_copy(path, file, listed, plan, copying), state)


def _state(path: Path) -> tuple[int, int]:
    now = path.stat()
    return now.st_size, now.st_mtime_ns


def lost_of(original: Original, decoded: NDArray[np.bool_]) -> list[Gap]:
    """Stretches of which nothing is in the copy because nothing could be decoded, in order of time.

    Args:
        original: the video.
        decoded: (frames,) which frames came out.
    """
    plan = original.plan
    coverage = cover(plan, decoded, original.state[0] / plan.duration_s if plan.duration_s else 0.0)
    lost = [gap for gap in coverage.gaps if gap.kind == "hole"]
    edges = np.flatnonzero(np.diff(~decoded, prepend=False, append=False))
    for start, end in edges.reshape(-1, 2).tolist():
        start_s = float(plan.times_s[start])
        end_s = float(plan.times_s[end]) if end < len(plan.times_s) else plan.shown_until_s
        what = "frame" if end - start == 1 else "frames"
        lost.append(Gap(round(start_s, 6), round(end_s, 6), "hole", f"{end - start} {what} could not be decoded"))
    return _joined(lost)


def _joined(lost: list[Gap]) -> list[Gap]:
    """Stretches that touch as one, in order of time."""
    return [
        Gap(start_s, end_s, "hole", "; ".join(dict.fromkeys(gap.cause for gap in gaps)))
        for start_s, end_s, gaps in touching(lost)
    ]


def lost_in_words(lost: list[Gap]) -> list[str]:
    """A line for each stretch."""
    return [f"not in the copy: {gap.start_s:.2f} to {gap.end_s:.2f} s, {gap.cause}" for gap in lost]
