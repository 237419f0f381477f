"""Where a rule cannot fire, told from `tracks` alone, so that most faces need not be read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.events.archive import Chunk
from analytics.events.presence import LONGEST_STAND_S
from analytics.events.rules import Condition


@dataclass(frozen=True, eq=False)
class Spells:
    """Stretches in which somebody is in sight, apart by more than a person may be out of sight."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    tracks: NDArray[np.int64]
    """(spells,) how many."""
    usable_s: NDArray[np.float64]
    """(spells,) the most that their usable faces can stand for, seconds."""


def spells_of(chunk: Chunk, apart_s: float) -> Spells:
    """The spells of a chunk, at least so far apart."""
    order = np.argsort(chunk.tracks.start_s, kind="stable")
    start, end = chunk.tracks.start_s[order], chunk.tracks.end_s[order]
    if not len(start):
        nothing = np.empty(0)
        return Spells(nothing, nothing, np.empty(0, np.int64), nothing)
    until = np.maximum.accumulate(end)
    new = np.concatenate([[True], start[1:] > until[:-1] + apart_s])
    first = np.flatnonzero(new)
    usable = np.add.reduceat(chunk.tracks.n_usable[order], first)
    last = np.append(first[1:], len(start)) - 1
    return Spells(start[first], until[last], last - first + 1, usable * LONGEST_STAND_S)


def may_fire(asked: Condition, chunk: Chunk, spells: Spells) -> NDArray[np.bool_]:
    """(spells,) where a condition may hold, as far as tracks tell; where it does, it is one of these."""
    may = np.ones(len(spells.start), np.bool_)
    if asked.dwell_s is not None:
        may &= spells.end - spells.start >= asked.dwell_s - 1e-3
    if asked.crowd is not None:
        may &= spells.tracks >= asked.crowd.least
    if asked.shown is not None:
        may &= spells.usable_s >= asked.shown.usable_s
    if asked.rising is not None:
        may &= spells.usable_s > 0
    if asked.hours is not None or asked.days is not None:
        may &= _overlaps(chunk.clock.when(asked.hours, asked.days), spells)
    for part in (*asked.all, *(asked.then or ())):
        may &= may_fire(part, chunk, spells)
    if asked.any:
        may &= np.any([may_fire(part, chunk, spells) for part in asked.any], axis=0)
    return may


def recordings_of(chunk: Chunk, spells: Spells, may: NDArray[np.bool_]) -> set[int]:
    """The recordings that such spells touch and that have tracks."""
    with_tracks = set(chunk.tracks.recording.tolist())
    touched: set[int] = set()
    for k in np.flatnonzero(may).tolist():
        touched.update(chunk.clock.between(float(spells.start[k]), float(spells.end[k])))
    return touched & with_tracks


def _overlaps(stretches: NDArray[np.float64], spells: Spells) -> NDArray[np.bool_]:
    if not len(stretches):
        return np.zeros(len(spells.start), np.bool_)
    k = np.searchsorted(stretches[:, 0], spells.end, side="right") - 1
    overlaps: NDArray[np.bool_] = (k >= 0) & (stretches[np.maximum(k, 0), 1] >= spells.start)
    return overlaps
