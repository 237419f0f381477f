"""The timestamps under which the frames of a video are stored again."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from analytics.packets import NO_STAMP, PacketList
from analytics.plan import VideoPlan


def stamps_of(listed: PacketList, plan: VideoPlan, tick: Fraction) -> tuple[NDArray[np.int64], int]:
    """Presentation stamp of each frame of a plan in ticks, rising; and for how many ticks the last one is shown.

    They are those of the container, from its own first one on; where it has none, those of the plan.
    """
    shown = listed.packets.pts[~listed.packets.discard]
    stored = shown[shown != NO_STAMP]
    first = int(stored.min()) if plan.pts_source == "container" and len(stored) else 0
    stamps = first + np.round(plan.times_s / float(tick)).astype(np.int64)
    # Of frames that share a stamp each comes one tick after the other.
    steps = np.arange(len(stamps))
    stamps = np.maximum.accumulate(stamps - steps) + steps
    last = max(1, round((plan.shown_until_s - float(plan.times_s[-1])) / float(tick)))
    return stamps, last


def is_mended(listed: PacketList, plan: VideoPlan) -> bool:
    """The times of the plan are other ones than those in the container, beside which sound and subtitles stand."""
    packets = listed.packets
    stored = np.sort(packets.pts[~packets.discard])
    if plan.pts_source != "container" or len(stored) != len(plan.times_s) or stored[0] == NO_STAMP:
        return plan.pts_source == "container"
    tick = listed.tick_num / listed.tick_den
    return bool(np.abs((stored - stored[0]) * tick - plan.times_s).max() > tick / 2)
