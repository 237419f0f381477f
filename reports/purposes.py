"""What the videos of a page were processed for, as runs declared it: it stands at the foot of every page."""

from collections.abc import Iterable, Sequence

from analytics.purpose import Declared, Purpose, purpose_at
from reports.records import Video


def of_videos(history: Sequence[Declared], videos: Iterable[Video]) -> tuple[Purpose, ...]:
    """What was declared when their rows were written, in the order in which it was, and last what is declared now."""
    found = {purpose_at(history, video.finished_at) for video in videos}
    order = [Purpose(), *(one.purpose for one in history)]
    now = purpose_at(history)
    return (*sorted(found - {now}, key=order.index), now)
