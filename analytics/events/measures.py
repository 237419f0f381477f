"""What is measured of people: how long they stay, what their faces show, how it changes, how many there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.events.clock import SLACK_S
from analytics.events.hits import SCENE, Fact, Hit, Hits
from analytics.events.presence import LONGEST_STAND_S, Scene
from analytics.events.rules import Condition, Crowd

_OUTSIDE_S: Final = 2.0
"""Who leaves a zone for no longer has not left it."""
_DIP_S: Final = 4.0
"""A number of people that is missed for no longer still stands."""
_TIE: Final = 1e-9
_LEAST_JUDGED: Final = 0.5
"""Share of the stretches before and after a change that usable faces must fill."""


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


class Measure(Protocol):
    """One thing that a condition may ask of people."""

    def __call__(self, scene: Scene, stays: Stays, asked: Condition) -> Hits:
        """Where it holds, by person."""


def dwell(scene: Scene, stays: Stays, asked: Condition) -> Hits:
    """Whoever stays long enough: from coming to going. What was not recorded does not count."""
    assert asked.dwell_s is not None
    counted = stays.end - stays.start - stays.blind_s
    found: Hits = {}
    # As stamps are a little off the grid, a stay of exactly so many seconds may seem to lack a millisecond.
    for k in np.flatnonzero(counted >= asked.dwell_s - SLACK_S).tolist():
        person, start, end = int(stays.person[k]), float(stays.start[k]), float(stays.end[k])
        figures = {"stayed_s": counted[k], "asked_s": asked.dwell_s, "unseen_s": stays.blind_s[k]}
        ripe = min(start + asked.dwell_s + float(stays.blind_s[k]), end)
        fact = _fact("dwell", person, start, end, figures, asked.zone)
        worth = float(counted[k]) / asked.dwell_s
        found.setdefault(person, []).append(Hit(start=start, end=end, ripe=ripe, peak=ripe, worth=worth, facts=(fact,)))
    return found


def shown(scene: Scene, stays: Stays, asked: Condition) -> Hits:
    """Whoever shows an apparent expression for long enough, by the mean probability of usable faces."""
    wanted = asked.shown
    assert wanted is not None
    rows, sums = _judged(scene, stays, wanted.classes)
    at = scene.at[rows]
    half = wanted.lasting_s / 2
    low, high = sums.between(at - half, at + half)
    seconds, mean = sums.seconds(low, high), sums.mean(low, high)
    held = (mean >= wanted.confidence) & (seconds >= wanted.usable_s - SLACK_S)
    # The window must be filled from end to end, or two glimpses at its ends would do.
    held &= at[np.maximum(high - 1, 0)] - at[low] >= wanted.lasting_s - LONGEST_STAND_S - SLACK_S
    found: Hits = {}
    for first, last in _runs(held, scene.person[rows], at, half):
        begin, end = int(low[first]), int(high[last])
        probability = float(sums.mean(np.array([begin]), np.array([end]))[0])
        best = first + int(np.argmax(mean[first : last + 1]))
        figures = {
            "probability": probability,
            "asked_probability": wanted.confidence,
            "usable_s": float(sums.seconds(np.array([begin]), np.array([end]))[0]),
            "asked_usable_s": wanted.usable_s,
            "lasted_s": float(at[end - 1] - at[begin]),
            "asked_s": wanted.lasting_s,
        }
        person = int(scene.person[rows[first]])
        fact = _fact("shown", person, float(at[begin]), float(at[end - 1]), figures, " or ".join(wanted.classes))
        found.setdefault(person, []).append(
            Hit(
                start=float(at[begin]),
                end=float(at[end - 1]),
                ripe=min(float(at[begin]) + wanted.lasting_s, float(at[end - 1])),
                peak=float(at[best]),
                worth=float(mean[best]) / wanted.confidence,
                facts=(fact,),
            )
        )
    return found


def rising(scene: Scene, stays: Stays, asked: Condition) -> Hits:
    """Whoever's apparent expression changes suddenly: the mean of usable faces after a moment against that before."""
    wanted = asked.rising
    assert wanted is not None
    rows, sums = _judged(scene, stays, wanted.classes)
    at, over = scene.at[rows], wanted.over_s
    low, high = sums.between(at - 2 * over, at + over)
    middle = np.arange(len(rows))  # Before a face is what comes before its place.
    before, after = sums.mean(low, middle), sums.mean(middle, high)
    rise = after - before
    held = (rise >= wanted.rise - _TIE) & (after >= wanted.confidence)
    held &= sums.seconds(low, middle) >= 2 * over * _LEAST_JUDGED - SLACK_S
    held &= sums.seconds(middle, high) >= over * _LEAST_JUDGED - SLACK_S
    found: Hits = {}
    for first, last in _runs(held, scene.person[rows], at, over):
        best = first + int(np.argmax(rise[first : last + 1]))
        person, moment = int(scene.person[rows[best]]), float(at[best])
        figures = {
            "before": float(before[best]),
            "after": float(after[best]),
            "asked_rise": wanted.rise,
            "over_s": over,
        }
        # No further than faces were judged, or an event would end after its video.
        begin, until = float(at[low[best]]), float(at[high[best] - 1])
        fact = _fact("rising", person, begin, until, figures, " or ".join(wanted.classes))
        hit = Hit(
            start=float(at[first]),
            end=float(at[high[last] - 1]),
            ripe=moment,
            peak=moment,
            worth=float(rise[best]) / wanted.rise,
            facts=(fact,),
        )
        found.setdefault(person, []).append(hit)
    return found


