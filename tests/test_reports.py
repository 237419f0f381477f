"""The pages say what the tables say, and nothing in the tables becomes markup."""

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS, UNCERTAIN
from analytics.schema import TABLES
from reports import text
from reports.charts import COLOURS, expression_timeline
from reports.data import read_index, read_page
from reports.site import write_site
from reports.timeline import LABELS, MAX_BUCKETS

HOSTILE = "</script>\"'&\u202egpj.\n%{x}<img src=x onerror=alert(1)><b>x.mp4"
HOSTILE_CAMERA = "<img src=x onerror=alert(2)>\u200f"
START = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)

WHOLE, PARTIAL, FAILED, EMPTY, COPY = (digit * 16 for digit in "abcde")
Row = dict[str, Any]


def video_row(video_id: str, **changes: Any) -> Row:
    """A row of videos: 60 s, seen in full, without a face."""
    row: Row = {
        "video_id": video_id,
        "source": f"/archive/{video_id[0]}.mp4",
        "camera": "door",
        "start_time": START,
        "start_time_source": "file name",
        "pts_source": "container",
        "duration_s": 60.0,
        "decoded_s": 60.0,
        "coverage": 1.0,
        "holes": [],
        "duplicate_of": None,
        "width": 1280,
        "height": 720,
        "rotation": 0,
        "codec": "h264",
        "fps": 25.0,
        "n_samples": 0,
        "n_faces": 0,
        "n_tracks": 0,
        "status": "done",
        "reason": None,
        "elapsed_s": 1.5,
        "model": "default 0123456789ab",
        "detector": "yunet 8f2383e4dd3c",
        "settings_hash": "cafe",
        "finished_at": START + timedelta(hours=9),
    }
    return row | changes


def sample_rows(video_id: str, n: int, every_s: float = 0.5) -> list[Row]:
    """n sampled frames, every_s apart."""
    facts: Row = {"video_id": video_id, "time": None, "n_faces": 0, "gate": "detected"}
    return [facts | {"sample": k, "pts_s": k * every_s} for k in range(n)]


def face_row(video_id: str, pts_s: float, track_id: int | None, smoothed: str | None, **changes: Any) -> Row:
    """A usable face, whose smoothed label is given."""
    row: Row = {
        "video_id": video_id,
        "camera": "door",
        "sample": round(pts_s * 2),
        "pts_s": pts_s,
        "time": None,
        "track_id": track_id,
        **dict.fromkeys(("x", "y", "w", "h"), 40.0),
        **dict.fromkeys(("score", "sharpness", "brightness", "yaw_deg", "pitch_deg"), 0.5),
        "usable": True,
        **dict.fromkeys(EXPRESSIONS, 1 / 7),
        "expression": "neutral",
        "confidence": 0.5,
        "smoothed_expression": smoothed,
    }
    return row | changes


def track_row(video_id: str, track_id: int, start_s: float, end_s: float, **shares: float) -> Row:
    """A track; without shares one that has no usable face."""
    return {
        "video_id": video_id,
        "camera": "door",
        "track_id": track_id,
        "start_s": start_s,
        "end_s": end_s,
        "start_time": None,
        "end_time": None,
        "n_faces": 10,
        "n_usable": 8 if shares else 0,
        "median_face_px": 48.0,
        **dict.fromkeys(EXPRESSIONS, 1 / 7 if shares else None),
        **{f"share_{label}": shares.get(label, 0.0) if shares else None for label in LABELS},
        "expression": max(shares, key=lambda label: shares[label]) if shares else UNCERTAIN,
        "confidence": 0.625 if shares else None,
        "best_pts_s": start_s,
    }


def write_rows(out: Path, table: str, rows: list[Row], name: str, partition: str = "day=2026-03-01/cam=door") -> None:
    """One Parquet file of a table, as emobatch lays it out."""
    file = out / table / partition / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=TABLES[table]), file)


