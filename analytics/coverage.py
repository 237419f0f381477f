"""What part of a video could be seen: holes, pauses and the coverage that they leave."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.plan import VideoPlan
from analytics.records import Gap

LEAST_COVERAGE: Final = 0.99
"""Below this a video is partial."""

_LEAST_HOLE_S: Final = 1.0
_LEAST_HOLE_INTERVALS: Final = 5
_LEAST_LOST_SHARE: Final = 0.1
_LEAST_LOST_BYTES: Final = 1024
_REORDERED: Final = 16
"""Frames that may be shown before or after their neighbours in the file (H.264 allows 16)."""


@dataclass(frozen=True)
class Coverage:
    """How much of a video was seen."""

    gaps: tuple[Gap, ...]
    decoded_s: float
    """Expected duration less the holes, seconds."""
    share: float
    """decoded_s ÷ expected duration, 0..1."""


def cover(plan: VideoPlan, decoded: NDArray[np.bool_], bytes_a_second: float) -> Coverage:
    """Find the gaps between decodable frames and tell damage from pauses.

    Args:
        plan: times of all frames.
        decoded: bool (n,), whether each frame of the plan came out of the decoder undamaged.
        bytes_a_second: of the whole file; tells whether the bytes lost in a gap could fill it.
    """
    seen = np.flatnonzero(decoded)
    least_s = max(_LEAST_HOLE_S, _LEAST_HOLE_INTERVALS * plan.interval_s)
    edges = [-1, *seen.tolist(), len(decoded)]
    gaps = []
    for before, after in pairwise(edges):
        start_s = _seen_until(plan, before)
        end_s = float(plan.times_s[after]) if after < len(decoded) else plan.duration_s
        # At the edges the frame interval is already inside; between frames a gap counts from frame to frame.
        if end_s - start_s + (plan.interval_s if before >= 0 else 0.0) <= least_s:
            continue
        cause = _cause(plan, before, after, (end_s - start_s) * bytes_a_second)
        gaps.append(Gap(round(start_s, 6), round(end_s, 6), "hole" if cause else "paused", cause or "nothing recorded"))
    lost_s = sum(gap.end_s - gap.start_s for gap in gaps if gap.kind == "hole")
    decoded_s = max(0.0, plan.duration_s - lost_s)
    return Coverage(tuple(gaps), decoded_s, decoded_s / plan.duration_s if plan.duration_s else 0.0)


def _seen_until(plan: VideoPlan, frame: int) -> float:
    """When a frame that was seen gives way to the next one; the last frame may be held for long."""
    if frame < 0:
        return 0.0
    return plan.shown_until_s if frame == len(plan.times_s) - 1 else float(plan.times_s[frame]) + plan.interval_s


def _cause(plan: VideoPlan, before: int, after: int, bytes_worth: float) -> str:
    """What came with a gap that makes it damage; empty where nothing did."""
    around = slice(max(before - _REORDERED, 0), after + _REORDERED)
    lost = int(plan.lost_bytes[around].max(initial=0))
    if lost > max(_LEAST_LOST_BYTES, _LEAST_LOST_SHARE * bytes_worth):
        return f"{lost / 1000:.0f} kB of the file hold no readable packet"
    if missing := after - before - 1:
        return f"{missing} frames could not be decoded"
    if after == len(plan.times_s):
        return "the file ends before its header says"
    return "packets damaged" if plan.damaged[around].any() else ""
