"""The page of a video says what its tables say."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import plotly.graph_objects as go
import pytest
from plotly.utils import PlotlyJSONEncoder

from analytics.errors import UsageError
from reports.site import write_site
from tests.test_report_data import (
    PARTIAL,
    WHOLE,
    face_row,
    sample_rows,
    track_row,
    video_row,
    write_results,
    write_rows,
)
from tests.test_reports import page_of


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(write_results(tmp_path_factory.mktemp("out"))).parent


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
    counts = [int(n) for text in named["happy"]["customdata"] for n in re.findall(r"(\d+) judged", text)]
    assert sum(counts) == len(seen)


def test_pages_tell_when_tables_disagree(tmp_path: Path) -> None:
    """Rows that the videos table promises and another table lacks are named on the page."""
    write_rows(tmp_path, "videos", [video_row(WHOLE, n_faces=7)], WHOLE)
    site = write_site(tmp_path).parent
    assert "promises 7 rows in faces, which holds 0" in page_of(site, WHOLE).text


@pytest.mark.parametrize("video_id", [WHOLE, PARTIAL])
def test_figures_are_what_plotly_takes(site: Path, video_id: str) -> None:
    """Every property and value, by Plotly's own classes, which drop and add nothing."""
    figures = {name: block for name, block in page_of(site, video_id).figures.items() if name.startswith("figure-")}
    assert len(figures) == 4
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
    rows = (site / "videos" / f"{WHOLE}.html").read_text(encoding="utf-8").split("<tr")
    (third,) = (row for row in rows if '<td class="figure">3</td>' in row)
    assert "not judged" in third and "uncertain" not in third


def results(out: Path, runs: list[tuple[str | None, float]], **changes: object) -> Path:
    """Results of one video with one track: for each run its label, or None, and its seconds."""
    labels = [label for label, length_s in runs for _ in range(round(length_s * 2))]
    faces = [
        face_row(WHOLE, k / 2, 1, label, usable=label is not None, confidence=0.9 if label == "happy" else 0.4)
        for k, label in enumerate(labels)
    ]
    judged = [label for label in labels if label]
    shown = {label: judged.count(label) / len(judged) for label in set(judged)}
    n = len(labels)
    video = video_row(WHOLE, n_samples=n, n_faces=n, n_tracks=1, duration_s=n / 2, decoded_s=n / 2, **changes)
    for table, rows in (
        ("videos", [video]),
        ("samples", sample_rows(WHOLE, n)),
        ("faces", faces),
        ("tracks", [track_row(WHOLE, 1, 0.0, (n - 1) / 2, **shown)]),
    ):
        write_rows(out, table, rows, WHOLE)
    return out


def test_a_sentence_says_what_is_shown(tmp_path: Path) -> None:
    """How many tracks, mostly what, how many changes; and each change with its moment."""
    page = page_of(write_site(results(tmp_path, [("neutral", 4), ("happy", 2), (None, 2)])).parent, WHOLE)
    assert "1 track of a face, mostly neutral (67 % of the judged time); 1 change of expression." in page.text
    assert "0:04.0 track 1 neutral → happy 4.0 s, then 2.0 s 40 % sure" in page.text
    links = [attrs for tag, attrs in page.elements if attrs.get("class") == "jump"]
    assert {"#t=4.0&track=1", "#t=0.0&track=1"} == {attrs["href"] for attrs in links}


def test_little_is_not_divided(tmp_path: Path) -> None:
    """Shares of a second and a half would be noise: the page says that it is not enough."""
    page = page_of(write_site(results(tmp_path, [("happy", 1.5), (None, 3)])).parent, WHOLE)
    assert "Not enough data: only 1.5 s could be judged" in page.text
    assert "judged for 1.5 s in all, not enough to say what they mostly show; no change of expression." in page.text
    assert "figure-distribution" not in page.figures and "figure-lanes" in page.figures


def test_runs_are_paler_where_the_classifier_is_less_sure(tmp_path: Path) -> None:
    """Opacity grows with the mean confidence of a run, and what was not judged has a look of its own."""
    page = page_of(write_site(results(tmp_path, [("neutral", 3), ("happy", 3), (None, 3)])).parent, WHOLE)
    lanes = {trace["name"]: trace for trace in page.figures["figure-lanes"]["data"]}
    (pale,), (strong,) = lanes["neutral"]["marker"]["opacity"], lanes["happy"]["marker"]["opacity"]
    assert 0.35 < pale < strong < 1
    assert "opacity" not in lanes["not judged"]["marker"]
    assert "confidence 40 %" in lanes["neutral"]["customdata"][0]
    assert "2026-03-01 23:00:03 UTC+01:00" in lanes["happy"]["customdata"][0]


