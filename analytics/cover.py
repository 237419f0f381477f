"""From sightings to what is covered in each frame: margins, gaps bridged, faces covered before they are first seen.

A face that was found once was there before and after. So between two sightings it is covered where it must have been,
and for half a second before the first and after the last one where it may have been; only a cut ends that.
"""

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.strands import MATCHED, Sightings

FOUND, FOLLOWED, BRIDGED, BEYOND = 0, 1, 2, 3
"""Why a frame is covered: a detector saw the face; its texture was followed; it lies between two sightings; it lies
before the first or after the last one."""

_POINTS: Final = (np.arange(12) + 0.5) / 12
"""Where a box is probed, of its side."""


@dataclass(frozen=True, kw_only=True)
class CoverSettings:
    """How generously is covered. Shares are of the box's own width and height."""

    left_right: float = 0.3
    above: float = 0.45
    """Detectors draw from forehead to chin; hair and ears tell, too."""
    below: float = 0.25
    beyond_s: float = 0.5
    """How long before the first and after the last sighting."""
    doubtful_beyond_s: float = 0.2
    """The same for what never scored as a face surely does: mostly hands and bags, and gone in the next frame."""
    least_frames_beyond: int = 2
    """Frames that both are at least: recorders may store one a second."""
    growth: float = 1.0
    """By how much of its size a box grows for each second that nobody saw it."""
    least_px: float = 8.0
    """Least width and height of what is covered."""


@dataclass(frozen=True, eq=False)
class Regions:
    """What is covered, in order of frames: columns of n."""

    number: NDArray[np.int32]
    """Of the frame."""
    strand: NDArray[np.int32]
    why: NDArray[np.int8]
    box: NDArray[np.float32]
    """(n, 4) x, y, width, height in px, margins included; may reach beyond the picture."""
    bare: NDArray[np.float32]
    """(n, 4) the face itself."""

    def __len__(self) -> int:
        return len(self.number)

    def of_frame(self, number: int) -> slice:
        """The rows of one frame."""
        return slice(*np.searchsorted(self.number, [number, number + 1]).tolist())

    @staticmethod
    def joined(parts: "list[Regions]") -> "Regions":
        """The rows of several, at least one, in order of frames."""
        every = Regions(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Regions)))
        by_frame = np.lexsort((every.strand, every.number))
        return Regions(*(getattr(every, f.name)[by_frame] for f in fields(Regions)))

    def covers(self, number: int, boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,) the share of each box (x, y, width, height in px) that is covered in a frame."""
        over = self.box[self.of_frame(number)]
        shares = np.zeros(len(boxes))
        for k, (x, y, w, h) in enumerate(np.asarray(boxes, np.float64)):
            # On a grid of points: of many boxes that overlap no one wants to work out the union.
            across, down = np.meshgrid(x + w * _POINTS, y + h * _POINTS)
            inside = np.zeros(across.shape, np.bool_)
            for left, top, width, height in over:
                inside |= (left <= across) & (across <= left + width) & (top <= down) & (down <= top + height)
            shares[k] = inside.mean()
        return shares

    def only(self, keep: NDArray[np.bool_]) -> "Regions":
        """The rows where keep, bool (n,), is true."""
        return Regions(*(getattr(self, f.name)[keep] for f in fields(Regions)))


def regions_of(
    sightings: Sightings,
    times_s: NDArray[np.float64],
    cuts: NDArray[np.int64],
    settings: CoverSettings | None = None,
    interval_s: float = 0.0,
) -> Regions:
    """What is covered in each frame.

    Args:
        sightings: faces in frames.
        times_s: (frames,) when each frame is shown, seconds.
        cuts: numbers of the frames with which shots begin, ascending.
        settings: how generously.
        interval_s: seconds between frames.
    """
    settings = settings or CoverSettings()
    least_s = (settings.least_frames_beyond + 0.1) * interval_s  # Frames do not come to the millisecond.
    strand, number = np.array(sightings.strand, np.int32), np.array(sightings.number, np.int32)
    boxes, origin = sightings.boxes, np.array(sightings.origin, np.int8)
    proven = sightings.proven
    order = np.lexsort((number, strand))
    bounds = np.flatnonzero(np.diff(strand[order], prepend=-1, append=-1))
    parts = [_none()]
    for start, end in pairwise(bounds.tolist()):
        rows = order[start:end]
        shot = _shot_of(int(number[rows[0]]), cuts, len(times_s))
        beyond_s = max(settings.beyond_s if proven[strand[rows[0]]] else settings.doubtful_beyond_s, least_s)
        filled = _filled(
            number[rows], boxes[rows].astype(np.float64), origin[rows], times_s, shot, beyond_s, settings.growth
        )
        parts.append(_with_margins(*filled, int(strand[rows[0]]), settings))
    return Regions.joined(parts)


def _none() -> Regions:
    empty = np.empty((0, 4), np.float32)
    return Regions(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int8), empty, empty)


def _shot_of(number: int, cuts: NDArray[np.int64], n: int) -> tuple[int, int]:
    """First frame of the shot in which a frame lies, and the first one after it."""
    after = int(np.searchsorted(cuts, number, side="right"))
    return int(cuts[after - 1]) if after else 0, int(cuts[after]) if after < len(cuts) else n


def _filled(
    numbers: NDArray[np.int32],
    boxes: NDArray[np.float64],
    origin: NDArray[np.int8],
    times_s: NDArray[np.float64],
    shot: tuple[int, int],
    beyond_s: float,
    growth: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
    """Frames, boxes and reasons of one strand without a gap, and some before and after."""
    first_s, last_s = times_s[numbers[0]] - beyond_s, times_s[numbers[-1]] + beyond_s
    begin = max(shot[0], int(np.searchsorted(times_s, first_s)))
    end = min(shot[1], int(np.searchsorted(times_s, last_s, side="right")))
    frames = np.arange(begin, end)
    known_s, now_s = times_s[numbers], times_s[frames]
    middles, sizes = boxes[:, :2] + boxes[:, 2:] / 2, boxes[:, 2:]
    # Between sightings straight on; outside of them np.interp stands still, and the speed is added.
    middle = np.stack([np.interp(now_s, known_s, middles[:, k]) for k in (0, 1)], axis=1)
    size = np.stack([np.interp(now_s, known_s, sizes[:, k]) for k in (0, 1)], axis=1)
    before, after = np.maximum(known_s[0] - now_s, 0), np.maximum(now_s - known_s[-1], 0)
    middle -= _speed(known_s, middles, 0) * before[:, None]
    middle += _speed(known_s, middles, -1) * after[:, None]
    why = np.where(before + after > 0, BEYOND, BRIDGED).astype(np.int8)
    why[numbers - begin] = np.where(origin == MATCHED, FOLLOWED, FOUND)
    unseen_s = _unseen_s(now_s, known_s)
    # The way itself, too, so that a face that stopped or turned back is still under it.
    size += sizes.mean(axis=0) * growth * unseen_s[:, None]
    return frames, np.concatenate([middle - size / 2, size], axis=1), why


def _speed(known_s: NDArray[np.float64], middles: NDArray[np.float64], end: int) -> NDArray[np.float64]:
    """Px a second at the first (0) or the last (-1) sighting, from those of a quarter of a second."""
    near = np.flatnonzero(np.abs(known_s - known_s[end]) <= 0.25)
    a, b = near[0], near[-1]
    if known_s[b] <= known_s[a]:
        return np.zeros(2)
    return np.asarray((middles[b] - middles[a]) / (known_s[b] - known_s[a]), np.float64)


def _unseen_s(now_s: NDArray[np.float64], known_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds to the nearest sighting."""
    after = np.searchsorted(known_s, now_s).clip(0, len(known_s) - 1)
    to_next, to_last = np.abs(known_s[after] - now_s), np.abs(known_s[np.maximum(after - 1, 0)] - now_s)
    return np.asarray(np.minimum(to_next, to_last), np.float64)


