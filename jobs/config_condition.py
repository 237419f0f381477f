"""What a rule of emobatch.toml asks for: the table of a rule, or of a part of it, as a Condition."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from analytics.events.rules import DAY_S, Condition, Crowd, Rising, Shown, Zone
from jobs.config_values import nearest
from jobs.event_values import Teller, number, span, text, texts
from jobs.moments import seconds_of_hours
from jobs.toml_lines import Key

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHOLE_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BELONGS: Final[Mapping[str, tuple[str, ...]]] = {
    "people_lasting": ("people",),
    "lasting": ("expression",),
    "usable": ("expression",),
    "confidence": ("expression", "change"),
    "rise": ("change",),
    "over": ("change",),
    "within": ("then",),
}
"""Settings that say more of another one, and nothing without it."""
CONDITION_KEYS: Final = (
    "zone", "hours", "days", "dwell", "people", "expression", "change", "all", "any", "then", *_BELONGS,
)  # fmt: skip
_CLASS: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DEEPEST: Final = 5
_MOST_S: Final = DAY_S
_LASTING_S: Final = 5.0


def condition_from(teller: Teller, table: Mapping[str, Any], zones: Sequence[Zone], depth: int = 0) -> Condition:
    """The condition that a table asks for.

    Args:
        teller: names the rule in errors.
        table: the keys of a condition alone.
        zones: all zones of the file.
        depth: of the table within its rule.

    Raises:
        UsageError: a value that cannot be; with rule and line.
    """
    if depth > _DEEPEST:
        raise teller.error((), "has conditions in conditions without end", f"keep to {_DEEPEST} levels")
    teller.need_known(table, CONDITION_KEYS)
    for key, needed in _BELONGS.items():
        if key in table and not any(one in table for one in needed):
            raise teller.error((key,), f"says nothing without {' or '.join(needed)}", "add it, or leave this out")
    if not any(key in table for key in CONDITION_KEYS if key not in _BELONGS):
        raise teller.error((), "asks for nothing", "give a zone, dwell, people, or another condition of docs/events.md")
    then = _parts(teller, table, "then", zones, depth)
    if then and len(then) != 2:
        raise teller.error(("then",), f"has {len(then)} parts", "give two: what comes first, and what follows")
    if then and "within" not in table:
        raise teller.error(("then",), "says not within how long", 'add within = "1m"')
    return Condition(
        zone=_zone(teller, table, zones),
        hours=_hours(teller, table),
        days=_days(teller, table),
        dwell_s=span(teller, table, "dwell", 0.0, least=1.0, most=_MOST_S) if "dwell" in table else None,
        shown=_shown(teller, table),
        rising=_rising(teller, table),
        crowd=_crowd(teller, table),
        all=_parts(teller, table, "all", zones, depth),
        any=_parts(teller, table, "any", zones, depth),
        then=(then[0], then[1]) if then else None,
        within_s=span(teller, table, "within", 0.0, least=0.5, most=3600.0),
    )


def why_never(when: Condition) -> tuple[Key, str, str] | None:
    """Which part keeps a condition from ever holding, by what, and what to do; None where nothing does."""
    if problem := _why_never_itself(when):
        return ((), *problem)
    for key in ("all", "any", "then"):
        for place, part in enumerate(getattr(when, key) or ()):
            if below := why_never(part):
                path, *problem_below = below
                return ((key, place, *path), problem_below[0], problem_below[1])
    return None


def _why_never_itself(part: Condition) -> tuple[str, str] | None:
    length = _length_s(part)
    if part.dwell_s is not None and part.dwell_s > length:
        return f"can never fire: it asks for {part.dwell_s:g} s within hours of {length:g} s", "ask for less"
    if part.crowd is not None and part.crowd.lasting_s > length:
        return f"can never fire: people for {part.crowd.lasting_s:g} s within hours of {length:g} s", "ask for less"
    if part.shown is not None and part.dwell_s is None and part.shown.lasting_s > length:
        return f"can never fire: lasting {part.shown.lasting_s:g} s within hours of {length:g} s", "ask for less"
    if part.then:
        least = _least_s(part.then[1])
        if part.within_s < least:
            return (
                f"can never fire: what is to follow within {part.within_s:g} s takes at least {least:g} s",
                f"give within = {least:g} or more",
            )
    return None


def _least_s(when: Condition) -> float:
    """The seconds that a condition takes from its begin until it is fulfilled."""
    own = [when.dwell_s or 0.0, when.crowd.lasting_s if when.crowd else 0.0]
    if when.shown:
        own.append(when.shown.lasting_s)
    own += [_least_s(part) for part in when.all]
    if when.any:
        own.append(min(_least_s(part) for part in when.any))
    if when.then:
        own.append(_least_s(when.then[0]))
    return max(own)


def _length_s(when: Condition) -> float:
    """The longest stretch in which it is the right time of day."""
    if when.hours is None:  # Whole days, of which several may follow each other.
        return DAY_S if when.days is not None and len(when.days) == 1 else 7 * DAY_S
    start, end = when.hours
    return end - start if end > start else end - start + DAY_S


def _parts(
    teller: Teller, table: Mapping[str, Any], key: str, zones: Sequence[Zone], depth: int
) -> tuple[Condition, ...]:
    if key not in table:
        return ()
    value = table[key]
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise teller.error((key,), "is no list of conditions", f"write {key} = [{{ … }}, {{ … }}]")
    return tuple(condition_from(teller.within(key, place), part, zones, depth + 1) for place, part in enumerate(value))


def _zone(teller: Teller, table: Mapping[str, Any], zones: Sequence[Zone]) -> str | None:
    if "zone" not in table:
        return None
    name = text(teller, table, "zone")
    known = sorted({zone.name for zone in zones})
    if name not in known:
        remedy = nearest(name, known) if known else "draw it, as [[zone]] with name, camera and points"
        raise teller.error(("zone",), f"{name[:40]!r}: there is no such zone", remedy)
    return name


def _hours(teller: Teller, table: Mapping[str, Any]) -> tuple[float, float] | None:
    if "hours" not in table:
        return None
    given = text(teller, table, "hours")
    found = seconds_of_hours(given)
    if found is None:
        remedy = 'give two times of day, such as "22-06" or "08:30-18:00"'
        raise teller.error(("hours",), f"{given[:40]!r}: no hours of a day", remedy)
    start, end = found
    return float(start), float(end)


def _days(teller: Teller, table: Mapping[str, Any]) -> frozenset[int] | None:
    if "days" not in table:
        return None
    given = texts(teller, table, "days")
    for name in given:
        if name.lower() not in (*_DAYS, *_WHOLE_DAYS):
            raise teller.error(("days",), f"{name[:40]!r}: no day of the week", f"give {', '.join(_DAYS)}")
    return frozenset(_DAYS.index(name.lower()[:3]) for name in given)


def _classes(teller: Teller, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = texts(teller, table, key)
    for name in names:
        if not _CLASS.fullmatch(name):
            raise teller.error((key,), f"{name[:40]!r}: can be no expression", "name classes of the classifier")
    if len(set(names)) < len(names):
        raise teller.error((key,), "names an expression twice", "name it once")
    return names


def _shown(teller: Teller, table: Mapping[str, Any]) -> Shown | None:
    if "expression" not in table:
        return None
    lasting_s = span(teller, table, "lasting", _LASTING_S, least=1.0, most=3600.0)
    usable_s = span(teller, table, "usable", lasting_s / 2, least=0.5, most=3600.0)
    if usable_s > lasting_s:
        problem = f"can never fire: {usable_s:g} s of usable faces within {lasting_s:g} s"
        raise teller.error(("usable",) if "usable" in table else ("lasting",), problem, "give no more than lasting")
    return Shown(
        classes=_classes(teller, table, "expression"),
        confidence=number(teller, table, "confidence", 0.5, least=0.05, most=1.0),
        lasting_s=lasting_s,
        usable_s=usable_s,
    )


def _rising(teller: Teller, table: Mapping[str, Any]) -> Rising | None:
    if "change" not in table:
        return None
    return Rising(
        classes=_classes(teller, table, "change"),
        rise=number(teller, table, "rise", 0.35, least=0.05, most=1.0),
        over_s=span(teller, table, "over", 3.0, least=1.0, most=60.0),
        confidence=number(teller, table, "confidence", 0.5, least=0.05, most=1.0),
    )


def _crowd(teller: Teller, table: Mapping[str, Any]) -> Crowd | None:
    if "people" not in table:
        return None
    value = table["people"]
    if type(value) is not int or not 1 <= value <= 1000:
        shown = str(value)[:40]
        raise teller.error(("people",), f"{shown} is no number of people", "give a whole number from 1 to 1000")
    return Crowd(least=value, lasting_s=span(teller, table, "people_lasting", 0.0, least=0.0, most=_MOST_S))
