"""How hits add up: as by holding each against each, and without doing so."""

from time import perf_counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.events.hits import SCENE, Fact, Hit, Hits, apart, both, one_then_other

TIMES = st.lists(st.integers(0, 60), min_size=0, max_size=8)


def hits_of(owner: int, times: list[int], kind: str) -> list[Hit]:
    """Some hits, which may overlap, in order; each has a fact of its own."""
    found = []
    for k, start in enumerate(sorted(times)):
        end = start + (k * 7 + owner) % 9
        fact = Fact(kind=kind, people=frozenset({owner}), start=start, end=end, figures=(("k", float(k)),))
        worth = 1 + (k * 5 % 3) / 2
        found.append(Hit(start=start, end=end, ripe=start + (end - start) / 2, peak=end, worth=worth, facts=(fact,)))
    return found


SIDES = st.dictionaries(st.sampled_from([SCENE, 0, 1, 2]), TIMES)


def side(drawn: dict[int, list[int]], kind: str, is_apart: bool) -> Hits:
    """Hits by owner."""
    found = {owner: hits_of(owner, times, kind) for owner, times in drawn.items() if times}
    return {owner: apart(hits) for owner, hits in found.items()} if is_apart else found


def plainly_both(one: Hits, other: Hits) -> Hits:
    """Each hit against each."""
    found = {}
    for owner in one.keys() | other.keys():
        pairs = [(one.get(owner, []), other.get(owner, []))]
        if owner != SCENE:
            pairs += [(one.get(owner, []), other.get(SCENE, [])), (one.get(SCENE, []), other.get(owner, []))]
        parts = []
        for mine, yours in pairs:
            for a in mine:
                for b in yours:
                    start, end = max(a.start, b.start), min(a.end, b.end)
                    if start <= end:
                        narrow = a if a.end - a.start <= b.end - b.start else b
                        peak, facts = min(max(narrow.peak, start), end), tuple(dict.fromkeys((*a.facts, *b.facts)))
                        worth, ripe = min(a.worth, b.worth), max(a.ripe, b.ripe)
                        parts.append(Hit(start=start, end=end, ripe=ripe, peak=peak, worth=worth, facts=facts))
        if parts:
            found[owner] = apart(parts)
    return found


@given(SIDES, SIDES)
def test_both_holds_each_hit_against_each(one: dict[int, list[int]], other: dict[int, list[int]]) -> None:
    """Hits of people, of the scene, and of either side alone."""
    first, second = side(one, "a", True), side(other, "b", True)
    assert both(first, second) == plainly_both(first, second)


@given(SIDES, SIDES, st.integers(0, 20))
def test_what_follows_is_what_is_near_enough(
    one: dict[int, list[int]], other: dict[int, list[int]], within: int
) -> None:
    """When and for whom, by looking at each pair."""
    first, second = side(one, "a", False), side(other, "b", False)
    found = one_then_other(first, second, within, 1)
    for owner in first.keys() | second.keys():
        pairs = [(first.get(owner, []), second.get(owner, []))]
        if owner != SCENE:
            pairs += [(first.get(owner, []), second.get(SCENE, [])), (first.get(SCENE, []), second.get(owner, []))]
        ends = set()
        for befores, afters in pairs:
            for after in afters:
                ready = [max(hit.end, hit.ripe) for hit in befores if hit.ripe <= after.start]
                if ready and after.ripe - min(max(ready), after.start) <= within:
                    ends.add(after.end)
        assert bool(ends) == (owner in found)
        if ends:
            assert max(hit.end for hit in found[owner]) == max(ends)
            assert {hit.end for hit in found[owner]} <= ends


def test_thousands_of_people_before_thousands_of_crowds_take_a_moment() -> None:
    """In either order, and one after the other."""
    random = np.random.default_rng(5)
    n = 6000

    def hit(start: float) -> Hit:
        return Hit(start=start, end=start + 20, ripe=start + 5, peak=start, worth=1.0, facts=())

    people = {k: [hit(float(start))] for k, start in enumerate(random.uniform(0, (n - 1) * 30, n))}
    crowds = {SCENE: [hit(30.0 * k) for k in range(n)]}
    begin = perf_counter()
    found, turned = both(people, crowds), both(crowds, people)
    assert len(found) == n
    assert {owner: [(one.start, one.end) for one in hits] for owner, hits in found.items()} == {
        owner: [(one.start, one.end) for one in hits] for owner, hits in turned.items()
    }
    assert one_then_other(people, crowds, 30, 1) and one_then_other(crowds, people, 30, 1)
    assert perf_counter() - begin < 5