def write_results(out: Path) -> Path:
    """Results of five videos: one whole with hostile names, one partial, one failed, one empty, one copy."""
    labels = ["happy"] * 20 + [UNCERTAIN] * 10 + ["neutral"] * 10
    faces = [face_row(WHOLE, k / 2, 1, label, camera=HOSTILE_CAMERA) for k, label in enumerate(labels)]
    faces += [face_row(WHOLE, 30 + k / 2, 2, "sad" if k < 30 else None, usable=k < 30) for k in range(40)]
    faces += [face_row(WHOLE, 5.0, None, None, usable=False)]
    tracks = [
        track_row(WHOLE, 1, 0.0, 19.5, happy=0.5, uncertain=0.25, neutral=0.25),
        track_row(WHOLE, 2, 30.0, 49.5, sad=1.0),
        track_row(WHOLE, 3, 50.0, 59.0),
    ]
    hole = {"start_s": 20.0, "end_s": 33.0, "kind": "hole", "cause": "<b>corrupt</b> packets"}
    pause = {"start_s": 40.0, "end_s": 45.0, "kind": "paused", "cause": "nothing recorded"}
    partial_faces = [face_row(PARTIAL, k / 2, 1, "surprise") for k in (*range(40), *range(70, 80))]
    unread = dict.fromkeys(
        ("pts_source", "duration_s", "decoded_s", "coverage", "width", "height", "rotation", "codec", "fps")
    )
    unread |= {"camera": None, "start_time": None, "start_time_source": "unknown"}
    videos = {
        WHOLE: video_row(
            WHOLE, source=f"/archive/{HOSTILE}", camera=HOSTILE_CAMERA, n_samples=120, n_faces=81, n_tracks=3
        ),
        PARTIAL: video_row(
            PARTIAL,
            source="/archive/gate.mkv",
            status="partial",
            reason="13.0 s missing: corrupt packets",
            decoded_s=47.0,
            coverage=47 / 60,
            holes=[pause, hole],
            n_samples=94,
            n_faces=50,
            n_tracks=1,
        ),
        FAILED: video_row(FAILED, status="failed", reason="moov atom <not> found", **unread),
        EMPTY: video_row(EMPTY, n_samples=120),
        COPY: video_row(COPY, status="duplicate", duplicate_of=WHOLE, **unread),
    }
    for video_id, row in videos.items():
        write_rows(out, "videos", [row], video_id)
        write_rows(out, "samples", sample_rows(video_id, row["n_samples"]), video_id)
    write_rows(out, "faces", faces, WHOLE)
    write_rows(out, "tracks", tracks, WHOLE)
    write_rows(out, "faces", partial_faces, PARTIAL)
    write_rows(out, "tracks", [track_row(PARTIAL, 1, 0.0, 39.5, surprise=1.0)], PARTIAL)
    return out


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
    assert "default 0123456789ab" in index.text and "yunet 8f2383e4dd3c" in index.text


def test_totals_count_copies_and_unknown_durations_in_no_sum(site: Path) -> None:
    """Footage is what has a duration, less the copies, and the rest is named."""
    totals = read_index(site.parent).totals
    assert dict(totals.n_by_status) == {"done": 2, "partial": 1, "failed": 1, "duplicate": 1}
    assert (totals.duration_s, totals.decoded_s, totals.n_unknown_duration) == (180.0, 167.0, 1)
    assert (totals.n_faces, totals.n_tracks) == (131, 4)
    assert "The duration of 1 video is unknown" in Reader(site / "index.html").text


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


def test_timeline_counts_tracked_usable_faces_alone(site: Path) -> None:
    """Shares come from usable faces of tracks; a lone face and unusable ones count nowhere."""
    out = site.parent
    page = read_page(out, next(v for v in read_index(out).videos if v.video_id == WHOLE))
    assert page.timeline is not None
    counts = dict(zip(LABELS, page.timeline.counts.sum(axis=0).tolist(), strict=True))
    assert {label: n for label, n in counts.items() if n} == {"happy": 20, "uncertain": 10, "neutral": 10, "sad": 30}
    assert page.timeline.bucket_s == 1 and len(page.timeline.counts) <= MAX_BUCKETS + 1
    assert page.timeline.n_samples[:60].tolist() == [2] * 60
    shares = {trace.name: trace for trace in expression_timeline(page, page.timeline).data}
    assert set(shares["happy"].y) == {1.0} and len(shares["uncertain"].y) == 5


def test_runs_split_where_the_label_changes(site: Path) -> None:
    """A track's lane is cut at each change of the smoothed label, and unjudged stretches stay unlabelled."""
    out = site.parent
    page = read_page(out, next(v for v in read_index(out).videos if v.video_id == WHOLE))
    runs = [(run.track_id, run.start_s, run.end_s, run.label, run.n_faces, run.n_usable) for run in page.runs]
    assert runs == [
        (1, 0.0, 10.0, "happy", 20, 20),
        (1, 10.0, 15.0, "uncertain", 10, 10),
        (1, 15.0, 20.0, "neutral", 10, 10),
        (2, 30.0, 45.0, "sad", 30, 30),
        (2, 45.0, 50.0, None, 10, 0),
    ]
    assert page.every_s == 0.5