MEASURES: Final[Mapping[str, Measure]] = {"dwell_s": dwell, "shown": shown, "rising": rising}
"""By the field of a condition that asks for it."""


def present(stays: Stays, zone: str | None) -> Hits:
    """Whoever is there at all."""
    found: Hits = {}
    columns = (stays.person, stays.start, stays.end, stays.blind_s)
    for person, start, end, blind_s in zip(*(column.tolist() for column in columns), strict=True):
        figures = {"stayed_s": end - start - blind_s, "unseen_s": blind_s}
        fact = _fact("presence", person, start, end, figures, zone)
        hit = Hit(start=start, end=end, ripe=start, peak=start, worth=1.0, facts=(fact,))
        found.setdefault(person, []).append(hit)
    return found


def crowd(scene: Scene, stays: Stays, people: Hits | None, asked: Crowd, zone: str | None) -> Hits:
    """Where what was asked of people holds for several at once, for long enough.

    Args:
        scene: the faces.
        stays: of the people in it.
        people: where what else was asked holds; None where nothing else was, and presence is enough.
        asked: how many, for how long.
        zone: the name of the zone, if any.
    """
    hits = [hit for _, of_owner in sorted((people or {}).items()) for hit in of_owner]
    start = stays.start if people is None else np.array([hit.start for hit in hits])
    end = stays.end if people is None else np.array([hit.end for hit in hits])
    if len(start) < asked.least:
        return {}
    moments = np.concatenate([start, end])
    step = np.repeat([1, -1], len(start))
    order = np.lexsort((-step, moments))
    moments, count = moments[order], np.cumsum(step[order])
    enough = np.flatnonzero(count >= asked.least)
    found: list[Hit] = []
    for first, last in _groups(moments, count, enough):
        begin, until = float(moments[first]), float(moments[last + 1])
        blind_s = scene.clock.blind_between(begin, until)
        if until - begin - blind_s < asked.lasting_s:
            continue
        most = first + int(np.argmax(count[first : last + 1]))
        there = np.flatnonzero((start <= until) & (end >= begin)).tolist()
        everybody = frozenset(
            stays.person[there].tolist() if people is None else (one for k in there for one in hits[k].people)
        )
        figures: dict[str, float] = {
            "most": int(count[most]),
            "asked": asked.least,
            "lasted_s": until - begin - blind_s,
            "asked_s": asked.lasting_s,
            "unseen_s": blind_s,
        }
        told = Fact(kind="crowd", people=everybody, start=begin, end=until, figures=_figures(figures, zone))
        parts = () if people is None else tuple(fact for k in there for fact in hits[k].facts)
        worth = float(count[most]) / asked.least
        ripe, peak = min(begin + asked.lasting_s + blind_s, until), float(moments[most])
        found.append(Hit(start=begin, end=until, ripe=ripe, peak=peak, worth=worth, facts=(told, *parts)))
    return {SCENE: found} if found else {}


