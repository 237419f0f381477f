"""Which packets need not be decoded, because no sample hangs on them.

That are pictures without a sample that no other one is decoded from, and what follows the last sample of a group of
pictures, up to the next one that begins anew. The latter are spared once that sample has come out, and so is known to be
sound: else a later picture of its cell stands in for it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.packets import LEAST_LOST_BYTES
from analytics.plan import VideoPlan, sampled_frames
from analytics.segments import Segment

AROUND: Final = 32
"""Packets after the last one of a segment until all of its frames have come out of the decoder."""
NEVER: Final = np.iinfo(np.int32).max
_TO_THE_END: Final = 2
"""Groups at the end of a file that are decoded to their end. It may have been cut off, even right after a beginning; then
pictures before that would count as lost with it."""


def needless_from(plan: VideoPlan, segment: Segment) -> NDArray[np.int32]:
    """(packets,) the frame that must have come out before a packet may be left undecoded; NEVER for one that may not.

    All are needed where frames are told by counting them, or where the container shows damage.
    """
    needless = np.full(len(plan.frame_of_packet), NEVER, np.int32)
    if plan.keyframes_only:
        needless[~plan.keyframe] = -1
        return needless
    around = slice(max(segment.first - AROUND, 0), segment.until + AROUND)
    sound = not plan.damaged[around].any() and plan.lost_bytes[around].max(initial=0) <= LEAST_LOST_BYTES
    if not sound or plan.pts_source != "container":
        return needless
    sampled = sampled_frames(plan)
    is_wanted = np.zeros(len(plan.times_s), np.bool_)
    is_wanted[sampled[(sampled >= segment.first) & (sampled < segment.until)]] = True
    shown = plan.frame_of_packet >= 0
    wanted = shown & is_wanted[plan.frame_of_packet]
    follows, last = _after_the_last(plan, np.flatnonzero(wanted))
    needless[follows] = last[follows]
    needless[plan.disposable & shown & ~wanted] = 0
    return needless


def _after_the_last(plan: VideoPlan, wanted: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Which packets follow the last wanted one of their group, and the last wanted frame of each packet's group.

    Args:
        plan: of the video.
        wanted: places of the packets that hold wanted frames.

    Returns:
        (packets,) each; frame 0 where a group holds none.
    """
    group = np.cumsum(plan.beginning)
    last_place, last_frame = np.full(group[-1] + 1, -1), np.zeros(group[-1] + 1, np.int32)
    np.maximum.at(last_place, group[wanted], wanted)
    np.maximum.at(last_frame, group[wanted], plan.frame_of_packet[wanted])
    follows = (np.arange(len(group)) > last_place[group]) & (group <= group[-1] - _TO_THE_END)
    return follows, last_frame[group]
