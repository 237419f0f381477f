"""The page of one video."""

from pathlib import Path

from reports import charts
from reports.cards import Cards
from reports.colours import colours_of
from reports.records import VideoPage
from reports.render import json_block, render

MAX_ROWS = 1000
"""Rows of a table of tracks or gaps; what is beyond stands in the Parquet tables."""


def video_html(page: VideoPage, out: Path, cards: Cards, link_footage: str | None = None) -> str:
    """The page as HTML.

    Args:
        page: what it says.
        out: the output folder, from which the way to the footage leads.
        cards: of the classifiers that have one.
        link_footage: where a browser finds the footage; None for where it was found by the run.
    """
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
        unreadable=[str(path.relative_to(out)) for path in page.unreadable],
        figures={name: json_block(figure) for name, figure in figures.items()},
        n_lanes=len(lanes),
        tracks=sorted(page.tracks, key=lambda track: track.start_s - track.end_s)[:MAX_ROWS],
        gaps=sorted(video.gaps, key=lambda gap: gap.start_s - gap.end_s)[:MAX_ROWS],
        models=(video.model,),
        detectors=(video.detector,),
        cards=cards,
        root="..",
    )
