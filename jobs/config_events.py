"""Zones and rules of emobatch.toml, checked, each error with its rule and line. What they mean is docs/events.md's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.errors import UsageError
from analytics.events.context import alone_at
from analytics.events.rules import (
    ABSENCE_S,
    STILL_S,
    EventRules,
    Rule,
    Zone,
    can_fire_with,
    is_called,
)
from analytics.events.shipped import NEEDS, SHIPPED
from analytics.events.zones import LEAST_AREA
from analytics.polygons import corners_of, why_no_polygon
from jobs.config import Config
from jobs.config_condition import CONDITION_KEYS, condition_from, why_never
from jobs.config_values import nearest
from jobs.event_values import Teller, span, text, texts
from jobs.mistakes import Tell, raised, telling

_RULE_KEYS: Final = ("name", "severity", "cooldown", "merge_gap", "cameras")
_ZONE_KEYS: Final = ("name", "camera", "points")
_EVENTS_KEYS: Final = ("use", "absence", "still")
_SEVERITIES: Final = ("low", "medium", "high")
_LONGEST_S: Final = 7 * 86_400.0
_MOST_ABSENCE_S: Final = 60.0
_LEAST_STILL_S: Final = 5.0
"""Below it nobody who stops for a moment would be left."""
_MEANT: Final = ("rule", "zone")
"""Sections of their own that somebody may look for below [events]."""
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,80}")


def rules_from(config: Config, tell: Tell = raised) -> EventRules | None:
    """What the file asks of events; None where it has neither rules nor says which of emobatch's own are in use.

    Rules are not looked at where zones are wrong, which they may name.

    Args:
        config: what the file holds.
        tell: what is done about a zone or rule that cannot be, or can never fire.

    Raises:
        UsageError: there is one; with its line.
    """
    section = config.of_events.get("events", {})
    absence_s, still_s = ABSENCE_S, STILL_S
    with telling(tell):
        absence_s, still_s = _spans(config, section)
    zones = _zones(config, tell)
    if len(zones.zones) < len(config.of_events.get("zone", ())):
        return None
    rules: list[tuple[Teller, Rule]] = []
    unused: list[tuple[Teller, Rule]] = []
    with telling(tell):
        rules += _used(config, section, zones.zones, tell)
        unused += _unused(config, section, zones.zones)
    rules += _own(config, zones.zones, tell)
    with telling(tell):
        _check_names(rules)
    told = tuple(
        f"{rule.place}: [events.{rule.name}]: is not in use: add it to use of [events], or leave it out"
        for _, rule in unused
    )
    found = EventRules(
        rules=tuple(rule for _, rule in rules), zones=zones.zones, absence_s=absence_s, still_s=still_s,
        lines=zones.lines, unused=told,
    )  # fmt: skip
    for teller, rule in (*rules, *unused):
        with telling(tell):
            _check(teller, rule, found)
    return found if rules or "use" in section else None


def _spans(config: Config, section: Mapping[str, Any]) -> tuple[float, float]:
    """The seconds of [events]: absence and still."""
    of_events = Teller(config, ("events",), "events")
    for name, value in section.items():
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value) and name not in _MEANT:
            raise of_events.error((name,), "has two pairs of brackets, and takes one", f"write [events.{name}]")
    settings = {name: value for name, value in section.items() if not isinstance(value, dict) and name not in _MEANT}
    of_events.need_known(settings, (*_EVENTS_KEYS, *SHIPPED))
    absence_s = span(of_events, settings, "absence", ABSENCE_S, least=0.0, most=_MOST_ABSENCE_S)
    still_s = span(of_events, settings, "still", STILL_S, least=0.0, most=_LONGEST_S)
    if 0 < still_s < _LEAST_STILL_S:
        problem = f"{still_s:g} s: everybody stands still for so long"
        raise of_events.error(("still",), problem, f"give {_LEAST_STILL_S:g} s or more, or 0 to leave nobody out")
    return absence_s, still_s


@dataclass(frozen=True)
class _Zones:
    zones: tuple[Zone, ...]
    lines: dict[str, str]


def _zones(config: Config, tell: Tell) -> _Zones:
    found: list[Zone] = []
    lines: dict[str, str] = {}
    for number_, table in enumerate(config.of_events.get("zone", ())):
        teller = Teller(config, ("zone", number_), "zone")
        with telling(tell):
            zone = _zone(teller, table)
            place = f"{zone.camera}/{zone.name}"
            if place in lines:
                problem = f"camera {zone.camera} has such a zone in {lines[place]}"
                raise teller.called(zone.name).error(("name",), problem, "name one of them otherwise")
            lines[place] = teller.place()
            found.append(zone)
    return _Zones(tuple(found), lines)


def _zone(teller: Teller, table: Any) -> Zone:
    if not isinstance(table, dict):
        raise teller.error((), "is another kind of section", "write [[zone]]")
    teller = teller.called(table.get("name"))
    teller.need_known(table, _ZONE_KEYS)
    name, camera = _name(teller, table, "name"), _name(teller, table, "camera")
    points = _points(teller, table.get("points"))
    if problem := why_no_polygon(points, LEAST_AREA):
        raise teller.error(("points",), *problem)
    return Zone(name=name, camera=camera, points=points)


def _name(teller: Teller, table: Mapping[str, Any], key: str) -> str:
    if key not in table:
        raise teller.error((), f"has no {key}", f'give one, as {key} = "shelf"')
    name = text(teller, table, key)
    if not _NAME.fullmatch(name):
        raise teller.error((key,), f"{name[:40]!r} can be no {key}", "give 1 to 80 characters on one line")
    return name


def _points(teller: Teller, value: Any) -> tuple[tuple[float, float], ...]:
    wanted = "give corners as shares of the picture, [[0.1, 0.2], [0.5, 0.2], [0.5, 0.9]]"
    if value is None:
        raise teller.error((), "has no points", wanted)
    corners = corners_of(value)
    if not corners:
        raise teller.error(("points",), "is no list of corners", wanted)
    return corners


def _used(config: Config, section: Mapping[str, Any], zones: Sequence[Zone], tell: Tell) -> list[tuple[Teller, Rule]]:
    """emobatch's own rules, as far as they are switched on."""
    teller = Teller(config, ("events",), "events")
    for name, value in section.items():
        if name in _MEANT:
            raise teller.error((name,), f"no {name} stands below [events]", f"write [[{name}]]")
        if isinstance(value, dict) and name not in SHIPPED:
            raise teller.error(
                (name,), "no such rule", f"{nearest(name, SHIPPED)}; rules of your own stand in [[rule]]"
            )
        if not isinstance(value, dict) and name in SHIPPED:
            raise teller.error((name,), "is no section", f"write [events.{name}] above its settings")
    found = []
    use = _use(teller, section)
    others = [table.get("name") for table in config.of_events.get("rule", ()) if isinstance(table, dict)]
    for number_, name in enumerate(use):
        if name not in SHIPPED:
            remedy = "a rule of your own is always on: take it out of use" if name in others else nearest(name, SHIPPED)
            raise teller.error(("use", number_), f"{name[:40]!r}: is none of emobatch's own rules", remedy)
        if name in use[:number_]:
            raise teller.error(("use", number_), f"{name}: is there twice", "name it once")
        with telling(tell):
            own = section.get(name, {})
            of_rule = Teller(config, ("events", name), "rule", name)
            if missing := [key for key in NEEDS.get(name, ()) if key not in own]:
                place = of_rule if own else Teller(config, ("events", "use", number_), "rule", name)
                remedy = f'say which below [events.{name}], as {missing[0]} = "shelf"'
                raise place.error((), f"has no {missing[0]}", remedy)
            found.append(_rule(of_rule, {"name": name, **SHIPPED[name], **own}, zones))
    return found


