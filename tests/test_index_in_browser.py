"""The index in a real browser: what filters, sorts, searches and leads to a second of a video."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import IN_BROWSER, Visit
from tests.listed import MOMENTS, ROWS, N, choose, column, expected, make_site, n_listed, opened, settled
from tests.test_reports import Reader

pytestmark = IN_BROWSER


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module", name="rows")
def _rows(site: Path) -> dict[str, Any]:
    """What the index gives to its scripts."""
    found: dict[str, Any] = Reader(site / "index.html").figures["rows"]
    return found


@pytest.fixture(name="index")
def _index(site: Path, visit: Visit) -> Visit:
    return opened(visit, site / "index.html")


def test_all_videos_are_listed_a_hundred_at_a_time(index: Visit) -> None:
    """The newest first; the pager leads on and back, and tells where one is."""
    assert index.page.locator(ROWS).count() == 100 and n_listed(index) == N
    first = column(index, "Start")
    assert first == sorted(first, reverse=True)
    index.page.click(".pager [name=after]")
    index.page.click(".pager [name=after]")
    settled(index)
    assert index.page.locator(ROWS).count() == N - 200
    assert f"201 to {N} of {N}" in index.page.inner_text(".pager")
    assert index.page.locator(".pager [name=after]").is_disabled()
    assert column(index, "Start")[-2:] == ["unknown", "unknown"]
    index.page.click(".pager [name=before]")
    assert "101 to 200" in index.page.inner_text(".pager")


@pytest.mark.parametrize("words", ["gate-00", "ARCHIVE yard", "moov atom", "20261014_", "gate.mkv", "no such thing"])
def test_search_finds_words_in_name_folder_camera_and_reason(index: Visit, rows: dict[str, Any], words: str) -> None:
    """All words must be there, in whatever case and place."""

    def holds(video: dict[str, Any]) -> bool:
        places = [("camera", "cameras"), ("folder", "folders"), ("note", "notes")]
        told = [rows[texts][video[key]] for key, texts in places if video[key] >= 0]
        return all(any(word in one.lower() for one in [*told, video["name"]]) for word in words.lower().split())

    index.page.fill("#filters [name=q]", words)
    assert n_listed(index) == expected(rows, holds)
    if words == "no such thing":
        assert "No video fits." in index.page.inner_text("table.videos")


def test_a_camera_is_all_that_is_listed(index: Visit, rows: dict[str, Any]) -> None:
    """Videos and changes of one camera, or of those that nobody knows."""
    choose(index, "camera", "hall-03")
    assert set(column(index, "Camera")) == {"hall-03"}
    assert n_listed(index) == expected(rows, lambda video: rows["cameras"][video["camera"]] == "hall-03") > 0
    assert {row.split()[2] for row in index.page.locator(MOMENTS).all_inner_texts()} == {"hall-03"}
    choose(index, "camera", "(unknown)")
    assert set(column(index, "Camera")) == {"unknown"}


def test_dates_hold_what_went_on_between_them(index: Visit, rows: dict[str, Any]) -> None:
    """Both days are included, and what has no date is left out."""
    days = ("2026-10-14", "2026-10-15")
    index.page.fill("#filters [name=from]", days[0])
    index.page.fill("#filters [name=to]", days[1])
    assert n_listed(index) == expected(rows, lambda v: v["day"] >= 0 and rows["days"][v["day"]] in days) == 96
    assert {start[:10] for start in column(index, "Start")} == set(days)
    assert {row[:10] for row in index.page.locator(MOMENTS).all_inner_texts()} <= set(days)


def test_an_hour_holds_what_went_on_in_it(index: Visit, rows: dict[str, Any]) -> None:
    """On whatever day; a recording that reaches into the hour is in it."""
    choose(index, "hour", "14")

    def in_hour(video: dict[str, Any]) -> bool:
        end = video["start"] + video["duration"] / 10
        return bool(video["day"] >= 0) and video["start"] < 15 * 3600 and end > 14 * 3600

    assert n_listed(index) == expected(rows, in_hour) > 0
    assert {row[11:13] for row in index.page.locator(MOMENTS).all_inner_texts()} == {"14"}


@pytest.mark.parametrize("status", ["done", "partial", "failed", "duplicate", "problems"])
def test_a_status_is_all_that_is_listed(index: Visit, rows: dict[str, Any], status: str) -> None:
    """Each, and those that want a look."""
    choose(index, "status", status)
    wanted = {"partial", "failed"} if status == "problems" else {status}
    assert n_listed(index) == expected(rows, lambda video: rows["statuses"][video["status"]] in wanted) > 0
    assert set(column(index, "Status")) <= wanted


def test_an_expression_is_in_all_that_is_listed(index: Visit, rows: dict[str, Any]) -> None:
    """Videos with a track of it, and changes to it or from it."""
    choose(index, "shown", "surprise")
    code = rows["labels"].index("surprise")
    assert n_listed(index) == expected(rows, lambda video: code in video["shown"][::2]) > 0
    assert all("surprise" in row for row in index.page.locator(MOMENTS).all_inner_texts())
    index.page.click("#filters button[type=reset]")
    assert n_listed(index) == N and index.page.input_value("#filters [name=shown]") == ""


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("Video", str.lower),
        ("Camera", lambda cell: (cell == "unknown", cell.lower())),
        ("Start", lambda cell: cell),
        ("Duration", lambda cell: float("inf") if cell == "unknown" else int(cell.split(":")[0])),
        ("Coverage", lambda cell: float("inf") if cell == "unknown" else float(cell.split()[0])),
        ("Status", lambda cell: ["failed", "partial", "duplicate", "done"].index(cell)),
        ("Tracks", int),
        ("Shown", lambda cell: (not cell, cell.split()[:1])),
        ("Reason", lambda cell: (not cell, cell.lower())),
    ],
)
def test_a_heading_sorts_by_its_column(index: Visit, heading: str, key: Callable[[str], Any]) -> None:
    """Up and down, told to those who hear the page, too; what is unknown comes last."""
    button = index.page.get_by_role("button", name=re.compile(f"^{heading}"))
    for _ in range(2):
        button.click()
        told = index.page.locator("th[aria-sort]")
        assert told.count() == 1 and told.inner_text().startswith(heading)
        cells = [cell for cell in column(index, heading) if cell and cell != "unknown"]
        assert cells == sorted(cells, key=key, reverse=told.get_attribute("aria-sort") == "descending")


def test_back_goes_back_to_what_was_shown(index: Visit) -> None:
    """Each choice is a step, a word that was typed is one; forward goes on."""
    choose(index, "status", "partial")
    partial = n_listed(index)
    index.page.locator("#filters [name=q]").press_sequentially("hall", delay=5)
    assert n_listed(index) < partial and index.page.url.endswith("#q=hall&status=partial")
    index.page.go_back()
    assert n_listed(index) == partial and index.page.input_value("#filters [name=q]") == ""
    index.page.go_back()
    assert n_listed(index) == N
    index.page.go_forward()
    assert n_listed(index) == partial


def test_a_view_can_be_sent_to_someone(site: Path, visit: Visit) -> None:
    """The address holds it all; a click on a video and Back comes to the same view."""
    fragment = "#camera=lobby-02&shown=neutral&sort=-tracks"
    visit.open(site / "index.html", fragment)
    assert set(column(visit, "Camera")) == {"lobby-02"}
    tracks = [int(n) for n in column(visit, "Tracks")]
    assert tracks == sorted(tracks, reverse=True) and len(tracks) == n_listed(visit)
    names = column(visit, "Video")
    visit.page.locator(f"{ROWS} a").first.click()
    visit.page.wait_for_url("**/videos/*.html")
    visit.page.go_back()
    visit.page.wait_for_selector("html[data-listed]")
    assert column(visit, "Video") == names


@pytest.mark.parametrize(
    "fragment",
    [
        "#camera=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
        "#sort=evil&page=99999&hour=77&from=x&status=%3Cb%3E&shown=toString",
        "#page=7",
        "#sort=-__proto__",
        "#main",
        "#%E0%A4%A",
    ],
)
def test_an_address_may_say_anything(site: Path, visit: Visit, fragment: str) -> None:
    """What is no view shows something sensible, and never becomes markup."""
    opened(visit, site / "index.html", fragment)
    assert n_listed(visit) == (0 if "camera" in fragment else N)
    assert visit.page.locator("main img").count() == 0


def test_slash_goes_to_the_search(index: Visit) -> None:
    """And is a letter like others once one types."""
    index.page.keyboard.press("/")
    assert index.page.evaluate("document.activeElement.name") == "q"
    index.page.keyboard.type("a/b")
    assert index.page.input_value("#filters [name=q]") == "a/b"


def test_changes_show_more_and_lead_to_their_second(index: Visit, rows: dict[str, Any]) -> None:
    """Ten of the strongest, then more; each is a link to a video, its second and its track."""
    assert index.page.locator(MOMENTS).count() == 10
    index.page.click("#changes .more button")
    assert index.page.locator(MOMENTS).count() == min(60, len(rows["changes"])) > 10
    video, track, at, *_ = rows["changes"][0]
    link = index.page.locator(f"{MOMENTS} a").first
    assert link.get_attribute("href") == f"./videos/{rows['videos']['id'][video]}.html#t={at:.2f}&track={track}"
    link.click()
    index.page.wait_for_selector("h1")
    assert index.page.inner_text("h1") == rows["videos"]["name"][video]


def test_a_figure_of_the_header_filters(index: Visit) -> None:
    """The number of failed videos leads to them."""
    link = index.page.locator("a.figure-failed")
    n = int(link.inner_text())
    link.click()
    assert n_listed(index) == n and set(column(index, "Status")) == {"failed"}


def test_without_scripts_the_newest_and_the_strongest_are_told(site: Path, browser: Browser) -> None:
    """Plain HTML, with a word about what is missing."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    assert page.locator(ROWS).count() == 50 and page.locator(MOMENTS).count() == 10
    assert "need JavaScript" in page.inner_text("main")
    assert page.locator("#filters").is_hidden() and page.locator(".shares li").count() == 8
    context.close()
