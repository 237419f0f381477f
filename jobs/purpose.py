"""[purpose] of emobatch.toml: what is declared, refused where the law forbids it, and for how long results are kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from analytics.errors import UsageError
from analytics.purpose import Purpose
from jobs.moments import moment_before

if TYPE_CHECKING:
    from jobs.config import Config


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
        moment_before(datetime(2000, 1, 1), purpose.retention, "retention:")
    return purpose


def too_old(purpose: Purpose, now: datetime) -> datetime | None:
    """What was recorded before this moment is not to be kept; None where nothing declares it."""
    return None if purpose.retention is None else moment_before(now, purpose.retention, "retention:")
