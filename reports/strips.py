"""One day in wall-clock time: a strip for each camera."""

from reports.archive import Archive
from reports.charts import Figure


def of_day(archive: Archive, day: str) -> Figure | None:
    """What each camera recorded on a local day, and what was shown; None where nothing has a start."""
    return None
