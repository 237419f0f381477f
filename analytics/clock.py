"""Timestamps as recorders write them, brought onto one steady clock.

Transport streams' clocks have 33 bits and start again, joined recordings each bring their own, and a
flipped bit moves a single stamp by minutes. Decoding timestamps move steadily, so breaks are found there.
"""

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.packets import NO_STAMP, Packets

FALLBACK_RATE: Final = 25.0
"""Frames a second where nothing is declared."""
_BROKEN_CLOCK_S: Final = 3600
"""A forward jump longer than this is a recorder's new clock; a shorter one may be a pause."""
_REORDERED: Final = 16
"""Frames that may be shown before or after their neighbours in the file (H.264 allows 16)."""


def frame_ticks(packets: Packets, shown: NDArray[np.int64], tick: Fraction) -> NDArray[np.int64]:
    """(shown,) presentation ticks with missing and wild stamps mended and the jumps of a broken clock taken out.

    Jumps are: back by more than a second, or forward by more than an hour. What follows a jump is shown
    one frame interval after what came before.

    Args:
        packets: all packets; most of the shown ones have presentation timestamps.
        shown: their places, ascending.
        tick: seconds.
    """
    second = int(1 / tick)
    pts = _without_missing(packets)[shown]
    clock = _decoding_clock(packets.dts[shown], pts)
    usual = _usual_step(clock)
    wild = _wild_blocks(clock, second, usual)
    if wild.any():
        sound = np.flatnonzero(~wild)
        mended = np.interp(np.flatnonzero(wild), sound, clock[sound]).astype(np.int64)
        pts[wild] = mended + int(np.median(pts[sound] - clock[sound]))
        clock[wild] = mended
    steps = np.diff(clock)
    jumps = np.flatnonzero((steps < -second) | (steps > _BROKEN_CLOCK_S * second)) + 1
    until: int | None = None
    for run in np.split(np.arange(len(shown)), jumps):
        _mend_strays(pts, clock, run, second)
        offset = until + usual - int(pts[run].min()) if until is not None else 0
        pts[run] += offset
        until = int(pts[run].max())
    return pts


def index_ticks(
    packets: Packets, shown: NDArray[np.int64], rate: float, tick: Fraction
) -> tuple[NDArray[np.int64], Fraction]:
    """Times of a stream without presentation timestamps, with the tick they are counted in.

    An AVI still counts its frames in decoding timestamps, dropped ones too; a raw stream has nothing.
    """
    clock = packets.dts[shown]
    if (clock != NO_STAMP).all() and len(np.unique(clock)) == len(clock):
        return np.sort(clock), tick
    per_s = Fraction(rate or FALLBACK_RATE).limit_denominator(100_000)
    return np.arange(len(shown), dtype=np.int64), 1 / per_s


def _usual_step(clock: NDArray[np.int64]) -> int:
    steps = np.diff(clock)
    return int(np.median(steps[steps > 0])) if (steps > 0).any() else 0


def _without_missing(packets: Packets) -> NDArray[np.int64]:
    """(n,) presentation timestamps: a missing one is its decoding timestamp, or one step on.

    Transport streams that lost packets lack some stamps; that is no reason to distrust the others.
    """
    pts = packets.pts.copy()
    missing = np.flatnonzero(pts == NO_STAMP)
    if not len(missing):
        return pts
    both = (pts[1:] != NO_STAMP) & (pts[:-1] != NO_STAMP) & (pts[1:] > pts[:-1])
    usual = int(np.median((pts[1:] - pts[:-1])[both])) if both.any() else 1
    for i in missing:
        before = int(pts[i - 1]) if i else 0
        pts[i] = packets.dts[i] if packets.dts[i] != NO_STAMP else before + usual
    return pts


def _decoding_clock(dts: NDArray[np.int64], pts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) decoding timestamps; a missing one is taken from the next packet that has one.

    Where B-frames are reordered the library leaves out the first ones, and the presentation timestamps
    there move to and fro by as long as a slow recording takes for a few frames.
    """
    known = np.flatnonzero(dts != NO_STAMP)
    if not len(known):
        return pts.copy()
    following = np.searchsorted(known, np.arange(len(dts)))
    return np.where(following < len(known), dts[known[np.minimum(following, len(known) - 1)]], pts)


def _wild_blocks(clock: NDArray[np.int64], second: int, usual: int) -> NDArray[np.bool_]:
    """(n,) where a few stamps leap away and the clock then goes on as if nothing had been: flipped bits."""
    wild = np.zeros(len(clock), np.bool_)
    leaps = np.flatnonzero(np.abs(np.diff(clock)) > max(second, 2 * usual)) + 1
    k = 0
    while k + 1 < len(leaps):
        start, end = int(leaps[k]), int(leaps[k + 1])
        onward = int(clock[end] - clock[start - 1])
        there_and_back = (clock[start] > clock[start - 1]) != (clock[end] > clock[end - 1])
        if there_and_back and end - start <= _REORDERED and 0 < onward <= max(second, 2 * (end - start + 1) * usual):
            wild[start:end] = True
            k += 1
        k += 1
    return wild


def _mend_strays(pts: NDArray[np.int64], clock: NDArray[np.int64], run: NDArray[np.int64], second: int) -> None:
    """Mend, in place, presentation stamps further from their place than reordering explains.

    A frame that is shown more than a second after one that is stored more than 16 frames later has a
    wrong stamp, and so has one that is shown before it can be decoded.
    """
    shown = pts[run]
    delay = shown - clock[run]
    usual_delay = int(np.median(delay))
    stray = delay < -second
    if len(shown) > _REORDERED + 1:
        least_later = np.minimum.accumulate(np.where(stray, -NO_STAMP - 1, shown)[::-1])[::-1][_REORDERED + 1 :]
        late = shown[: -_REORDERED - 1] > least_later + second
        # Where two stamps contradict each other, the one further from its decoding time is the wrong one.
        stray[: -_REORDERED - 1] |= late & (delay[: -_REORDERED - 1] > usual_delay + second)
    pts[run[stray]] = clock[run[stray]] + usual_delay
