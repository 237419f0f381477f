"""The page of a video says what its tables say."""

import json
import re
from pathlib import Path

import plotly.graph_objects as go
import pytest
from plotly.utils import PlotlyJSONEncoder

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