def _groups(moments: NDArray[np.float64], count: NDArray[np.int64], enough: NDArray[np.int64]) -> list[tuple[int, int]]:
    """First and last place of each stretch with enough people, short dips bridged."""
    groups: list[tuple[int, int]] = []
    for place in enough.tolist():
        if groups and moments[place] - moments[groups[-1][1] + 1] <= _DIP_S:
            groups[-1] = groups[-1][0], place
        else:
            groups.append((place, place))
    return groups


@dataclass(frozen=True, eq=False)
class _Sums:
    """Running sums over the usable faces, so that the mean of any stretch costs two look-ups."""

    key: NDArray[np.float64]
    """(m,) moments, each stay far from the next."""
    offset: NDArray[np.float64]
    total_s: NDArray[np.float64]
    """(m + 1,) seconds."""
    total: NDArray[np.float64]
    """(m + 1,) seconds times probability."""

    def between(
        self, start: NDArray[np.float64], end: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First place, and place after the last, of the faces of each stay from and including two moments."""
        low = np.searchsorted(self.key, start + self.offset - SLACK_S)
        return low, np.searchsorted(self.key, end + self.offset + SLACK_S)

    def seconds(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds of usable faces."""
        return self.total_s[high] - self.total_s[low]

    def mean(self, low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean probability, weighted by time; 0 where there are no faces."""
        seconds = self.seconds(low, high)
        mean: NDArray[np.float64] = (self.total[high] - self.total[low]) / np.maximum(seconds, 1e-9)
        # Without the last digits, which depend on what else is in the sums.
        return np.where(seconds > 0, np.round(mean, 9), 0.0)


def _judged(scene: Scene, stays: Stays, classes: tuple[str, ...]) -> tuple[NDArray[np.int64], _Sums]:
    """The faces that can be judged, of stays, and their sums."""
    rows = np.flatnonzero((stays.row >= 0) & scene.usable)
    probability = sum((scene.probabilities[name][rows] for name in classes), np.zeros(len(rows)))
    seconds = scene.stands_s[rows]
    stay, at = stays.row[rows], scene.at[rows]
    origin = stays.start[stay] if len(rows) else np.empty(0)
    # Lanes are far apart, and so are keys: within a stay they run from its begin, stays after each other.
    length = np.concatenate([[0.0], np.cumsum(stays.end - stays.start + 1e4)])
    offset = length[stay] - origin
    zero = np.zeros(1)
    return rows, _Sums(
        at + offset,
        offset,
        np.concatenate([zero, np.cumsum(seconds)]),
        np.concatenate([zero, np.cumsum(seconds * probability)]),
    )


def _runs(
    held: NDArray[np.bool_], person: NDArray[np.int64], at: NDArray[np.float64], bridge_s: float
) -> list[tuple[int, int]]:
    """First and last place of each run of faces of a person for which something holds."""
    places = np.flatnonzero(held)
    if not len(places):
        return []
    new = (np.diff(person[places]) != 0) | (np.diff(at[places]) > bridge_s + SLACK_S)
    edges = np.flatnonzero(np.concatenate([[True], new]))
    lasts = np.append(edges[1:], len(places)) - 1
    return list(zip(places[edges].tolist(), places[lasts].tolist(), strict=True))


def _fact(kind: str, person: int, start: float, end: float, figures: Mapping[str, float], what: str | None) -> Fact:
    return Fact(kind=kind, people=frozenset((person,)), start=start, end=end, figures=_figures(figures, what))


def _figures(figures: Mapping[str, float], what: str | None) -> tuple[tuple[str, float | str], ...]:
    told: dict[str, float | str] = {} if what is None else {"of": what}
    return tuple((told | {name: round(float(value), 3) for name, value in figures.items()}).items())
