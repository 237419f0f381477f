"""When a condition holds, and for whom; how conditions add up."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Final

FIRST: Final = "first"
THEN: Final = "then"
BETWEEN: Final = "between"
"""How soon the second part of a `then` followed."""
SCENE: Final = -1
"""Owner of what holds for nobody in particular, such as the number of people."""


Steps = tuple[tuple[int, str], ...]
"""The number of a `then` in its rule, and FIRST, BETWEEN or THEN: a rule may join what several of them found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One measurement that a hit rests on."""

    kind: str
    """dwell, shown, rising, crowd, presence, or then, which is told BETWEEN the parts of a `then`."""
    people: frozenset[int]
    start: float
    end: float
    """Moments between which it was measured."""
    figures: tuple[tuple[str, float | str], ...]
    """Name and value, thresholds beside what was measured."""
    step: Steps = ()
    """Where in a `then` it belongs; of one within another the outer one comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A stretch in which a condition holds."""

    start: float
    end: float
    ripe: float
    """The moment at which it was fulfilled, as after the dwell time."""
    peak: float
    """The moment to look at first."""
    worth: float
    """How far beyond its threshold it is, 1 at the threshold."""
    facts: tuple[Fact, ...]

    @property
    def people(self) -> frozenset[int]:
        """Everybody that it is about."""
        return frozenset[int]().union(*(fact.people for fact in self.facts))


Hits = dict[int, list[Hit]]
"""By person, or SCENE; in order of time and apart."""


def both(one: Hits, other: Hits) -> Hits:
    """Where both hold: for the same person, or for a person while the other holds for the scene."""
    found: Hits = {}
    of_scene, of_other = Line(one.get(SCENE, ())), Line(other.get(SCENE, ()))
    for owner in one.keys() | other.keys():
        if owner == SCENE:
            parts = list(_common(of_scene, of_other))
        else:
            mine, yours = Line(one.get(owner, ())), Line(other.get(owner, ()))
            parts = [*_common(mine, yours), *_common(mine, of_other), *_common(of_scene, yours)]
        if parts:
            found[owner] = apart(parts)
    return found


def either(parts: Sequence[Hits]) -> Hits:
    """Where any of them holds."""
    owners = {owner for part in parts for owner in part}
    return {owner: apart([hit for part in parts for hit in part.get(owner, ())]) for owner in sorted(owners)}


def one_then_other(first: Hits, second: Hits, within_s: float, number: int) -> Hits:
    """Where the second begins once the first is fulfilled, and is fulfilled within so many seconds of it.

    The time runs from the last moment at which the first holds, or from where the second begins if it does so while
    the first still holds. Both are of one person, or one of them is of the scene. What they rest on is marked with the
    number of this `then` in its rule.
    """
    found: Hits = {}
    before, after = Line(first.get(SCENE, ())), Line(second.get(SCENE, ()))
    for owner in first.keys() | second.keys():
        if owner == SCENE:
            pairs = [(before, after)]
        else:
            mine, yours = Line(first.get(owner, ())), Line(second.get(owner, ()))
            pairs = [(mine, yours), (mine, after), (before, yours)]
        hits = [hit for befores, afters in pairs for hit in _followed(befores, afters, within_s, number)]
        if hits:
            found[owner] = apart(hits)
    return found


def apart(hits: Iterable[Hit]) -> list[Hit]:
    """Hits in order, those that overlap made one."""
    found: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, hit.end)):
        if found and hit.start <= found[-1].end:
            found[-1] = merged(found[-1], hit)
        else:
            found.append(hit)
    return found


def merged(one: Hit, other: Hit) -> Hit:
    """One hit of two."""
    best = other if other.worth > one.worth else one
    return Hit(
        start=min(one.start, other.start),
        end=max(one.end, other.end),
        ripe=min(one.ripe, other.ripe),
        peak=best.peak,
        worth=best.worth,
        facts=tuple(dict.fromkeys((*one.facts, *other.facts))),
    )


class Line:
    """Hits of one owner, in order, to be looked up by time: those of the scene are held against everybody's."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        """From hits in order of their start."""
        self.hits = hits

    @cached_property
    def starts(self) -> list[float]:
        """Of each hit."""
        return [hit.start for hit in self.hits]

    @cached_property
    def until(self) -> list[float]:
        """Of each hit the latest end of it and all before it."""
        return list(accumulate((hit.end for hit in self.hits), max))

    @cached_property
    def ripe(self) -> list[float]:
        """When hits are fulfilled, in order."""
        return sorted(hit.ripe for hit in self.hits)

    @cached_property
    def latest(self) -> list[Hit]:
        """Of those fulfilled by each of these moments the one that holds longest."""
        return list(accumulate(sorted(self.hits, key=lambda hit: hit.ripe), _later))

    def meeting(self, other: "Line") -> list[Hit]:
        """The hits that some hit of another line may overlap, in order."""
        if len(other.hits) >= len(self.hits):
            return list(self.hits)
        places: set[int] = set()
        for hit in other.hits:
            places.update(range(bisect_left(self.until, hit.start), bisect_right(self.starts, hit.end)))
        return [self.hits[k] for k in sorted(places)]


def _common(ones: Line, others: Line) -> Iterator[Hit]:
    """Where hits of two lines overlap."""
    if not ones.hits or not others.hits:
        return
    for one in ones.meeting(others):
        k = max(bisect_right(others.starts, one.start) - 1, 0)
        while k < len(others.hits) and others.starts[k] <= one.end:
            other = others.hits[k]
            if other.end >= one.start:
                # What has the narrower place in time tells where to look.
                narrow = one if one.end - one.start <= other.end - other.start else other
                start, end = max(one.start, other.start), min(one.end, other.end)
                yield Hit(
                    start=start,
                    end=end,
                    ripe=max(one.ripe, other.ripe),
                    peak=min(max(narrow.peak, start), end),
                    worth=min(one.worth, other.worth),
                    facts=tuple(dict.fromkeys((*one.facts, *other.facts))),
                )
            k += 1


def _later(one: Hit, other: Hit) -> Hit:
    """That of two which ends last, or is ripe last."""
    return max(one, other, key=lambda hit: max(hit.end, hit.ripe))


def _followed(befores: Line, afters: Line, within_s: float, number: int) -> Iterator[Hit]:
    if not befores.hits or not afters.hits:
        return
    # What begins before anything is fulfilled, or after all has long ended, follows nothing.
    last = befores.latest[-1]
    begin = bisect_left(afters.starts, befores.ripe[0])
    end = bisect_right(afters.starts, max(last.end, last.ripe) + within_s)
    for after in afters.hits[begin:end]:
        ready = bisect_right(befores.ripe, after.start)
        before = befores.latest[ready - 1]
        since = min(max(before.end, before.ripe), after.start)
        apart_s = after.ripe - since
        if apart_s <= within_s:
            figures = ("apart_s", round(apart_s, 3)), ("asked_s", within_s)
            step = ((number, BETWEEN),)
            told = Fact(kind="then", people=frozenset(), start=since, end=after.ripe, figures=figures, step=step)
            yield Hit(
                start=min(before.start, after.start),
                end=after.end,
                ripe=after.ripe,
                peak=after.peak,
                worth=min(before.worth, after.worth),
                facts=(*_of_step((number, FIRST), before), told, *_of_step((number, THEN), after)),
            )


def _of_step(step: tuple[int, str], hit: Hit) -> Iterator[Fact]:
    return (replace(fact, step=(step, *fact.step)) for fact in hit.facts)
