"""An index of twenty thousand videos: how large, how long to draw, and how fast it answers a key in a browser.

python benchmarks/index_of_20000.py WORK_FOLDER [VIDEOS [CAMERAS [DAYS]]]

The tables are made from numbers, one file a table, day and camera. WORK_FOLDER is kept: a second call draws only what
changed since.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from reports.site import write_site
from tests.browser import launched, visiting
from tests.many import make_archive

WORDS: Final = ("gate-00", "20261014_12", "corrupt packets", "yard", "moov atom")

# Time from a key to the first moment after the frame that shows what it did.
_WATCH: Final = """() => {
  window.answers = [];
  const after = (event) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => answers.push(performance.now() - event.timeStamp);
    channel.port2.postMessage(0);
  });
  for (const kind of ["input", "click", "change"]) document.addEventListener(kind, after, true);
}"""


def timed(what: str, call: Callable[[], object]) -> None:
    """Do it and tell how long that took."""
    started, busy = time.perf_counter(), time.process_time()
    call()
    print(f"{what}: {time.perf_counter() - started:.1f} s, {time.process_time() - busy:.1f} s of a core", flush=True)


def told(what: str, times_ms: list[float]) -> None:
    """Median and worst."""
    print(f"{what}: median {statistics.median(times_ms):.0f} ms, worst {max(times_ms):.0f} ms of {len(times_ms)}")


def answers(page: Page) -> list[float]:
    """Times since the last call, once all are there."""
    page.wait_for_timeout(100)
    found: list[float] = page.evaluate("answers.splice(0)")
    return found


def in_browser(site: Path) -> None:
    """Open the index as a person would, and use it."""
    with launched() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        with visiting(context) as visit:
            page = visit.page
            opened = []
            for _ in range(5):
                page.goto((site / "index.html").as_uri())
                page.wait_for_selector("html[data-listed]")
                opened.append(page.evaluate("performance.now()"))
            told("open the index until it can be used", opened)
            page.evaluate(_WATCH)
            keys = []
            for words in WORDS:
                page.focus("#filters [name=q]")
                for letter in words:
                    page.keyboard.type(letter)
                    keys += answers(page)
                for _ in words:
                    page.keyboard.press("Backspace")
                    keys += answers(page)
            told("a key in the search", keys)
            sorts = []
            for button in page.locator("table.videos thead button").all():
                button.click()
                sorts += answers(page)
            told("sort by a column", sorts)
            cells = []
            for cell in page.locator("[data-heat=heat-days] td.some").all()[::20]:
                cell.click()
                cells += answers(page)
            told("a cell of a heat map", cells)
            day = sorted((site / "days").glob("*.html"))[-2]
            drawn = []
            for _ in range(3):
                visit.open(day)
                drawn.append(page.evaluate("performance.now()"))
            told(f"open a day ({day.stat().st_size / 1e6:.1f} MB) until it is drawn", drawn)


def main(work: Path, videos: int = 20_000, cameras: int = 40, days: int = 14) -> None:
    """Make, draw, open, measure."""
    out = work / f"{videos}x{cameras}x{days}"
    if not (out / "videos").is_dir():
        timed(f"tables of {videos:,} videos", lambda: make_archive(out, videos, cameras, days))
    site = out / "reports"
    timed("all pages, those of videos included where they are missing", lambda: write_site(out))
    for page in [site / "index.html", *site.glob("days/*.html"), *site.glob("cameras/*.html")]:
        page.unlink()
    timed("index, days and cameras", lambda: write_site(out))
    timed("again, where nothing changed", lambda: write_site(out))
    n_pages = sum(1 for _ in (site / "videos").iterdir())
    print(f"{n_pages:,} pages of videos; the index has {(site / 'index.html').stat().st_size / 1e6:.2f} MB")
    in_browser(site)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
