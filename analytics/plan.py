"""From the list of packets to times: when each frame is shown, which frames are sampled, when the video ends."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.container import PacketInfo, PacketList

_BROKEN_CLOCK_S: Final = 3600.0
"""A forward jump longer than this is a recorder's new clock; a shorter one may be a pause."""
_FALLBACK_RATE: Final = 25.0


@dataclass(frozen=True, eq=False)
class VideoPlan:
    """Everything that is known about a video before its first frame is decoded.

    Frames are numbered in the order in which they are shown, from 0.
    """

    times_s: NDArray[np.float64]
    """(n,) presentation time of each frame, seconds from the start of the video stream, ascending."""
    cells: NDArray[np.int32]
    """(n,) the sampling cell of each frame: cell k holds the frames from k·every to (k + 1)·every."""
    frame_of_packet: NDArray[np.int32]
    """(packets,) number of the frame that each packet of the stream holds; -1 for one that is not shown."""
    lost_bytes: NDArray[np.int64]
    """(n,) bytes before each frame's packet, and after the packet of the frame before, that no packet holds."""
    damaged: NDArray[np.bool_]
    """(n,) the container calls the frame's packet corrupt."""
    pts_source: str
    """container: presentation timestamps; rate: index times declared rate."""
    interval_s: float
    """Median time between frames, seconds."""
    shown_until_s: float
    """When the last frame has been shown, seconds."""
    duration_s: float
    """Expected duration of the video stream, seconds."""

    @property
    def fps(self) -> float:
        """Frames a second, from the median interval."""
        return 1 / self.interval_s


def plan_video(listed: PacketList, every: Fraction) -> VideoPlan:
    """Work out presentation times and sampling cells.

    Args:
        listed: the packets, at least one.
        every: seconds between samples; a fraction, so that no frame on the grid is lost to rounding.
    """
    packets = listed.packets
    shown = np.array([i for i, packet in enumerate(packets) if not packet.discard] or range(len(packets)))
    tick = Fraction(listed.tick_num, listed.tick_den)
    timed = sum(packets[i].pts is not None for i in shown)
    if 2 * timed > len(shown):
        # Transport streams that lost packets lack some stamps; that is no reason to distrust the others.
        packets = _with_missing_stamps(packets)
        pts_source, ticks = "container", _steady_ticks(packets, shown, tick)
    else:
        pts_source, (ticks, tick) = "rate", _rate_ticks(packets, shown, listed.rate, tick)
    order = np.argsort(ticks, kind="stable")
    in_order = [ticks[i] - ticks[order[0]] for i in order]

    frame_of_packet = np.full(len(packets), -1, np.int32)
    frame_of_packet[shown[order]] = np.arange(len(order), dtype=np.int32)
    times_s = np.array([float(t * tick) for t in in_order])
    interval_s = _median_interval_s(times_s, listed.rate)
    last = packets[shown[order[-1]]]
    last_s = float(last.duration * tick) if pts_source == "container" else 0.0
    packets_end_s = times_s[-1] + (last_s or interval_s)
    declared_end_s = listed.declared_s or 0.0
    if listed.ended_early_s and listed.declared_s is None:
        declared_end_s = packets_end_s + listed.ended_early_s
    return VideoPlan(
        times_s=times_s,
        cells=np.array([math.floor(t * tick / every) for t in in_order], np.int32),
        frame_of_packet=frame_of_packet,
        lost_bytes=np.array([packets[shown[i]].lost_bytes for i in order], np.int64),
        damaged=np.array([packets[shown[i]].corrupt for i in order], np.bool_),
        pts_source=pts_source,
        interval_s=interval_s,
        shown_until_s=float(packets_end_s),
        duration_s=float(max(packets_end_s, declared_end_s)),
    )


def _steady_ticks(packets: tuple[PacketInfo, ...], shown: NDArray[np.int64], tick: Fraction) -> list[int]:
    """Presentation ticks of the shown packets with the jumps of a broken clock taken out.

    A transport stream's clock has 33 bits and may start again, and joined recordings each bring their own.
    Decoding order is what moves steadily, so the jumps are found there: back by more than a second, or
    forward by more than an hour. What follows a jump is shown one frame interval after what came before.
    """
    clock = _decoding_clock([packets[i] for i in shown])
    steps = np.diff(clock)
    usual = int(np.median(steps[steps > 0])) if (steps > 0).any() else 0
    back, forward = -int(1 / tick), int(Fraction(_BROKEN_CLOCK_S) / tick)
    jumps = np.flatnonzero((steps < back) | (steps > forward)) + 1
    ticks: list[int] = []
    until: int | None = None
    for run in np.split(shown, jumps):
        stamps = [packets[i].pts or 0 for i in run]
        offset = until + usual - min(stamps) if until is not None else 0
        until = max(stamps) + offset
        ticks += [stamp + offset for stamp in stamps]
    return ticks


def _with_missing_stamps(packets: tuple[PacketInfo, ...]) -> tuple[PacketInfo, ...]:
    """The packets with a presentation timestamp for each: a missing one is its decoding timestamp, or one step on."""
    steps = [b.pts - a.pts for a, b in pairwise(packets) if a.pts is not None and b.pts is not None and b.pts > a.pts]
    usual, before, filled = int(np.median(steps)) if steps else 1, 0, []
    for packet in packets:
        pts = packet.pts
        if pts is None:
            pts = packet.dts if packet.dts is not None else before + usual
            packet = replace(packet, pts=pts)
        before = pts
        filled.append(packet)
    return tuple(filled)


def _decoding_clock(packets: list[PacketInfo]) -> NDArray[np.int64]:
    """(n,) decoding timestamps; a missing one is taken from the next packet that has one.

    Where B-frames are reordered the library leaves out the first ones, and the presentation timestamps
    there move to and fro by as long as a slow recording takes for a few frames.
    """
    clock: list[int] = []
    following = next((p.dts for p in reversed(packets) if p.dts is not None), None)
    for packet in reversed(packets):
        following = packet.dts if packet.dts is not None else following
        clock.append(following if following is not None else packet.pts or 0)
    return np.array(clock[::-1], np.int64)


def _rate_ticks(
    packets: tuple[PacketInfo, ...], shown: NDArray[np.int64], rate: float, tick: Fraction
) -> tuple[list[int], Fraction]:
    """Times of a stream without presentation timestamps, with the tick they are counted in.

    An AVI still counts its frames in decoding timestamps, dropped ones too; a raw stream has nothing.
    """
    clock = [packets[i].dts for i in shown]
    known = [dts for dts in clock if dts is not None]
    if len(known) == len(clock) and len(set(known)) == len(known):
        return sorted(known), tick
    per_s = Fraction(rate or _FALLBACK_RATE).limit_denominator(100_000)
    return list(range(len(shown))), 1 / per_s


def _median_interval_s(times_s: NDArray[np.float64], rate: float) -> float:
    steps = np.diff(times_s)
    steps = steps[steps > 0]
    if len(steps):
        return float(np.median(steps))
    return 1 / (rate or _FALLBACK_RATE)


def sampled_frames(plan: VideoPlan) -> NDArray[np.int64]:
    """Numbers of the frames that are sampled, ascending: the first of each cell.

    >>> at 4 frames a second and every = 0.5 the cells are 0 0 1 1 2 2, and frames 0, 2, 4 are sampled
    """
    return np.flatnonzero(np.diff(plan.cells, prepend=-1))