def widened(bare: NDArray[np.floating], settings: CoverSettings) -> NDArray[np.float64]:
    """(n, 4) boxes of faces, x, y, width, height, with their margins."""
    x, y, w, h = np.asarray(bare, np.float64).reshape(-1, 4).T
    sides = (x - settings.left_right * w, y - settings.above * h)
    return np.stack([*sides, (1 + 2 * settings.left_right) * w, (1 + settings.above + settings.below) * h], axis=1)


def _with_margins(
    frames: NDArray[np.int64], bare: NDArray[np.float64], why: NDArray[np.int8], strand: int, settings: CoverSettings
) -> Regions:
    """Each box with its margins, and with what it is in the frames beside: boxes tremble, and frames come late."""
    left, top, width, height = widened(bare, settings).T
    right, bottom = left + width, top + height
    for low, high in ((left, right), (top, bottom)):
        short = np.maximum(settings.least_px - (high - low), 0) / 2
        low -= short
        high += short
    left, top = (_over_neighbours(edge, np.minimum) for edge in (left, top))
    right, bottom = (_over_neighbours(edge, np.maximum) for edge in (right, bottom))
    box = np.stack([left, top, right - left, bottom - top], axis=1)
    return Regions(
        frames.astype(np.int32),
        np.full(len(frames), strand, np.int32),
        why,
        box.astype(np.float32),
        bare.astype(np.float32),
    )


def _over_neighbours(edge: NDArray[np.float64], furthest: np.ufunc) -> NDArray[np.float64]:
    padded = np.pad(edge, 1, mode="edge")
    return np.asarray(furthest(furthest(padded[:-2], padded[1:-1]), padded[2:]), np.float64)
