"""Stretches that touch are told as one."""

from analytics.doubts import Unsure, _merged
from analytics.records import Gap
from analytics.touching import touching
from jobs.copying import _joined


def test_groups_in_order_of_time() -> None:
    """One within another does not end the group early; a gap does."""
    told = [Unsure(5.0, 6.0, "d"), Unsure(0.0, 3.0, "a"), Unsure(1.0, 2.0, "b"), Unsure(3.0, 4.0, "c")]
    found = [(start, end, "".join(one.why for one in group)) for start, end, group in touching(told)]
    assert found == [(0.0, 4.0, "abc"), (5.0, 6.0, "d")]
    assert not list(touching([]))


def test_doubts_of_one_kind_and_losses_of_any() -> None:
    """Doubts stay apart by their reason; what is lost for several reasons is one stretch that names each once."""
    told = [Unsure(0, 2, "lost"), Unsure(1, 3, "first"), Unsure(2, 4, "lost"), Unsure(6, 7, "lost")]
    assert _merged(told) == [Unsure(0, 4, "lost"), Unsure(1, 3, "first"), Unsure(6, 7, "lost")]
    lost = [Gap(2, 3, "hole", "b"), Gap(0, 2, "hole", "a"), Gap(1, 2, "hole", "b"), Gap(4, 5, "hole", "a")]
    assert _joined(lost) == [Gap(0, 3, "hole", "a; b"), Gap(4, 5, "hole", "a")]
