"""The pages say what the tables say, and nothing in the tables becomes markup."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from analytics.schema import TABLES
from reports import text
from reports.colours import COLOURS
from reports.site import write_site
from reports.stored import UnreadableTablesError
from reports.timeline import LABELS
from tests.test_report_data import (
    COPY,
    EMPTY,
    FAILED,
    HOSTILE,
    HOSTILE_CAMERA,
    PARTIAL,
    WHOLE,
    video_row,
    write_results,
    write_rows,
)


class Reader(HTMLParser):
    """What a browser would see: elements with attributes, words, and the content of scripts."""

    def __init__(self, page: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.figures: dict[str, Any] = {}
        self._script: str | None = None
        self.feed(page.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._script = dict(attrs).get("id") or "" if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.words.append(data)
        elif data.strip():
            self.figures[self._script] = json.loads(data)


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(write_results(tmp_path_factory.mktemp("out"))).parent


def page_of(site: Path, video_id: str) -> Reader:
    """The page of a video, read."""
    return Reader(site / "videos" / f"{video_id}.html")


def pages_of(site: Path) -> list[Path]:
    """All pages of a site."""
    return sorted(site.rglob("*.html"))


def test_index_lists_every_video_once_and_those_with_faces_have_a_page(site: Path) -> None:
    """Each video has a row, the failed one with its reason; two show faces and are linked."""
    index = Reader(site / "index.html")
    links = {attrs["href"] for tag, attrs in index.elements if tag == "a"}
    assert {link for link in links if link and link.startswith("./videos") and "#" not in link} == {
        f"./videos/{video_id}.html" for video_id in (WHOLE, PARTIAL)
    }
    assert {page.stem for page in (site / "videos").iterdir()} == {WHOLE, PARTIAL}
    assert sorted(index.figures["rows"]["videos"]["id"]) == sorted([WHOLE, PARTIAL, FAILED, EMPTY, COPY])
    assert index.text.count("moov atom <not> found") == 2  # among the failures and in its row
    assert "78.3 %" in index.text
    assert "The duration of 1 video is unknown" in index.text
    assert "default 0123456789ab" in index.text and "yunet 8f2383e4dd3c" in index.text
    assert "Settings: cafe" in index.text


def test_every_link_and_asset_of_every_page_exists(site: Path) -> None:
    """No page points at a file or a place that is not there, or outside the site."""
    pages = pages_of(site)
    assert {page.parent.name for page in pages} == {"reports", "videos", "days", "cameras"}
    for page in pages:
        elements = Reader(page).elements
        ids = {attrs["id"] for _, attrs in elements if attrs.get("id")}
        targets = [attrs.get("href") or attrs.get("src") for tag, attrs in elements if tag not in ("video", "source")]
        for target in filter(None, targets):
            file, _, fragment = target.partition("#")
            if file.startswith(("data:", "file:")):
                continue
            assert (page.parent / file).resolve().is_relative_to(site.resolve())
            assert not file or (page.parent / file).is_file(), (page, target)
            assert file or "=" in fragment or fragment in ids, (page, target)


def test_hostile_names_become_no_element_no_attribute_and_no_other_name(site: Path) -> None:
    """Names stand in the words alone, with direction marks and line breaks spelled out."""
    pages = [page for page in pages_of(site) if page.stem != PARTIAL]
    for page in pages:
        reader = Reader(page)
        if not page.stem.startswith("door"):
            assert text.visible(HOSTILE).rpartition("/")[2] in reader.text, page
            assert text.visible(HOSTILE_CAMERA) in reader.text, page
        assert not [attrs for tag, attrs in reader.elements if tag in ("img", "b")], page
        assert not [name for _, attrs in reader.elements for name in attrs if name.startswith("on")]
        assert "\u202e" not in page.read_text(encoding="utf-8")
        assert "\u200f" not in page.read_text(encoding="utf-8")
        scripts = [attrs for tag, attrs in reader.elements if tag == "script"]
        assert {attrs["type"] for attrs in scripts if "src" not in attrs} == {"application/json"}


def test_compacted_tables_give_the_same_pages(site: Path, tmp_path: Path) -> None:
    """One file for each table and partition draws the very pages that one file for each video drew, but for their stamps."""
    for table in TABLES:
        files = sorted((site.parent / table).rglob("*.parquet"))
        rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        write_rows(tmp_path, table, rows, "part-0")
    compacted = write_site(tmp_path).parent
    for page in pages_of(site):
        pair = [file.read_text().rpartition("</html>") for file in (page, compacted / page.relative_to(site))]
        assert pair[0][:2] == pair[1][:2]


def test_video_id_that_is_none_of_ours_names_no_file(tmp_path: Path) -> None:
    """A row with a path for an id is listed without a page, and nothing is written outside the site."""
    out = tmp_path / "deep" / "out"
    rows = [video_row("../../../evil", n_faces=1), video_row(WHOLE, n_faces=1)]
    write_rows(out, "videos", rows, "part-0")
    index = Reader(write_site(out))
    assert not [attrs for tag, attrs in index.elements if tag == "a" and "evil" in str(attrs["href"])]
    videos = index.figures["rows"]["videos"]
    assert sorted(zip(videos["id"], videos["page"], strict=True)) == [("../../../evil", 0), (WHOLE, 1)]
    assert "/archive" in index.figures["rows"]["folders"] and ". .mp4" not in index.text
    assert not list(tmp_path.rglob("evil*"))


def test_empty_table_gives_an_index_in_words(tmp_path: Path) -> None:
    """A run without a video draws a page that says so."""
    write_rows(tmp_path, "videos", [], "empty")
    assert "No video was processed yet." in Reader(write_site(tmp_path)).text


def test_words_for_numbers_never_flatter() -> None:
    """What misses a moment is not 100 %, what is little is not nothing, and times carry their hours."""
    assert [text.coverage(share) for share in (1.0, 0.99996, 0.5, 0.0, None)] == [
        "100 %", "99.9 %", "50 %", "0 %", "unknown",
    ]  # fmt: skip
    assert text.percent(0.001) == "under 1 %" and text.percent(0.0) == "0 %"
    assert text.percent(0.996) == "over 99 %" and text.percent(0.99) == "99 %" and text.percent(1.0) == "100 %"
    assert [text.clock(s) for s in (0, 59.6, 3725, None)] == ["0:00", "1:00", "1:02:05", "unknown"]
    assert text.clock(59.96, tenths=True) == "1:00.0"


def test_data_block_cannot_end_its_element_and_stays_the_same_json() -> None:
    """No angle bracket or line separator is left, and JSON reads back what was written."""
    block = text.data_block(json.dumps({"a": "</script><!-- & \u2028"}, ensure_ascii=False))
    assert not re.search("[<>&\u2028]", block)
    assert json.loads(block) == {"a": "</script><!-- & \u2028"}


def test_every_label_has_a_colour_of_its_own() -> None:
    """Seven expressions and uncertain are drawn in eight different colours."""
    assert set(COLOURS) == set(LABELS) and len(set(COLOURS.values())) == 8


def test_card_of_the_classifier_is_a_page_of_the_site(tmp_path: Path) -> None:
    """Linked from every page whose rows come from it; markup in it is text; a later card draws the pages again."""
    out = write_results(tmp_path)
    site = write_site(out).parent
    before = (site / "videos" / f"{WHOLE}.html").read_bytes()
    (out / "models").mkdir()
    (out / "models" / "0123456789ab.md").write_text(
        "# Mine\n\n| a | b |\n|---|---|\n| <img src=x onerror=alert(1)> | 2 |\n\n[go](javascript:alert(1))\n",
        encoding="utf-8",
    )
    (out / "models" / "no card.md").write_text("# Other", encoding="utf-8")
    write_site(out)
    card = Reader(site / "models" / "0123456789ab.html")
    assert [path.name for path in (site / "models").iterdir()] == ["0123456789ab.html"]
    assert "<img src=x onerror=alert(1)>" in card.text and not [tag for tag, _ in card.elements if tag == "img"]
    assert "table" in {tag for tag, _ in card.elements}
    assert not [attrs for _, attrs in card.elements if "javascript" in str(attrs.get("href"))]
    assert (site / "videos" / f"{WHOLE}.html").read_bytes() != before
    for page, link in (("index.html", "./models"), (f"videos/{WHOLE}.html", "../models")):
        links = {attrs.get("href") for tag, attrs in Reader(site / page).elements if tag == "a"}
        assert f"{link}/0123456789ab.html" in links


def test_index_tells_what_each_video_shows(site: Path, tmp_path: Path) -> None:
    """The labels of its judged tracks with their number; tracks that nobody could judge show nothing."""

    def shown(site: Path) -> dict[str, list[str]]:
        rows = Reader(site / "index.html").figures["rows"]
        columns = rows["videos"]
        return {
            one: [f"{rows['labels'][codes[k]]} {codes[k + 1]}" for k in range(0, len(codes), 2)]
            for one, codes in zip(columns["id"], columns["shown"], strict=True)
        }

    expected = {WHOLE: ["happy 1", "sad 1"], PARTIAL: ["surprise 1"], FAILED: [], EMPTY: [], COPY: []}
    assert shown(site) == expected
    out = write_results(tmp_path)
    (out / "tracks" / "day=2026-03-01" / "cam=door" / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(UnreadableTablesError):
        write_site(out)
    assert shown(out / "reports") == expected  # What is damaged hides no other.
