"""Filters by hour go by the clock of the camera: over midnight, and where summer time begins or ends."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reports.site import write_site
from tests.browser import IN_BROWSER, Visit
from tests.listed import choose, n_listed, opened
from tests.test_report_data import track_row, video_row, write_rows

pytestmark = IN_BROWSER

NIGHT, SPRING, AUTUMN, RARE = (digit * 16 for digit in "abcd")


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour over midnight, from half past one to half past three in spring, for two hours in autumn, and a rare label."""
    out = tmp_path_factory.mktemp("out")
    starts = {
        NIGHT: datetime(2026, 3, 1, 22, 30, tzinfo=UTC),
        SPRING: datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        AUTUMN: datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        RARE: datetime(2026, 6, 1, 10, 0, tzinfo=UTC),
    }
    for one, start in starts.items():
        write_rows(out, "videos", [video_row(one, start_time=start, duration_s=3600.0, n_tracks=5)], one)
    tracks = [track_row(RARE, k, 2.0 * k, 2.0 * k + 5, happy=0.996, sad=0.004) for k in range(5)]
    write_rows(out, "tracks", tracks, RARE)
    return write_site(out).parent


def test_an_hour_of_a_day_is_of_that_day(site: Path, visit: Visit) -> None:
    """What went on at 23 o'clock the day before is none of its evening."""
    for day, hours in (("2026-03-01", [23]), ("2026-03-02", [0])):
        opened(visit, site / "days" / f"{day}.html")
        found = []
        for hour in (0, 22, 23):
            choose(visit, "hour", str(hour))
            found += [hour] * n_listed(visit)
        assert found == hours
        choose(visit, "hour", "")
        assert n_listed(visit) == 1


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", [1, 3]), ("2026-10-25", [2])])
def test_the_hour_that_summer_time_leaves_out_has_no_video(
    site: Path, visit: Visit, day: str, hours: list[int]
) -> None:
    """And the one behind it has what the camera's clock showed."""
    opened(visit, site / "index.html", f"#from={day}&to={day}")
    found = []
    for hour in range(5):
        choose(visit, "hour", str(hour))
        found += [hour] * n_listed(visit)
    assert found == hours


def test_an_hour_without_an_expression_was_judged(site: Path, visit: Visit) -> None:
    """Nought is another thing than nobody in sight, and a little another thing than nought."""
    opened(visit, site / "index.html")
    heat = visit.page.locator("section", has=visit.page.locator("[data-heat=heat-days]"))
    classes = {}
    for label, told in (("sad", "sad under 1 %"), ("fear", "fear 0 %"), ("happy", "happy 100 %")):
        heat.locator("select.measure").select_option(label=f"share of {label}")
        (cell,) = heat.locator("td[aria-label*='5 judged tracks']").all()
        assert told in (cell.get_attribute("aria-label") or "")
        classes[label] = cell.get_attribute("class")
        assert heat.locator(".key.nought").count() == 1
    assert classes == {"sad": "some", "fear": "nought", "happy": "some"}
    heat.locator("select.measure").select_option(value="-1")
    assert heat.locator("td.nought").count() == 0 and heat.locator(".key.nought").count() == 0