def _use(teller: Teller, section: Mapping[str, Any]) -> tuple[str, ...]:
    return texts(teller, section, "use") if section.get("use", []) != [] else ()


def _unused(config: Config, section: Mapping[str, Any], zones: Sequence[Zone]) -> list[tuple[Teller, Rule]]:
    """Those of which the file has settings and that it does not switch on: checked all the same."""
    use = _use(Teller(config, ("events",), "events"), section)
    names = [name for name in section if name in SHIPPED and name not in use]
    return [
        _rule(Teller(config, ("events", name), "rule", name), {"name": name, **SHIPPED[name], **section[name]}, zones)
        for name in names
    ]


def _own(config: Config, zones: Sequence[Zone], tell: Tell) -> list[tuple[Teller, Rule]]:
    found = []
    for number_, table in enumerate(config.of_events.get("rule", ())):
        teller = Teller(config, ("rule", number_), "rule")
        with telling(tell):
            if not isinstance(table, dict):
                raise teller.error((), "is another kind of section", "write [[rule]]")
            found.append(_rule(teller.called(table.get("name")), table, zones))
    return found


def _rule(teller: Teller, table: Mapping[str, Any], zones: Sequence[Zone]) -> tuple[Teller, Rule]:
    teller.need_known(table, (*_RULE_KEYS, *CONDITION_KEYS))
    name = _name(teller, table, "name")
    severity = text(teller, table, "severity") if "severity" in table else "medium"
    if severity not in _SEVERITIES:
        raise teller.error(("severity",), f"{severity[:40]!r} is none", f"give {', '.join(_SEVERITIES)}")
    merge_gap_s = span(teller, table, "merge_gap", 10.0, least=0.0, most=_LONGEST_S)
    cooldown_s = span(teller, table, "cooldown", max(60.0, merge_gap_s), least=0.0, most=_LONGEST_S)
    if 0 < cooldown_s < merge_gap_s:
        raise teller.error(
            ("cooldown",), f"{cooldown_s:g} s: is shorter than the merge_gap of {merge_gap_s:g} s, and does nothing",
            "give more, or 0 for none",
        )  # fmt: skip
    when = condition_from(teller, {key: value for key, value in table.items() if key in CONDITION_KEYS}, zones)
    cameras = texts(teller, table, "cameras") if "cameras" in table else ()
    return teller, Rule(
        name=name, when=when, severity=severity, cooldown_s=cooldown_s, merge_gap_s=merge_gap_s, cameras=cameras,
        place=teller.place(),
    )  # fmt: skip


