"""When a condition holds, and for whom; how conditions add up."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

FIRST: Final = "first"
THEN: Final = "then"
SCENE: Final = -1
"""Owner of what holds for nobody in particular, such as the number of people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One measurement that a hit rests on."""

    kind: str
    """dwell, shown, rising, crowd, presence, or then: how soon the second part of a `then` followed."""
    people: frozenset[int]
    start: float
    end: float
    """Moments between which it was measured."""
    figures: tuple[tuple[str, float | str], ...]
    """Name and value, thresholds beside what was measured."""
    step: tuple[str, ...] = ()
    """Which part of a `then` it is of, FIRST or THEN; of one within another the outer one comes first."""


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
    for owner in one.keys() | other.keys():
        if owner == SCENE:
            parts = list(_common(one[owner], other.get(owner, ()))) if owner in one else []
        else:
            mine, yours = one.get(owner, ()), other.get(owner, ())
            parts = [*_common(mine, yours), *_common(mine, other.get(SCENE, ())), *_common(one.get(SCENE, ()), yours)]
        if parts:
            found[owner] = apart(parts)
    return found


def either(parts: Sequence[Hits]) -> Hits:
    """Where any of them holds."""
    owners = {owner for part in parts for owner in part}
    return {owner: apart([hit for part in parts for hit in part.get(owner, ())]) for owner in sorted(owners)}


def one_then_other(first: Hits, second: Hits, within_s: float) -> Hits:
    """Where the second begins once the first is fulfilled, and is fulfilled within so many seconds of it.

    The time runs from the last moment at which the first holds, or from where the second begins if it does so while
    the first still holds. Both are of one person, or one of them is of the scene.
    """
    found: Hits = {}
    for owner in first.keys() | second.keys():
        if owner == SCENE:
            pairs = [(first.get(SCENE, ()), second.get(SCENE, ()))]
        else:
            mine, yours = first.get(owner, ()), second.get(owner, ())
            pairs = [(mine, yours), (mine, second.get(SCENE, ())), (first.get(SCENE, ()), yours)]
        hits = [hit for befores, afters in pairs for hit in _followed(befores, afters, within_s)]
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


def _common(ones: Sequence[Hit], others: Sequence[Hit]) -> Iterator[Hit]:
    """Where hits of two lists overlap; both are in order and apart."""
    starts = [other.start for other in others]
    for one in ones:
        k = max(bisect_right(starts, one.start) - 1, 0)
        while k < len(others) and others[k].start <= one.end:
            other = others[k]
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


def _followed(befores: Sequence[Hit], afters: Sequence[Hit], within_s: float) -> Iterator[Hit]:
    in_order = sorted(befores, key=lambda hit: hit.ripe)
    ripe = [hit.ripe for hit in in_order]
    latest = list(accumulate(in_order, _later))
    for after in afters:
        ready = bisect_right(ripe, after.start)
        if not ready:
            continue
        before = latest[ready - 1]
        since = min(max(before.end, before.ripe), after.start)
        apart_s = after.ripe - since
        if apart_s <= within_s:
            figures = ("apart_s", round(apart_s, 3)), ("asked_s", within_s)
            told = Fact(kind="then", people=frozenset(), start=since, end=after.ripe, figures=figures)
            yield Hit(
                start=min(before.start, after.start),
                end=after.end,
                ripe=after.ripe,
                peak=after.peak,
                worth=min(before.worth, after.worth),
                facts=(*_of_step(FIRST, before), told, *_of_step(THEN, after)),
            )


def _of_step(step: str, hit: Hit) -> Iterator[Fact]:
    return (replace(fact, step=(step, *fact.step)) for fact in hit.facts)