def test_no_trace_is_longer_than_a_browser_draws_at_once(tmp_path: Path) -> None:
    """A day of flicker in many tracks, and thousands of gaps: lanes are left out, gaps that touch are drawn as one."""
    gaps = [{"start_s": 10.0 * k + 1, "end_s": 10.0 * k + 4, "kind": "hole", "cause": "lost"} for k in range(5000)]
    faces, tracks = [], []
    for track_id in range(1, 9):
        for k in range(600):
            label = "happy" if k % 2 else "sad"
            faces.append(face_row(WHOLE, 6000.0 * track_id + 10 * k + 5, track_id, label, sample=k))
        tracks.append(track_row(WHOLE, track_id, 6000.0 * track_id + 5, 6000.0 * track_id + 5995, happy=0.5, sad=0.5))
    video = video_row(WHOLE, duration_s=60_000.0, holes=gaps, n_samples=0, n_faces=len(faces), n_tracks=8)
    for table, rows in (("videos", [video]), ("samples", []), ("faces", faces), ("tracks", tracks)):
        write_rows(tmp_path, table, rows, WHOLE)
    page = page_of(write_site(tmp_path).parent, WHOLE)
    for name, figure in page.figures.items():
        for trace in figure.get("data", ()):
            assert len(trace["x"]) <= 2000, name
    assert "The longest 6 of 8 tracks" in page.text
    holes = next(trace for trace in page.figures["figure-coverage"]["data"] if trace["name"] == "hole")
    assert holes["base"][0] == 1.0 and holes["base"][-1] + holes["x"][-1] == 49_994.0


def test_the_clock_of_the_player_knows_summer_time(tmp_path: Path) -> None:
    """What runs over the night of 29 March has two offsets, the second from 01:00 UTC on."""
    start = datetime(2026, 3, 29, 0, 58, 30, tzinfo=UTC)
    out = results(tmp_path, [("happy", 200.0)], start_time=start, time_zone="Europe/Berlin")
    player = page_of(write_site(out).parent, WHOLE).figures["player"]
    steps = [(at_s, datetime.fromtimestamp(ms / 1000, UTC).isoformat(), zone) for at_s, ms, zone in player["clock"]]
    assert steps == [
        (0.0, "2026-03-29T01:58:30+00:00", "UTC+01:00"),
        (90.0, "2026-03-29T02:58:30+00:00", "UTC+02:00"),
    ]


def test_thumbnails_are_shown_once_they_are_there(tmp_path: Path) -> None:
    """Lazily, with a text; the page is drawn again for them, and for no other file."""
    site = write_site(results(tmp_path, [("happy", 5.0)])).parent
    page = site / "videos" / f"{WHOLE}.html"
    assert "<img" not in page.read_text("utf-8")
    before = page.stat().st_mtime_ns
    folder = site / "thumbnails" / WHOLE
    folder.mkdir(parents=True)
    (folder / "made.json").write_text("{}")
    (folder / "<b>.jpg").write_bytes(b"")
    write_site(tmp_path)
    assert page.stat().st_mtime_ns == before
    (folder / "1.jpg").write_bytes(b"")
    write_site(tmp_path)
    (picture,) = [attrs for tag, attrs in page_of(site, WHOLE).elements if tag == "img"]
    assert (picture["src"], picture["loading"]) == (f"../thumbnails/{WHOLE}/1.jpg", "lazy")
    assert picture["alt"] == "Track 1 at its best moment"


@pytest.mark.parametrize(
    ("link", "source", "media_src"),
    [
        (None, "../../../../../archive/a.mp4", "media-src 'self' file:;"),
        ("/archive=https://host/v", "https://host/v/a.mp4", "media-src https://host;"),
    ],
)
def test_the_policy_opens_for_the_footage_alone(tmp_path: Path, link: str | None, source: str, media_src: str) -> None:
    """The player asks for the footage where one says that it is; a new place draws the page again."""
    write_site(results(tmp_path, [("happy", 5.0)]), link_footage="/somewhere/else")
    elements = page_of(write_site(tmp_path, link_footage=link).parent, WHOLE).elements
    (video,) = [attrs for tag, attrs in elements if tag == "video"]
    assert (video["src"] or "").endswith(source.removeprefix("../../../../.."))
    (policy,) = [attrs["content"] for tag, attrs in elements if "Content-Security-Policy" in attrs.values()]
    assert media_src in (policy or "")


def test_footage_that_may_not_be_linked_is_refused(tmp_path: Path) -> None:
    """Before any page of it is written."""
    with pytest.raises(UsageError, match="--link-footage"):
        write_site(results(tmp_path, [("happy", 5.0)]), link_footage="javascript:alert(1)")
    assert not list((tmp_path / "reports" / "videos").glob("*"))


def test_an_old_page_lies_where_out_was(tmp_path: Path) -> None:
    """After OUT was moved elsewhere the way to the footage is another one, and the page is drawn again."""
    write_site(results(tmp_path / "out", [("happy", 5.0)]))
    (tmp_path / "deeper" / "still").mkdir(parents=True)
    moved = (tmp_path / "out").rename(tmp_path / "deeper" / "still" / "out")
    (video,) = [attrs for tag, attrs in page_of(write_site(moved).parent, WHOLE).elements if tag == "video"]
    assert (moved / "reports" / "videos" / (video["src"] or "")).resolve() == Path("/archive/a.mp4")
