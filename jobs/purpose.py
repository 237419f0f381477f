"""[purpose] of emobatch.toml: what is declared, refused where the law forbids it, and for how long results are kept."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from analytics.errors import UsageError
from analytics.purpose import Purpose
from jobs.moments import moment_before

if TYPE_CHECKING:
    from jobs.config import Config

_UNITS: Final = ("h", "d", "w")
"""Of a retention; m would be read as months."""
_LEAST: Final = timedelta(days=1)


def purpose_from(config: "Config") -> Purpose:
    """What the file declares.

    Raises:
        UsageError: what cannot be, or a setting in which this is forbidden; with the line.
    """
    try:
        return checked(config.purpose)
    except UsageError as error:
        name, _, problem = error.problem.partition(": ")
        raise config.error(("purpose", name), problem, error.remedy) from None


def checked(values: Mapping[str, Any]) -> Purpose:
    """A purpose from its values.

    Raises:
        UsageError: what cannot be; the problem begins with its name.
    """
    purpose = Purpose.of(values)
    if purpose.retention is not None:
        _check_retention(purpose.retention)
    return purpose


def _check_retention(span: str) -> None:
    """Raises a UsageError unless it is at least a day: what is shorter is a slip, and would empty OUT."""
    began = datetime(2000, 1, 1)
    before = moment_before(began, span, "retention:")
    if not span.rstrip().endswith(_UNITS):
        raise UsageError(f"retention: {span}: is not in hours, days or weeks", "say h, d or w, such as 30d")
    if began - before < _LEAST:
        raise UsageError(f"retention: {span}: is less than a day", "give 1d or more, such as 30d")


def too_old(purpose: Purpose, now: datetime) -> datetime | None:
    """What was recorded before this moment is not to be kept; None where nothing declares it."""
    return None if purpose.retention is None else moment_before(now, purpose.retention, "retention:")
