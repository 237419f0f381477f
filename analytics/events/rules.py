"""What a rule asks for: the records that emobatch.toml is read into, and what follows from them alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

DAY_S: Final = 86_400.0
ABSENCE_S: Final = 10.0
"""Unless said: who is out of sight for longer has gone."""
STILL_S: Final = 20.0
"""Unless said: who hardly moves for so long is taken for a picture and left out."""


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A part of one camera's picture."""

    name: str
    camera: str
    points: tuple[tuple[float, float], ...]
    """x and y of the corners, shares of the width and the height of the upright picture, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An apparent expression that lasts."""

    classes: tuple[str, ...]
    """Their probabilities are added up."""
    confidence: float
    """The mean probability that it must reach over `lasting_s`, 0 to 1."""
    lasting_s: float
    usable_s: float
    """Seconds of usable faces that must lie within `lasting_s`."""


@dataclass(frozen=True, kw_only=True)
class Rising:
    """An apparent expression that appears suddenly."""

    classes: tuple[str, ...]
    rise: float
    """How much the mean probability after a moment must exceed that before it, 0 to 1."""
    over_s: float
    """Length of the stretch after the moment; the stretch before it is twice as long."""
    confidence: float
    """The mean probability that it must reach after the moment."""


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Several people for whom the rest of a condition holds at once."""

    least: int
    lasting_s: float


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What must hold, all of it. Zone and time of day say which stretches of presence the rest is asked of."""

    zone: str | None = None
    hours: tuple[float, float] | None = None
    """Seconds of the camera's day, from and before; the second is the smaller one where midnight lies between."""
    days: frozenset[int] | None = None
    """Days of the week on which the hours begin, Monday 0."""
    dwell_s: float | None = None
    shown: Shown | None = None
    rising: Rising | None = None
    crowd: Crowd | None = None
    all: tuple["Condition", ...] = ()
    any: tuple["Condition", ...] = ()
    then: tuple["Condition", "Condition"] | None = None
    """The second begins after the first is fulfilled, and is fulfilled within `within_s` of it."""
    within_s: float = 0.0

    @property
    def children(self) -> tuple["Condition", ...]:
        """The conditions within it."""
        return (*self.all, *self.any, *(self.then or ()))

    @property
    def has_own(self) -> bool:
        """Whether it asks for anything itself."""
        return any(
            asked is not None
            for asked in (self.zone, self.hours, self.days, self.dwell_s, self.shown, self.rising, self.crowd)
        )

    def walk(self) -> Iterator["Condition"]:
        """It and all conditions within it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def classes(self) -> frozenset[str]:
        """The expressions that it asks for, those within it included."""
        asked = (one for part in self.walk() for one in (part.shown, part.rising) if one)
        return frozenset(name for one in asked for name in one.classes)

    @property
    def zones(self) -> frozenset[str]:
        """The zones that it names, those within it included."""
        return frozenset(part.zone for part in self.walk() if part.zone is not None)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of emobatch.toml."""

    name: str
    when: Condition
    severity: str = "medium"
    cooldown_s: float = 60.0
    """What begins so soon after an event of the same rule and camera is counted with it, and not reported apart."""
    merge_gap_s: float = 10.0
    """Hits of one camera that lie no further apart are one event."""
    cameras: tuple[str, ...] = ()
    """Patterns (fnmatch) of the cameras that it holds for; all where there is none."""
    place: str = ""
    """Where it stands, such as `emobatch.toml:12`."""

    def is_for(self, camera: str | None, zones: frozenset[str]) -> bool:
        """Whether it can fire on a camera that has these zones."""
        if self.cameras and not any(is_called(camera or "", pattern) for pattern in self.cameras):
            return False
        return can_fire_with(self.when, zones)


@dataclass(frozen=True, kw_only=True)
class EventRules:
    """All that is asked of an archive."""

    rules: tuple[Rule, ...]
    zones: tuple[Zone, ...] = ()
    absence_s: float = ABSENCE_S
    still_s: float = STILL_S
    """Who hardly moves for so long is left out as a picture; 0 for nobody."""
    lines: dict[str, str] = field(default_factory=dict, compare=False)
    """Where each zone stands, by `camera/name`."""
    unused: tuple[str, ...] = field(default=(), compare=False)
    """What the file says of rules that it does not switch on, in words."""

    def zones_of(self, camera: str | None) -> dict[str, Zone]:
        """The zones of a camera, by name."""
        return {zone.name: zone for zone in self.zones if zone.camera == camera}

    @property
    def longest_within_s(self) -> float:
        """The longest time between the two parts of a `then`."""
        return max((part.within_s for rule in self.rules for part in rule.when.walk()), default=0.0)


def is_called(camera: str, pattern: str) -> bool:
    """Whether a pattern (fnmatch) is for a camera; a name stands for itself, whatever characters it has."""
    return camera == pattern or fnmatchcase(camera, pattern)


def can_fire_with(when: Condition, zones: frozenset[str]) -> bool:
    """Whether a condition can hold where there are no other zones than these."""
    if when.zone is not None and when.zone not in zones:
        return False
    if not all(can_fire_with(part, zones) for part in (*when.all, *(when.then or ()))):
        return False
    return not when.any or any(can_fire_with(part, zones) for part in when.any)
