"""Draws the static site below OUT/reports from the tables below OUT."""

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from reports import charts, text
from reports.data import IndexPage, VideoPage, read_index, read_page
from reports.timeline import LABELS

MAX_ROWS = 1000
"""Rows of a table of tracks or gaps on a page; what is beyond stands in the Parquet tables."""

_PAGE_NAME = re.compile(r"[0-9a-f]{16}\.html")


def write_site(out: Path) -> Path:
    """Draw all pages anew below ``out/reports`` and return the path of the index.

    Reads the tables below out alone. Every file appears whole or not at all; the index comes last,
    so that it links to no page that is not there yet. Pages of videos that left the tables go.
    Raises UsageError where out holds no results.
    """
    index = read_index(out)
    site = out / "reports"
    _write_assets(site / "assets")
    pages = {video.video_id: video.page for video in index.videos if video.page}
    for video in index.videos:
        if video.page:
            original_page = pages.get(video.duplicate_of or "")
            write_whole(site / "videos" / video.page, _video_html(read_page(out, video), original_page))
    write_whole(site / "index.html", _index_html(index))
    for page in (site / "videos").glob("*.html"):
        if _PAGE_NAME.fullmatch(page.name) and page.name not in pages.values():
            page.unlink()
    return site / "index.html"


def write_whole(path: Path, content: str) -> None:
    """Write a text file (UTF-8) under another name and move it into place; a file that is equal stays."""
    data = content.encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.read_bytes() == data:
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_assets(folder: Path) -> None:
    write_whole(folder / "plotly.min.js", get_plotlyjs())
    for name in ("report.js", "report.css"):
        write_whole(folder / name, (files("reports") / "assets" / name).read_text(encoding="utf-8"))


def _index_html(index: IndexPage) -> str:
    return _render(
        "index.html",
        page=index,
        totals=index.totals,
        models=index.models,
        detectors=index.detectors,
        root=".",
    )


def _video_html(page: VideoPage, original_page: str | None) -> str:
    video = page.video
    lanes = charts.shown_lanes(page)
    figures = {
        "coverage": charts.coverage_strip(page) if video.coverage is not None and page.end_s > 0 else None,
        "timeline": charts.expression_timeline(page, page.timeline) if page.timeline else None,
        "lanes": charts.track_lanes(page, lanes) if lanes and page.runs else None,
        "distribution": charts.expression_distribution(page.distribution) if page.distribution else None,
    }
    return _render(
        "video.html",
        page=page,
        video=video,
        original_page=original_page,
        figures={name: _figure_block(figure) for name, figure in figures.items()},
        n_lanes=len(lanes),
        tracks=sorted(page.tracks, key=lambda track: track.start_s - track.end_s)[:MAX_ROWS],
        gaps=sorted(video.gaps, key=lambda gap: gap.start_s - gap.end_s)[:MAX_ROWS],
        models=(video.model,),
        detectors=(video.detector,),
        root="..",
    )


def _figure_block(figure: go.Figure | None) -> Markup | None:
    if figure is None:
        return None
    # Not |tojson: the figure is JSON already. data_block leaves no character that could end the element.
    return Markup(text.data_block(figure.to_json(validate=False)))


def _render(template: str, **values: Any) -> str:
    return _ENVIRONMENT.get_template(template).render(**values)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for word in (text.clock, text.coverage, text.moment, text.number, text.percent, text.span, text.visible):
        environment.filters[word.__name__] = word
    environment.globals.update(colours=charts.COLOURS, labels=LABELS, counted=text.counted)
    return environment


_ENVIRONMENT = _environment()