def _check_names(rules: Sequence[tuple[Teller, Rule]]) -> None:
    seen: dict[str, str] = {}
    for teller, rule in rules:
        if rule.name in SHIPPED and teller.key[0] == "rule":
            remedy = f"name it otherwise, or change that one below [events.{rule.name}]"
            raise teller.error(("name",), f"a rule that comes with emobatch is called {rule.name}", remedy)
        if rule.name in seen:
            raise teller.error(("name",), f"there is such a rule in {seen[rule.name]}", "name one of them otherwise")
        seen[rule.name] = teller.place()


def _check(teller: Teller, rule: Rule, rules: EventRules) -> None:
    """What no rule may be, and what keeps it from ever firing."""
    cameras = sorted({zone.camera for zone in rules.zones})
    zones_of = {camera: rules.zones_of(camera) for camera in cameras}
    here = [zones for camera, zones in zones_of.items() if rule.is_for(camera, frozenset(zones))]
    if (alone := alone_at(rule.when, here or list(zones_of.values()))) is not None:
        raise teller.within(*alone).error(
            (), "rests on apparent expression alone, which proves nothing about intent, and is wrong too often",
            "add a context: zones that are a part of the picture, a dwell of more than 5 s that is longer than the "
            "expression takes, or at least 2 people at once",
        )  # fmt: skip
    if never := why_never(rule.when):
        path, problem, remedy = never
        raise teller.within(*path).error((), problem, remedy)
    if not rule.when.zones:
        return
    by_camera = {zone.camera: frozenset(rules.zones_of(zone.camera)) for zone in rules.zones}
    fitting = [camera for camera, names in by_camera.items() if can_fire_with(rule.when, names)]
    if not fitting and not can_fire_with(rule.when, frozenset()):
        raise teller.error(
            (), f"no camera has all of the zones {', '.join(sorted(rule.when.zones))}", "draw them for the same camera"
        )
    if rule.cameras and fitting and not any(is_called(one, pattern) for one in fitting for pattern in rule.cameras):
        raise teller.error(
            ("cameras",), f"none of them has the zone: {', '.join(sorted(fitting))} has", "name that camera, or none"
        )


def check_classes(rules: EventRules, classes: Sequence[str]) -> None:
    """Make sure that the classifier knows the expressions that rules ask for.

    Raises:
        UsageError: it does not; with rule and line.
    """
    for rule in rules.rules:
        if unknown := sorted(rule.when.classes - set(classes)):
            raise UsageError(
                f'{rule.place}: rule "{rule.name}": {unknown[0]}: is no class of the classifier',
                f"take one of {', '.join(classes)}",
            )


def strangers(rules: EventRules, cameras: Sequence[str]) -> list[str]:
    """What names cameras of which there are no videos, in words: a camera may be new, or a name misspelt."""
    known = sorted(set(cameras))
    told = [
        f'{rules.lines[f"{zone.camera}/{zone.name}"]}: zone "{zone.name}": no video is of camera {zone.camera}: '
        f"{nearest(zone.camera, known) if known else 'no camera is known'}"
        for zone in rules.zones
        if zone.camera not in known
    ]
    for rule in rules.rules:
        for pattern in rule.cameras:
            if not any(is_called(camera, pattern) for camera in known):
                remedy = nearest(pattern, known) if known else "no camera is known"
                told.append(f'{rule.place}: rule "{rule.name}": no video is of camera {pattern}: {remedy}')
    return [*told, *rules.unused]
