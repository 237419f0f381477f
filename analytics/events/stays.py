"""Stretches in which people are where, and when, a rule looks."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.events.clock import SLACK_S
from analytics.events.presence import Scene

_OUTSIDE_S: Final = 2.0
"""Who leaves a zone for no longer has not left it."""


@dataclass(frozen=True, eq=False)
class Stays:
    """Stretches of presence, in the order of people and time; s counts them."""

    person: NDArray[np.int64]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    blind_s: NDArray[np.float64]
    """(s,) seconds of each in which nothing was recorded."""
    row: NDArray[np.int64]
    """(n,) the stay of each face of the scene; -1 outside all."""


def stays_of(scene: Scene, rows: NDArray[np.bool_]) -> Stays:
    """Stretches in which a person is where, and when, the rule looks.

    Args:
        scene: the faces.
        rows: (n,) which of them are in the zone at the right time of day.
    """
    at_rows = np.flatnonzero(rows)
    person, at = scene.person[at_rows], scene.at[at_rows]
    new = np.ones(len(at_rows), np.bool_)
    if len(at_rows) > 1:
        seen_elsewhere = np.diff(at_rows) > 1
        new[1:] = (np.diff(person) != 0) | (seen_elsewhere & (np.diff(at) > _OUTSIDE_S + SLACK_S))
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(at_rows)) - 1
    of_row = np.full(len(scene.at), -1, np.int64)
    of_row[at_rows] = np.cumsum(new) - 1
    start, end = at[first], at[last]
    return Stays(person[first], start, end, scene.clock.blind_s(start, end), of_row)
