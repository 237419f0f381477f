"""What is measured of people: how long they stay, what their faces show, how it changes, how many there are."""

from collections.abc import Mapping
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.events.clock import SLACK_S
from analytics.events.hits import SCENE, Fact, Hit, Hits
from analytics.events.presence import LONGEST_STAND_S, Scene
from analytics.events.rules import Condition, Crowd
from analytics.events.stays import Stays
from analytics.events.sums import judged

_DIP_S: Final = 4.0
"""A number of people that is missed for no longer still stands."""
_TIE: Final = 1e-9
_LEAST_JUDGED: Final = 0.5
"""Share of the stretches before and after a change that usable faces must fill."""


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
    rows, sums = judged(scene, stays, wanted.classes)
    at = scene.at[rows]
    reaches = sums.probability >= wanted.confidence - _TIE
    half = wanted.lasting_s / 2
    low, high = sums.between(at - half, at + half)
    seconds, mean = sums.seconds(low, high), sums.mean(low, high)
    held = (mean >= wanted.confidence) & (seconds >= wanted.usable_s - SLACK_S)
    # The window must be filled from end to end, or two glimpses at its ends would do.
    held &= at[np.maximum(high - 1, 0)] - at[low] >= wanted.lasting_s - LONGEST_STAND_S - SLACK_S
    found: Hits = {}
    for first, last in _runs(held, scene.person[rows], at, half):
        # What reaches into the first and the last window and shows nothing of it is no part of the event.
        shows = int(low[first]) + np.flatnonzero(reaches[low[first] : high[last]])
        begin, end = float(at[shows[0]]), float(at[shows[-1]])
        best = first + int(np.argmax(mean[first : last + 1]))
        figures = {
            "probability": float(mean[best]),
            "asked_probability": wanted.confidence,
            "usable_s": float(seconds[best]),
            "asked_usable_s": wanted.usable_s,
            "lasted_s": end - begin,
            "window_s": wanted.lasting_s,
        }
        person = int(scene.person[rows[first]])
        fact = _fact("shown", person, begin, end, figures, " or ".join(wanted.classes))
        found.setdefault(person, []).append(
            Hit(
                start=begin,
                end=end,
                ripe=min(begin + wanted.lasting_s, end),
                peak=min(max(float(at[best]), begin), end),
                worth=float(mean[best]) / wanted.confidence,
                facts=(fact,),
            )
        )
    return found


def rising(scene: Scene, stays: Stays, asked: Condition) -> Hits:
    """Whoever's apparent expression changes suddenly: the mean of usable faces after a moment against that before."""
    wanted = asked.rising
    assert wanted is not None
    rows, sums = judged(scene, stays, wanted.classes)
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
    # Seconds with enough people: a dip does not end them, and does not count either.
    counted = np.append(np.diff(moments) - scene.clock.blind_s(moments[:-1], moments[1:]), 0.0)
    passed = np.concatenate([[0.0], np.cumsum(np.where(count >= asked.least, counted, 0.0))])
    found: list[Hit] = []
    for first, last in _groups(moments, count, enough):
        begin, until = float(moments[first]), float(moments[last + 1])
        blind_s = scene.clock.blind_between(begin, until)
        lasted_s = float(passed[last + 1] - passed[first])
        if lasted_s < asked.lasting_s - SLACK_S:
            continue
        ripest = int(np.searchsorted(passed, passed[first] + asked.lasting_s - SLACK_S))
        ripe = min(max(float(moments[ripest] - passed[ripest] + passed[first]) + asked.lasting_s, begin), until)
        most = first + int(np.argmax(count[first : last + 1]))
        there = np.flatnonzero((start <= until) & (end >= begin)).tolist()
        everybody = frozenset(
            stays.person[there].tolist() if people is None else (one for k in there for one in hits[k].people)
        )
        figures: dict[str, float] = {
            "most": int(count[most]),
            "asked": asked.least,
            "lasted_s": lasted_s,
            "asked_s": asked.lasting_s,
            "unseen_s": blind_s,
        }
        told = Fact(kind="crowd", people=everybody, start=begin, end=until, figures=_figures(figures, zone))
        parts = () if people is None else tuple(fact for k in there for fact in hits[k].facts)
        worth = float(count[most]) / asked.least
        peak = float(moments[most])
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
