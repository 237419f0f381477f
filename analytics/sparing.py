"""Which packets need not be decoded, because no sample hangs on them.

That are pictures without a sample that no other one is decoded from, and what follows the last sample of a group of
pictures, up to the next one that begins anew. The latter are spared once that sample has come out, and so is known to be
sound: else a later picture of its cell stands in for it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.packets import LEAST_LOST_BYTES
from analytics.plan import VideoPlan, sampled_frames
from analytics.segments import Segment

AROUND: Final = 32
"""Packets after the last one of a segment until all of its frames have come out of the decoder."""
_NEVER: Final = np.iinfo(np.int32).max
_TO_THE_END: Final = 2
"""Groups at the end of a file that are decoded to their end: it may have been cut off, even right after a beginning."""
_MOST_REORDERED: Final = 16
"""Pictures by which one is shown before others that were stored before it (ITU-T H.264, max_dec_frame_buffering)."""


@dataclass(frozen=True, eq=False)
class Needless:
    """What may be left undecoded of the n packets of a segment and those around it."""

    start: int
    """Place of the first of them."""
    once: NDArray[np.int32]
    """(n,) the frame that must have come out before a packet is needless."""
    follows: NDArray[np.bool_]
    """(n,) whether it is so because the last sample of its group is before it."""
    planned: frozenset[int] | None
    """Frames of the segment that are samples, none of which is needless. None where times are in disorder, so that pictures are
    stored in another order than they are shown in, by more than B-frames are: nothing is needless then."""

    def from_frame(self, place: int) -> int:
        """The frame that must have come out before the packet at a place is needless."""
        within = place - self.start
        return int(self.once[within]) if 0 <= within < len(self.once) else _NEVER

    def is_after_the_last(self, place: int) -> bool:
        """Whether the last sample of its group is before it."""
        return bool(self.follows[place - self.start])


def needless_packets(plan: VideoPlan, segment: Segment) -> Needless:
    """What may be left undecoded in a segment.

    Nothing where frames are told by counting them, where the container shows damage, or where its times are in disorder.
    """
    read = slice(segment.start, segment.last + 1 + AROUND)
    frames, sets = plan.frame_of_packet[read], plan.sets[read]
    once = np.full(len(frames), _NEVER, np.int32)
    follows = np.zeros(len(frames), np.bool_)
    # Not all streams that are reordered say so.
    in_order = _is_in_order(frames[frames >= 0], plan.reordered or bool(plan.disposable[read].any()))
    sampled = sampled_frames(plan, segment.first, segment.until)
    around = slice(max(segment.first - AROUND, 0), segment.until + AROUND)
    sound = not plan.damaged[around].any() and plan.lost_bytes[around].max(initial=0) <= LEAST_LOST_BYTES
    if plan.keyframes_only:
        once[~plan.keyframe[read]] = -1
    elif sound and in_order and plan.pts_source == "container":
        wanted = np.isin(frames, sampled)
        follows, last_frame = _after_the_last(plan, segment.start, wanted, sets)
        once[follows] = last_frame[follows]
        once[plan.disposable[read] & (frames >= 0) & ~wanted & ~sets] = 0
        follows &= ~plan.disposable[read]
    return Needless(segment.start, once, follows, frozenset(sampled.tolist()) if in_order else None)


def _is_in_order(frames: NDArray[np.int32], reordered: bool) -> bool:
    rank = np.argsort(np.argsort(frames, kind="stable"), kind="stable")
    return int(np.abs(rank - np.arange(len(rank))).max(initial=0)) <= (_MOST_REORDERED if reordered else 0)


def _after_the_last(
    plan: VideoPlan, start: int, wanted: NDArray[np.bool_], sets: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Which packets follow the last needed one of their group, and the last wanted frame up to the group's end.

    Args:
        plan: of the video.
        start: place of the first packet.
        wanted: (n,) packets with wanted frames.
        sets: (n,) packets that are needed for what comes after their group.

    Returns:
        (n,) each; frame 0 where nothing is wanted yet.
    """
    places = np.arange(len(wanted))
    group = np.cumsum(plan.beginning[start : start + len(wanted)])
    last_place, last_frame = np.full(group[-1] + 1, -1), np.zeros(group[-1] + 1, np.int32)
    np.maximum.at(last_place, group[wanted | sets], places[wanted | sets])
    np.maximum.at(last_frame, group[wanted], plan.frame_of_packet[start:][places[wanted]])
    beginnings = np.flatnonzero(plan.beginning)
    end = beginnings[-_TO_THE_END] if len(beginnings) >= _TO_THE_END else 0
    # A cell goes on beyond its group: what stands in for a sample may lie in the next one.
    last_frame = np.maximum.accumulate(last_frame)
    return (places > last_place[group]) & (start + places < end), last_frame[group]
