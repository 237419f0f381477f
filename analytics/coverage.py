"""What part of a video could be seen: holes, pauses and the coverage that they leave."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.packets import LEAST_LOST_BYTES
from analytics.plan import VideoPlan
from analytics.records import Gap

LEAST_COVERAGE: Final = 0.99
"""Below this a video is partial."""

_LEAST_HOLE_S: Final = 1.0
_LEAST_HOLE_INTERVALS: Final = 5
_LEAST_LOST_SHARE: Final = 0.1
_REORDERED: Final = 16
"""Frames that may be shown before or after their neighbours in the file (H.264 allows 16)."""


@dataclass(frozen=True)
class Coverage:
    """How much of a video was seen."""

    gaps: tuple[Gap, ...]
    decoded_s: float
    """Expected duration less what could not be seen, seconds."""
    share: float
    """decoded_s ÷ expected duration, 0..1."""


def cover(plan: VideoPlan, decoded: NDArray[np.bool_], bytes_a_second: float) -> Coverage:
    """Find the gaps between decodable frames, tell damage from pauses, and add up what was lost.

    Lost frames count one by one, those whose packets are gone by the time they leave out, so that a recording
    with a little damage everywhere is not called whole; gaps name the stretches that are long enough to be
    looked at.

    Args:
        plan: times of all frames.
        decoded: bool (n,), whether each frame of the plan came out of the decoder undamaged.
        bytes_a_second: of the whole file; tells whether the bytes lost in a gap could fill it.
    """
    n = len(decoded)
    least_s = max(_LEAST_HOLE_S, _LEAST_HOLE_INTERVALS * plan.interval_s)
    # A step this long between stored frames is a gap of its own: of a pause beside damage only the damage is lost.
    long_steps = np.flatnonzero(np.diff(plan.times_s) > least_s)
    edges = np.unique(np.concatenate([[-1, n], np.flatnonzero(decoded), long_steps, long_steps + 1]))
    gaps, unseen_s = [], 0.0
    for before, after in _odd_steps(plan, edges, least_s):
        is_step = 0 <= before < n - 1 and after == before + 1
        # A lost frame at the edge of a long step belongs to the stretch on its side.
        from_itself = not is_step and before >= 0 and not decoded[before]
        to_itself = not is_step and after < n and not decoded[after]
        start_s = float(plan.times_s[before]) if from_itself else _seen_until(plan, before)
        end_s = float(plan.times_s[after]) if after < n and not to_itself else _seen_until(plan, min(after, n - 1))
        if after == n:
            end_s = plan.duration_s
        # At the edges the frame interval is already inside; between frames a gap counts from frame to frame.
        if end_s - start_s + (plan.interval_s if before >= 0 else 0.0) <= least_s:
            unseen_s += (after - before - 1 + from_itself + to_itself) * plan.interval_s
            unseen_s += _missing_packets_s(plan, before, after, bytes_a_second)
            continue
        cause = _cause(plan, before, after, (end_s - start_s) * bytes_a_second)
        gaps.append(Gap(round(start_s, 6), round(end_s, 6), "hole" if cause else "paused", cause or "nothing recorded"))
        unseen_s += (end_s - start_s) if cause else 0.0
    decoded_s = min(max(0.0, plan.duration_s - unseen_s), plan.duration_s)
    return Coverage(tuple(gaps), decoded_s, decoded_s / plan.duration_s if plan.duration_s else 0.0)


def _odd_steps(plan: VideoPlan, edges: NDArray[np.int64], least_s: float) -> list[tuple[int, int]]:
    """Pairs of neighbouring edges between which anything can be missing: not from a frame to the next one in time."""
    before, after = edges[:-1], edges[1:]
    inner = np.flatnonzero((after == before + 1) & (before >= 0) & (after < len(plan.times_s)))
    one, next_one = before[inner], after[inner]
    step_s = plan.times_s[next_one] - (plan.times_s[one] + plan.interval_s) + plan.interval_s
    odd = np.ones(len(before), np.bool_)
    odd[inner] = (step_s > least_s) | (plan.lost_bytes[one] != 0) | (plan.lost_bytes[next_one] != 0)
    return list(zip(before[odd].tolist(), after[odd].tolist(), strict=True))


def _seen_until(plan: VideoPlan, frame: int) -> float:
    """When a frame that was seen gives way to the next one; the last frame may be held for long."""
    if frame < 0:
        return 0.0
    return plan.shown_until_s if frame == len(plan.times_s) - 1 else float(plan.times_s[frame]) + plan.interval_s


def _missing_packets_s(plan: VideoPlan, before: int, after: int, bytes_a_second: float) -> float:
    """Seconds between two seen frames, less than a gap, whose packets lay in lost bytes: no frame stands for them."""
    if before < 0 or after >= len(plan.times_s) or not plan.lost_bytes[before : after + 1].any():
        return 0.0
    steps = np.diff(plan.times_s[before : after + 1]) - plan.interval_s
    missing_s = float(steps[steps > plan.interval_s / 2].sum())
    lost = int(plan.lost_bytes[max(before - _REORDERED, 0) : after + _REORDERED].max())
    return missing_s if lost > max(LEAST_LOST_BYTES, _LEAST_LOST_SHARE * missing_s * bytes_a_second) else 0.0


def _cause(plan: VideoPlan, before: int, after: int, bytes_worth: float) -> str:
    """What came with a gap that makes it damage; empty where nothing did."""
    around = slice(max(before - _REORDERED, 0), after + _REORDERED)
    lost = int(plan.lost_bytes[around].max(initial=0))
    if lost > max(LEAST_LOST_BYTES, _LEAST_LOST_SHARE * bytes_worth):
        return f"{lost / 1000:.0f} kB of the file hold no readable packet"
    if after == len(plan.times_s) and plan.lost_at_end:
        return f"{plan.lost_at_end / 1000:.0f} kB at the end of the file hold no readable packet"
    missing = after - before - 1
    gap_s = plan.duration_s - plan.times_s[max(before, 0)]
    if after == len(plan.times_s) and missing * plan.interval_s < gap_s / 2:
        return "the file ends before its header says"
    if missing:
        return f"{missing} frame{'s' * (missing > 1)} could not be decoded"
    return "packets damaged" if plan.damaged[around].any() else ""
