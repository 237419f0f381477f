"""Whether a rule could fire because of what faces look like and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from analytics.events.rules import Condition, Zone
from analytics.events.zones import share_of
from analytics.polygons import Polygon

LEAST_CONTEXT_S: Final = 5.0
"""No longer a dwell time is no context: a face is seen for that long as it passes."""
_NEARLY_ALL: Final = 0.8
"""Share of the picture beyond which zones do not say where somebody is."""
Place = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class _Way:
    """One way in which a condition can hold, out of those that its alternatives make."""

    judged_s: float | None = None
    """The longest stretch that an expression in it is judged over; None where it asks for none."""
    dwell_s: float = 0.0
    several: bool = False
    """Whether it needs two people at once."""
    zones: frozenset[str] = frozenset()

    @property
    def has_context(self) -> bool:
        """Whether it rests on more than expression, its zones aside. An expression that lasts is itself a dwell."""
        return self.judged_s is None or self.several or self.dwell_s > max(LEAST_CONTEXT_S, self.judged_s)


def alone_at(when: Condition, cameras: Sequence[Mapping[str, Zone]]) -> Place | None:
    """Where in a rule it rests on apparent expression alone: keys and places down to the part; None where it does not.

    Time of day is no context, nor are zones that together are most of the picture of a camera, nor, in a `then`, that
    somebody stays before or after.

    Args:
        when: the condition of the rule.
        cameras: of each camera that it is for, its zones by name.
    """
    if not _is_alone(when, cameras):
        return None
    for key in ("any", "all", "then"):
        for place, part in enumerate(getattr(when, key) or ()):
            # A part is to blame where the rule would be sound without what it may hold by.
            if key == "any" and not all(_is_alone(one, cameras) for one in when.any) and _is_alone(part, cameras):
                return (key, place, *(alone_at(part, cameras) or ()))
            if key != "any" and part.any and (below := alone_at(part, cameras)):
                return (key, place, *below)
    return ()


def _is_alone(when: Condition, cameras: Sequence[Mapping[str, Zone]]) -> bool:
    bare = [way for way in _ways(when) if not way.has_context]
    if any(not way.zones for way in bare):
        return True
    for zones in cameras:
        outlines: set[Polygon] = set()
        for way in bare:
            if all(name in zones for name in way.zones):
                outlines.add(min((zones[name].points for name in sorted(way.zones)), key=lambda one: share_of([one])))
        if outlines and share_of(sorted(outlines)) >= _NEARLY_ALL:
            return True
    return False


def _ways(when: Condition) -> set[_Way]:
    stretches = [when.shown.lasting_s] if when.shown else []
    stretches += [3 * when.rising.over_s] if when.rising else []
    ways = {
        _Way(
            judged_s=max(stretches, default=None),
            dwell_s=when.dwell_s or 0.0,
            several=when.crowd is not None and when.crowd.least > 1,
            zones=frozenset(() if when.zone is None else (when.zone,)),
        )
    }
    parts = [_ways(part) for part in when.all]
    if when.any:
        parts.append(set[_Way]().union(*(_ways(part) for part in when.any)))
    if when.then:
        parts.append({_sequence(one, other) for one, other in product(*(_ways(part) for part in when.then))})
    for part in parts:
        ways = {_together(one, other) for one in ways for other in part}
    return ways


def _together(one: _Way, other: _Way) -> _Way:
    stretches = [way.judged_s for way in (one, other) if way.judged_s is not None]
    return _Way(
        judged_s=max(stretches, default=None),
        dwell_s=max(one.dwell_s, other.dwell_s),
        several=one.several or other.several,
        zones=one.zones | other.zones,
    )


def _sequence(one: _Way, other: _Way) -> _Way:
    """Both, one after the other: that somebody stays before or after an expression, as anybody does, is no context."""
    both = _together(one, other)
    judged = [way for way in (one, other) if way.judged_s is not None]
    dwell_s = min((way.dwell_s for way in judged), default=both.dwell_s)
    return _Way(judged_s=both.judged_s, dwell_s=dwell_s, several=both.several, zones=both.zones)
