"""How often a rule was right, as far as its events were reviewed: precision, its interval, and how it went over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from analytics.events.reviews import FALSE_ALARM, UNCLEAR, USEFUL

LEAST: Final = 5
"""Events judged useful or false alarm below which nothing is claimed."""
_DAYS_OF_DAYS: Final = 14
"""Up to so many days a trend is told by day, beyond by week."""


@dataclass(frozen=True, kw_only=True)
class Precision:
    """What came of some events of one rule."""

    useful: int
    false_alarms: int
    unclear: int
    open: int
    """Not reviewed."""
    interval: tuple[float, float] | None
    """95 %, by Wilson's score (1927); None below LEAST."""

    @staticmethod
    def of(verdicts: Iterable[str | None]) -> "Precision":
        """From the verdict on each event; None for one that has none."""
        told = list(verdicts)
        useful, false_alarms = told.count(USEFUL), told.count(FALSE_ALARM)
        interval = None
        if useful + false_alarms >= LEAST:
            from scipy.stats import binomtest  # Slow to import, and most archives have no verdicts.

            found = binomtest(useful, useful + false_alarms).proportion_ci(method="wilson")
            interval = float(found.low), float(found.high)
        return Precision(
            useful=useful,
            false_alarms=false_alarms,
            unclear=told.count(UNCLEAR),
            open=told.count(None),
            interval=interval,
        )

    @property
    def judged(self) -> int:
        """Those that count: useful and false alarms."""
        return self.useful + self.false_alarms

    @property
    def reviewed(self) -> int:
        """Judged and unclear."""
        return self.judged + self.unclear

    @property
    def share(self) -> float | None:
        """Useful among the judged; None below LEAST."""
        return self.useful / self.judged if self.interval else None

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        low, high = self.interval or (None, None)
        counts = {name: getattr(self, name) for name in ("useful", "false_alarms", "unclear", "open")}
        return {**counts, "precision": self.share, "precision_low": low, "precision_high": high}


@dataclass(frozen=True, kw_only=True)
class OfRule:
    """One rule: all of its events, and those of each day or week in which some were judged."""

    rule: str
    whole: Precision
    unit: str
    """day or week."""
    periods: tuple[tuple[str, Precision], ...]
    """By the first day of each (YYYY-MM-DD), in order of time."""


def precision_by_rule(told: Sequence[tuple[Mapping[str, Any], str | None, date | None]]) -> list[OfRule]:
    """Precision and trend of each rule, in order of their names.

    Args:
        told: rows of the table `events`, the verdict on each, and the local day on which it began.
    """
    rules = sorted({str(event["rule"]) for event, _, _ in told})
    return [_of_rule(rule, [(verdict, day) for event, verdict, day in told if event["rule"] == rule]) for rule in rules]


def _of_rule(rule: str, told: Sequence[tuple[str | None, date | None]]) -> OfRule:
    days = [day for verdict, day in told if day and verdict in (USEFUL, FALSE_ALARM)]
    unit = "week" if days and (max(days) - min(days)).days >= _DAYS_OF_DAYS else "day"
    periods: dict[date, list[str | None]] = {_first(day, unit): [] for day in sorted(days)}
    for verdict, day in told:
        if day and _first(day, unit) in periods:
            periods[_first(day, unit)].append(verdict)
    return OfRule(
        rule=rule,
        whole=Precision.of(verdict for verdict, _ in told),
        unit=unit,
        periods=tuple((first.isoformat(), Precision.of(verdicts)) for first, verdicts in periods.items()),
    )


def _first(day: date, unit: str) -> date:
    """The Monday of its week, or the day itself."""
    return day - timedelta(days=day.weekday()) if unit == "week" else day
