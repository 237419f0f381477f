"""From the list of packets to times: when each frame is shown, which frames are sampled, when the video ends."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from analytics.clock import FALLBACK_RATE, frame_ticks, index_ticks
from analytics.packets import NO_STAMP, PacketList, Packets
from analytics.records import SampleRows


@dataclass(frozen=True, eq=False)
class VideoPlan:
    """Everything that is known about a video before its first frame is decoded.

    Frames are numbered in the order in which they are shown, from 0; packets have their place in the file.
    """

    times_s: NDArray[np.float64]
    """(frames,) presentation time, seconds from the start of the video stream, ascending."""
    cells: NDArray[np.int32]
    """(frames,) sampling cell: cell k holds the frames from k·every to (k + 1)·every."""
    lost_bytes: NDArray[np.int64]
    """(frames,) bytes before a frame's packet, and after the packet of the frame before, that no packet holds."""
    damaged: NDArray[np.bool_]
    """(frames,) the container calls the frame's packet corrupt."""
    frame_of_packet: NDArray[np.int32]
    """(packets,) number of the frame that a packet holds; -1 for one that is not shown."""
    keyframe: NDArray[np.bool_]
    """(packets,) whether decoding may begin with it."""
    position: NDArray[np.int64]
    """(packets,) where it begins in the file, bytes."""
    disposable: NDArray[np.bool_]
    """(packets,) no other picture is decoded from the one that it holds."""
    beginning: NDArray[np.bool_]
    """(packets,) neither the picture that it holds nor any after it is decoded from one before it."""
    sets: NDArray[np.bool_]
    """(packets,) it holds parameter sets, by which later pictures are decoded."""
    stamp: NDArray[np.int64]
    """(packets,) its decoding timestamp, or the presentation timestamp where it has none: what is sought by."""
    pts_source: str
    """container: presentation timestamps; rate: index times declared rate."""
    reordered: bool
    """Frames are shown in another order than they are stored in (B-frames)."""
    codec: str
    interval_s: float
    """Median time between frames, seconds."""
    keyframes_only: bool
    """Nothing but keyframes is decoded, so that only they are sampled."""
    lost_at_end: int
    """Bytes after the last packet that belong to none."""
    shown_until_s: float
    """When the last frame has been shown, seconds."""
    duration_s: float
    """Expected duration of the video stream, seconds."""

    @property
    def fps(self) -> float:
        """Frames a second, from the median interval."""
        return 1 / self.interval_s


@dataclass(frozen=True, kw_only=True)
class PlanFacts:
    """What remains to be told of a plan when the video is done; a plan of hours takes tens of MB."""

    pts_source: str
    codec: str
    fps: float
    duration_s: float
    keyframes_only: bool
    sampled_every_s: float
    """See sampled_every_s."""


def facts_of_plan(plan: VideoPlan) -> PlanFacts:
    """What remains to be told of a plan."""
    return PlanFacts(
        pts_source=plan.pts_source,
        codec=plan.codec,
        fps=plan.fps,
        duration_s=plan.duration_s,
        keyframes_only=plan.keyframes_only,
        sampled_every_s=sampled_every_s(plan),
    )


