"""What the tables and lists of a page of many videos say on the screen, and the site that those tests open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from reports.site import write_site
from tests.browser import Visit
from tests.many import make_archive
from tests.test_report_data import write_results

N: Final = 240 + 5
"""Videos of the site: many that were made by number, and the five of write_results."""
ROWS: Final = "table.videos tbody tr"
MOMENTS: Final = "#changes tbody tr"


def make_site(out: Path) -> Path:
    """A site of six cameras and five days, and of the names that want to be more than names."""
    make_archive(out, N - 5, 6, 5)
    return write_site(write_results(out)).parent


def opened(visit: Visit, page: Path, fragment: str = "") -> Visit:
    """Open a page of many videos and wait until its scripts have listed them."""
    visit.open(page, fragment)
    visit.page.wait_for_selector("html[data-listed]")
    settled(visit)
    return visit


def settled(visit: Visit) -> None:
    """Wait for the rows that come after the first screenful."""
    visit.page.wait_for_selector("#videos[aria-busy=false]")


def column(visit: Visit, name: str) -> list[str]:
    """What stands in a column of the table, from above."""
    settled(visit)
    cells = visit.page.locator(f'{ROWS} td[data-label="{name}"]' if name != "Video" else f"{ROWS} td.source bdi")
    found = [cell.strip() for cell in cells.all_inner_texts()]
    return found[::2] if name == "Video" else found


def n_listed(visit: Visit) -> int:
    """Videos that the table has, on this page and the next ones."""
    told = visit.page.inner_text("#videos .count")
    return int(told.split()[0].replace(",", ""))


def choose(visit: Visit, name: str, value: str) -> None:
    """Choose from a list of the filters."""
    visit.page.select_option(f"#filters [name={name}]", value)


def expected(rows: dict[str, Any], test: Callable[[dict[str, Any]], bool]) -> int:
    """How many videos of the page pass a test of their values."""
    columns = rows["videos"]
    videos = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return sum(map(test, videos))
