"""The pages say what the tables say, and nothing in the tables becomes markup."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pyarrow.parquet as pq
import pytest
from plotly.utils import PlotlyJSONEncoder

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
    face_row,
    sample_rows,
    track_row,
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


def test_index_lists_every_video_once_with_its_page(site: Path) -> None:
    """Each video has a row, a link to a page that exists, and the failed one its reason."""
    index = Reader(site / "index.html")
    links = {attrs["href"] for tag, attrs in index.elements if tag == "a"}
    assert links == {f"videos/{video_id}.html" for video_id in (WHOLE, PARTIAL, FAILED, EMPTY, COPY)}
    assert index.text.count("moov atom <not> found") == 2  # among the failures and in its row
    assert "78.3 %" in index.text
    assert "The duration of 1 video is unknown" in index.text
    assert "default 0123456789ab" in index.text and "yunet 8f2383e4dd3c" in index.text


def test_every_link_and_asset_of_every_page_exists(site: Path) -> None:
    """No page points at a file that is not there, or outside the site."""
    pages = [site / "index.html", *(site / "videos").glob("*.html")]
    assert len(pages) == 6
    for page in pages:
        targets = [attrs.get("href") or attrs.get("src") for _, attrs in Reader(page).elements]
        for target in filter(None, targets):
            if target != "data:,":
                assert (page.parent / target).resolve().is_relative_to(site.resolve())
                assert (page.parent / target).is_file(), target


def test_hostile_names_become_no_element_no_attribute_and_no_other_name(site: Path) -> None:
    """Names stand in the words alone, with direction marks and line breaks spelled out."""
    for page in (site / "index.html", site / "videos" / f"{WHOLE}.html"):
        reader = Reader(page)
        assert text.visible(HOSTILE) in reader.text
        assert text.visible(HOSTILE_CAMERA) in reader.text
        assert not [attrs for tag, attrs in reader.elements if tag in ("img", "b")]
        assert not [name for _, attrs in reader.elements for name in attrs if name.startswith("on")]
        assert "\u202e" not in page.read_text(encoding="utf-8")
        assert "\u200f" not in page.read_text(encoding="utf-8")
    scripts = [attrs for tag, attrs in page_of(site, WHOLE).elements if tag == "script"]
    assert [attrs["src"] for attrs in scripts if "src" in attrs] == [
        "../assets/plotly.min.js",
        "../assets/report.js",
    ]
    assert {attrs["type"] for attrs in scripts if "src" not in attrs} == {"application/json"}


def test_hole_and_pause_are_drawn_listed_and_escaped(site: Path) -> None:
    """The strip holds the hole and the pause at their times, and the cause is text to Plotly too."""
    reader = page_of(site, PARTIAL)
    strip = {trace["name"]: trace for trace in reader.figures["figure-coverage"]["data"]}
    assert (strip["hole"]["base"], strip["hole"]["x"]) == ([20.0], [13.0])
    assert (strip["paused"]["base"], strip["paused"]["x"]) == ([40.0], [5.0])
    assert (strip["decoded"]["base"], strip["decoded"]["x"]) == ([0.0, 33.0, 45.0], [20.0, 7.0, 15.0])
    assert "&lt;b&gt;corrupt&lt;/b&gt; packets" in strip["hole"]["customdata"][0]
    assert "<b>corrupt</b> packets" in reader.text
    assert "Only 78.3 % of the expected time could be seen" in reader.text


def test_failed_video_says_why_and_draws_nothing(site: Path) -> None:
    """A page without a single known fact still renders and gives the reason."""
    reader = page_of(site, FAILED)
    assert "could not be processed. Reason: moov atom <not> found" in reader.text
    assert reader.figures == {}
    assert "None" not in reader.text and "nan" not in reader.text


def test_copy_points_at_its_original(site: Path) -> None:
    """The page of a true copy links to the page of the video that was processed."""
    reader = page_of(site, COPY)
    assert {"href": f"{WHOLE}.html"} in [attrs for tag, attrs in reader.elements if tag == "a"]


def test_video_without_faces_says_so_instead_of_an_empty_chart(site: Path) -> None:
    """Only the coverage is drawn where no face was found."""
    reader = page_of(site, EMPTY)
    assert "No face was found in 120 sampled frames." in reader.text
    assert set(reader.figures) == {"figure-coverage"}


def test_distribution_is_of_the_time_that_was_judged(tmp_path: Path) -> None:
    """A track that was followed for 60 s and judged for 3 s weighs less than one that was judged for its 10 s."""
    faces = [face_row(WHOLE, k / 2, 1, "sad", usable=k < 6) for k in range(120)]
    faces += [face_row(WHOLE, k / 2, 2, "happy") for k in range(20)]
    tracks = [track_row(WHOLE, 1, 0.0, 59.5, sad=1.0), track_row(WHOLE, 2, 0.0, 9.5, happy=1.0)]
    tracks = [{**tracks[0], "n_faces": 120, "n_usable": 6}, {**tracks[1], "n_faces": 20, "n_usable": 20}]
    tracks.append(track_row(WHOLE, 3, 50.0, 59.0))
    write_rows(tmp_path, "videos", [video_row(WHOLE, n_samples=120, n_faces=140, n_tracks=3)], WHOLE)
    for table, rows in (("samples", sample_rows(WHOLE, 120)), ("faces", faces), ("tracks", tracks)):
        write_rows(tmp_path, table, rows, WHOLE)
    reader = page_of(write_site(tmp_path).parent, WHOLE)
    (bars,) = reader.figures["figure-distribution"]["data"]
    words = dict(zip(bars["y"], bars["text"], strict=True))
    assert (words["sad"], words["happy"]) == ("23 % · 0:03.0", "77 % · 0:10.0")
    assert "The judged time of 2 tracks" in reader.text and "added up over all tracks" in reader.text
    assert "1 track without a usable face left out" in reader.text


@pytest.mark.parametrize(
    ("every_s", "hole"),
    [(0.5, (2.3, 6.8)), (0.5, (4.0, 6.0)), (2.0, (2.4, 3.9)), (0.5, (2.04, 10.0))],
    ids=["parts of buckets", "whole buckets", "between two samples", "up to the end"],
)
def test_no_bar_is_drawn_over_a_hole(tmp_path: Path, every_s: float, hole: tuple[float, float]) -> None:
    """Neither shares nor lanes of a short clip reach into a stretch that nobody saw, and nothing seen is lost."""
    start_s, end_s = hole
    seen = [t for t in (k * every_s for k in range(int(10 / every_s))) if t < start_s or t >= end_s]
    faces = [face_row(WHOLE, t, 1, "happy") for t in seen]
    holes = [{"start_s": start_s, "end_s": end_s, "kind": "hole", "cause": "lost"}]
    video = video_row(WHOLE, duration_s=10.0, holes=holes, n_samples=len(seen), n_faces=len(seen), n_tracks=1)
    samples = [row for row in sample_rows(WHOLE, 20, every_s) if row["pts_s"] in seen]
    track = track_row(WHOLE, 1, seen[0], seen[-1], happy=1.0)
    for table, rows in (("videos", [video]), ("samples", samples), ("faces", faces), ("tracks", [track])):
        write_rows(tmp_path, table, rows, WHOLE)
    figures = page_of(write_site(tmp_path).parent, WHOLE).figures
    spans = []
    for bar in figures["figure-timeline"]["data"]:
        widths = bar["width"] if isinstance(bar["width"], list) else [bar["width"]] * len(bar["x"])
        spans += [(x - width / 2, x + width / 2) for x, width in zip(bar["x"], widths, strict=True)]
    for bar in figures["figure-lanes"]["data"]:
        spans += [(base, base + length) for base, length in zip(bar["base"], bar["x"], strict=True)]
    assert [span for span in spans if span[0] < end_s - 1e-9 and span[1] > start_s + 1e-9] == []
    assert all(any(a <= t <= b for a, b in spans) for t in seen)
    assert max(b for _, b in spans) <= 10
    named = {bar["name"]: bar for bar in figures["figure-timeline"]["data"]}
    counts = [int(text.split("<br>")[1].split()[0]) for text in named["happy"]["customdata"]]
    assert sum(counts) == len(seen)


def test_pages_tell_when_tables_disagree(tmp_path: Path) -> None:
    """Rows that the videos table promises and another table lacks are named on the page."""
    write_rows(tmp_path, "videos", [video_row(WHOLE, n_faces=7)], WHOLE)
    site = write_site(tmp_path).parent
    assert "promises 7 rows in faces, which holds 0" in page_of(site, WHOLE).text


def test_compacted_tables_give_the_same_pages(site: Path, tmp_path: Path) -> None:
    """One file for each table and partition draws the very pages that one file for each video drew, but for their stamps."""
    for table in TABLES:
        files = sorted((site.parent / table).rglob("*.parquet"))
        rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        write_rows(tmp_path, table, rows, "part-0")
    compacted = write_site(tmp_path).parent
    for page in [site / "index.html", *(site / "videos").glob("*.html")]:
        pair = [file.read_text().rpartition("</html>") for file in (page, compacted / page.relative_to(site))]
        assert pair[0][:2] == pair[1][:2]


def test_video_id_that_is_none_of_ours_names_no_file(tmp_path: Path) -> None:
    """A row with a path for an id is listed without a page, and nothing is written outside the site."""
    out = tmp_path / "deep" / "out"
    write_rows(out, "videos", [video_row("../../../evil"), video_row(WHOLE)], "part-0")
    index = Reader(write_site(out))
    assert [attrs["href"] for tag, attrs in index.elements if tag == "a"] == [f"videos/{WHOLE}.html"]
    assert "/archive/..mp4" in index.text
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


@pytest.mark.parametrize("video_id", [WHOLE, PARTIAL, FAILED, EMPTY, COPY])
def test_figures_are_what_plotly_takes(site: Path, video_id: str) -> None:
    """Every property and value, by Plotly's own classes, which drop and add nothing."""
    figures = page_of(site, video_id).figures
    assert len(figures) == {WHOLE: 4, PARTIAL: 4}.get(video_id, len(figures))
    for name, figure in figures.items():
        drawn = go.Figure(figure).to_plotly_json()
        del drawn["layout"]["template"]
        figure["layout"] = {key: value for key, value in figure["layout"].items() if value != []}
        assert json.loads(json.dumps(drawn, cls=PlotlyJSONEncoder)) == figure, name


def test_what_the_charts_leave_out_is_told(site: Path) -> None:
    """A track that nobody could judge reads as that, and faces outside tracks are counted."""
    words = page_of(site, WHOLE).text
    assert (
        "81 faces, 3 tracks; 1 face outside tracks, seen too rarely or too faintly to follow, counts in no chart"
        in words
    )
    rows = (site / "videos" / f"{WHOLE}.html").read_text(encoding="utf-8").split("<tr>")
    (third,) = (row for row in rows if row.startswith('<td class="figure">3</td>'))
    assert "not judged" in third and "uncertain" not in third


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
    rows = (site / "index.html").read_text(encoding="utf-8").split("<tr>")
    (whole,) = (row for row in rows if f"videos/{WHOLE}.html" in row and "Shown" in row)
    shown = whole[whole.index('data-label="Shown"') : whole.index('data-label="Faces"')]
    assert "happy" in shown and "sad" in shown and "\u00d7" not in shown and "uncertain" not in shown
    out = write_results(tmp_path)
    (out / "tracks" / "day=2026-03-01" / "cam=door" / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(UnreadableTablesError):
        write_site(out)
    assert shown in (out / "reports" / "index.html").read_text(encoding="utf-8")  # What is damaged hides no other.