def plan_video(listed: PacketList, every: Fraction, keyframes_only: bool = False) -> VideoPlan:
    """Work out presentation times and sampling cells.

    Args:
        listed: the packets, at least one.
        every: seconds between samples; a fraction, so that no frame on the grid is lost to rounding.
        keyframes_only: sample the first keyframe of each cell; a cell without one has no sample. Where no keyframe is
            shown, all frames are looked at.
    """
    packets = listed.packets
    shown = np.flatnonzero(~packets.discard)
    if not len(shown):
        shown = np.arange(len(packets))
    tick = Fraction(listed.tick_num, listed.tick_den)
    if 2 * (packets.pts[shown] != NO_STAMP).sum() > len(shown):
        pts_source, ticks = "container", frame_ticks(packets, shown, tick)
    else:
        pts_source, (ticks, tick) = "rate", index_ticks(packets, shown, listed.rate, tick)
    order = np.argsort(ticks, kind="stable")
    in_order = ticks[order] - ticks[order[0]]

    frame_of_packet = np.full(len(packets), -1, np.int32)
    frame_of_packet[shown[order]] = np.arange(len(order), dtype=np.int32)
    times_s = in_order * tick.numerator / tick.denominator
    interval_s = _median_interval_s(times_s, listed.rate)
    last_s = float(packets.duration[shown[order[-1]]] * tick) if pts_source == "container" else 0.0
    packets_end_s = times_s[-1] + (last_s or interval_s)
    declared_end_s = listed.declared_s or 0.0
    if listed.ended_early_s and listed.declared_s is None:
        declared_end_s = packets_end_s + listed.ended_early_s
    if listed.lost_at_end:
        declared_end_s = max(declared_end_s, packets_end_s + _worth_s(packets, listed.lost_at_end, packets_end_s))
    # A clip that was cut out of a longer one may begin between two keyframes, and hold no other.
    keyframes_only = keyframes_only and bool(packets.keyframe[shown].any())
    return VideoPlan(
        times_s=times_s,
        cells=_cells(in_order, tick / every),
        lost_bytes=packets.lost_bytes[shown[order]],
        damaged=packets.corrupt[shown[order]],
        frame_of_packet=frame_of_packet,
        keyframe=packets.keyframe,
        position=packets.position,
        disposable=packets.disposable,
        beginning=packets.beginning,
        sets=packets.sets,
        stamp=np.where(packets.dts != NO_STAMP, packets.dts, packets.pts),
        pts_source=pts_source,
        reordered=listed.reordered,
        codec=listed.codec,
        interval_s=interval_s,
        keyframes_only=keyframes_only,
        lost_at_end=listed.lost_at_end,
        shown_until_s=float(packets_end_s),
        duration_s=float(max(packets_end_s, declared_end_s)),
    )


def _worth_s(packets: Packets, lost: int, packets_end_s: float) -> float:
    """How long the pictures took that lay in lost bytes at the end; 0 for less than a second, which is no gap."""
    first, last = int(packets.position.min()), int(packets.position.max())
    worth_s = lost * packets_end_s / (last - first) if 0 <= first < last else 0.0
    return worth_s if worth_s > 1.0 else 0.0


def _cells(ticks: NDArray[np.int64], cells_a_tick: Fraction) -> NDArray[np.int32]:
    """(n,) floor(ticks · cells_a_tick), exactly."""
    if int(ticks.max(initial=0)) * cells_a_tick.numerator < 2**63:
        return np.asarray(ticks * cells_a_tick.numerator // cells_a_tick.denominator, np.int32)
    return np.array([int(t) * cells_a_tick.numerator // cells_a_tick.denominator for t in ticks], np.int32)


def _median_interval_s(times_s: NDArray[np.float64], rate: float) -> float:
    steps = np.diff(times_s)
    steps = steps[steps > 0]
    if len(steps):
        return float(np.median(steps))
    return 1 / (rate or FALLBACK_RATE)


def sampled_frames(plan: VideoPlan, first: int = 0, until: int | None = None) -> NDArray[np.int64]:
    """Numbers of the frames that are sampled, ascending: the first of each cell, or its first keyframe.

    Those from `first` to before `until` alone, where these are beginnings of cells.

    >>> at 4 frames a second and every = 0.5 the cells are 0 0 1 1 2 2, and frames 0, 2, 4 are sampled
    """
    until = len(plan.times_s) if until is None else until
    numbers = np.arange(first, until)
    if plan.keyframes_only:
        numbers = np.sort(plan.frame_of_packet[plan.keyframe & (plan.frame_of_packet >= 0)].astype(np.int64))
        numbers = numbers[(numbers >= first) & (numbers < until)]
    return numbers[np.flatnonzero(np.diff(plan.cells[numbers], prepend=-1))]


def sampled_every_s(plan: VideoPlan) -> float:
    """Seconds between most samples of a video: their median, which pauses of the recorder do not touch.

    All of its seconds where there is but one sample.
    """
    steps = np.diff(plan.times_s[sampled_frames(plan)])
    return float(np.median(steps)) if len(steps) else plan.duration_s


def with_corrupt_samples(samples: SampleRows, plan: VideoPlan) -> SampleRows:
    """The samples with a row for each planned one of which no frame could be decoded, in order of time."""
    first = sampled_frames(plan)
    lost = first[~np.isin(plan.cells[first], samples.sample)]
    corrupt = SampleRows.of(
        plan.cells[lost].tolist(), plan.times_s[lost].tolist(), [0] * len(lost), ["corrupt"] * len(lost)
    )
    return SampleRows.joined([samples, corrupt])