def test_a_track_out_of_sight_leaves_a_gap(site: Path) -> None:
    """Nothing is drawn for a track between two faces that lie further apart than the samples."""
    out = site.parent
    page = read_page(out, next(v for v in read_index(out).videos if v.video_id == PARTIAL))
    assert [(run.start_s, run.end_s) for run in page.runs] == [(0.0, 20.0), (35.0, 40.0)]


def test_distribution_weighs_tracks_by_duration(site: Path) -> None:
    """Each track adds its shares times its duration; the one without a usable face is left out and named."""
    out = site.parent
    page = read_page(out, next(v for v in read_index(out).videos if v.video_id == WHOLE))
    assert page.distribution is not None
    seconds = dict(zip(LABELS, page.distribution.seconds, strict=True))
    assert seconds["happy"] == 9.75 and seconds["uncertain"] == 4.875 and seconds["sad"] == 19.5
    assert (page.distribution.n_judged, page.distribution.n_left_out) == (2, 1)
    assert "1 track without a usable face left out" in page_of(site, WHOLE).text


def test_pages_tell_when_tables_disagree(tmp_path: Path) -> None:
    """Rows that the videos table promises and another table lacks are named on the page."""
    write_rows(tmp_path, "videos", [video_row(WHOLE, n_faces=7)], WHOLE)
    site = write_site(tmp_path).parent
    assert "promises 7 rows in faces, which holds 0" in page_of(site, WHOLE).text


def test_compacted_tables_give_the_same_pages(site: Path, tmp_path: Path) -> None:
    """One file for each table and partition draws the very pages that one file for each video drew."""
    for table in TABLES:
        files = sorted((site.parent / table).rglob("*.parquet"))
        rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
        write_rows(tmp_path, table, rows, "part-0")
    compacted = write_site(tmp_path).parent
    for page in [site / "index.html", *(site / "videos").glob("*.html")]:
        assert (compacted / page.relative_to(site)).read_text() == page.read_text()


def test_newest_row_of_a_video_counts(tmp_path: Path) -> None:
    """A row that was left behind in another partition is not a second video."""
    moved = video_row(WHOLE, camera="yard", finished_at=START + timedelta(days=2))
    write_rows(tmp_path, "videos", [moved], WHOLE, "day=2026-03-01/cam=a")
    write_rows(tmp_path, "videos", [video_row(WHOLE)], WHOLE)
    assert [video.camera for video in read_index(tmp_path).videos] == ["yard"]


def test_pages_of_videos_that_left_go_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    """Drawing again removes the page of a purged video and leaves foreign files alone."""
    for video_id in (WHOLE, EMPTY):
        write_rows(tmp_path, "videos", [video_row(video_id)], video_id)
    site = write_site(tmp_path).parent
    (site / "videos" / "mine.html").write_text("kept")
    (tmp_path / "videos" / "day=2026-03-01" / "cam=door" / f"{EMPTY}.parquet").unlink()
    write_site(tmp_path)
    assert {page.name for page in (site / "videos").iterdir()} == {f"{WHOLE}.html", "mine.html"}
    assert {path.name for path in site.rglob("*") if path.is_file()} == {
        "index.html", "plotly.min.js", "report.js", "report.css", f"{WHOLE}.html", "mine.html",
    }  # fmt: skip


def test_video_id_that_is_none_of_ours_names_no_file(tmp_path: Path) -> None:
    """A row with a path for an id is listed without a page, and nothing is written outside the site."""
    out = tmp_path / "deep" / "out"
    write_rows(out, "videos", [video_row("../../../evil"), video_row(WHOLE)], "part-0")
    index = Reader(write_site(out))
    assert [attrs["href"] for tag, attrs in index.elements if tag == "a"] == [f"videos/{WHOLE}.html"]
    assert "/archive/..mp4" in index.text
    assert not list(tmp_path.rglob("evil*"))


def test_folder_without_results_is_refused(tmp_path: Path) -> None:
    """The error names the folder and what to name instead."""
    with pytest.raises(UsageError, match=r"holds no results: name the folder"):
        write_site(tmp_path)


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
