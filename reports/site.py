"""Draws the static site below OUT/reports from the tables below OUT."""

import hashlib
import json
import os
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from reports import charts, text
from reports.cards import FOLDER, Cards, card_html, card_of, cards_below
from reports.colours import colours_of
from reports.data import inputs_of, read_index, read_labels, read_page
from reports.nights import read_nights
from reports.records import IndexPage, Video, VideoPage
from reports.stored import VIDEO_ID, StoredTables, UnreadableTablesError

MAX_ROWS = 1000
"""Rows of a table of tracks or gaps on a page; what is beyond stands in the Parquet tables."""


def write_site(out: Path, *, everything: bool = False) -> Path:
    """Draw the site below ``out/reports`` and return the path of its index.

    Reads the tables below out alone. The page of a video is drawn where it is missing or where its rows or
    this code changed since, or everything is asked for; the index always. Every file appears whole or not at
    all; the index comes last, so that it links to no page that is not there yet. Pages of videos that left the
    tables go.

    Raises UsageError where out holds no results; UnreadableTablesError, once all is drawn, where files of the
    tables cannot be read: the page of such a video says so.
    """
    index = read_index(out)
    tables = StoredTables(out)
    site = out / "reports"
    write_assets(site / "assets")
    pages = {video.video_id: video.page for video in index.videos if video.page}
    unreadable = dict(index.unreadable)
    cards, labels = cards_below(out), read_labels(out)
    for stem, card in cards.items():
        write_whole(site / FOLDER / f"{stem}.html", _card_html(card))
    for video in index.videos:
        if video.page:
            original_page = pages.get(video.duplicate_of or "")
            stamp = _stamp(tables, video, original_page, cards, labels)
            file = site / "videos" / video.page
            if everything or not _ends_with(file, stamp):
                page = read_page(tables, video, labels)
                html = _video_html(page, original_page, out, cards)
                # Only a page that could be drawn in full is stamped.
                write_whole(file, html if page.unreadable else html + stamp)
                unreadable |= page.unreadable
    write_whole(site / "index.html", _index_html(index, out, cards))
    for file in (site / "videos").glob("*.html"):
        if VIDEO_ID.fullmatch(file.stem) and file.stem not in pages:
            file.unlink()
    if unreadable:
        raise UnreadableTablesError(unreadable)
    return site / "index.html"


def _stamp(tables: StoredTables, video: Video, original_page: str | None, cards: Cards, labels: tuple[str, ...]) -> str:
    """What a page ends with as long as drawing it again would give the same page.

    Made before the rows are read: what changes in between is drawn the next time.
    """
    try:
        inputs = repr((_code(), inputs_of(tables, video), original_page, card_of(video.model, cards), labels))
    except UnreadableTablesError:
        return ""  # The page will say so.
    return f"<!-- drawn from {hashlib.sha256(inputs.encode()).hexdigest()} -->\n"


@cache
def _code() -> str:
    """A hash of everything but the rows that decides how a page looks."""
    digest = hashlib.sha256(repr((plotly.__version__, jinja2.__version__)).encode())
    room = files("reports")
    sources = [*room.iterdir(), *(room / "templates").iterdir()]
    for source in sorted(sources, key=lambda source: source.name):
        if source.name.endswith((".py", ".html")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _ends_with(file: Path, stamp: str) -> bool:
    """Whether a page carries this stamp. It comes last, so a page that lost its end has none."""
    if not stamp or not file.is_file():
        return False
    with file.open("rb") as page:
        page.seek(max(0, file.stat().st_size - len(stamp)))
        return page.read() == stamp.encode("utf-8")


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


def write_assets(folder: Path) -> None:
    """Write what all pages share: Plotly, our script and our styles."""
    write_whole(folder / "plotly.min.js", get_plotlyjs())
    for name in ("report.js", "report.css"):
        write_whole(folder / name, (files("reports") / "assets" / name).read_text(encoding="utf-8"))


def _below(out: Path, paths: Iterable[Path]) -> list[str]:
    """Paths as a page names them: it may be read on another machine."""
    return [str(path.relative_to(out)) for path in paths]


def _card_html(card: Path) -> str:
    return render("card.html", card=card_html(card), models=(), detectors=(), cards={}, root="..")


def _index_html(index: IndexPage, out: Path, cards: Cards) -> str:
    nights = read_nights(out)
    failed = nights[0].failures if nights else ()
    sources = {video.source for video in index.videos}
    return render(
        "index.html",
        page=index,
        nights=nights,
        new={source for source, _ in failed},
        missing=[(source, reason) for source, reason in failed if source not in sources],
        max_rows=MAX_ROWS,
        colours=colours_of([name for labels in index.expressions.values() for name, _ in labels]),
        totals=index.totals,
        models=index.models,
        detectors=index.detectors,
        unreadable=_below(out, index.unreadable),
        cards=cards,
        root=".",
    )


def _video_html(page: VideoPage, original_page: str | None, out: Path, cards: Cards) -> str:
    video = page.video
    lanes = charts.shown_lanes(page)
    figures = {
        "coverage": charts.coverage_strip(page) if video.coverage is not None and page.end_s > 0 else None,
        "timeline": charts.expression_timeline(page, page.timeline) if page.timeline else None,
        "lanes": charts.track_lanes(page, lanes) if lanes and page.runs else None,
        "distribution": charts.expression_distribution(page.distribution, page.labels) if page.distribution else None,
    }
    return render(
        "video.html",
        page=page,
        colours=colours_of(page.labels),
        video=video,
        original_page=original_page,
        unreadable=_below(out, page.unreadable),
        figures={name: figure_block(figure) for name, figure in figures.items()},
        n_lanes=len(lanes),
        tracks=sorted(page.tracks, key=lambda track: track.start_s - track.end_s)[:MAX_ROWS],
        gaps=sorted(video.gaps, key=lambda gap: gap.start_s - gap.end_s)[:MAX_ROWS],
        models=(video.model,),
        detectors=(video.detector,),
        cards=cards,
        root="..",
    )


def figure_block(figure: charts.Figure | None) -> Markup | None:
    """A figure as a template puts it into its data element."""
    if figure is None:
        return None
    # Not |tojson: the figure is JSON already. data_block leaves no character that could end the element.
    return Markup(text.data_block(json.dumps(figure, allow_nan=False, separators=(",", ":"))))


def render(template: str, **values: Any) -> str:
    """A page from its template."""
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
    environment.globals.update(counted=text.counted, card_of=card_of)
    return environment


_ENVIRONMENT = _environment()
