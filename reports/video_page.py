"""The page of one video."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from analytics.kept_masks import masks_below
from analytics.purpose import Purpose
from reports import charts
from reports.boxes import MOST_CAPTIONS, TOLERANCE_OF_SIDE, TOLERANCE_PX, captions_of
from reports.cards import Cards
from reports.changes import MOST_OF_A_VIDEO
from reports.clock import local_epoch_s
from reports.colours import colours_of
from reports.events import Event
from reports.links import Footage
from reports.names import camera_page
from reports.records import Video, VideoPage
from reports.render import json_block, render
from reports.text import counted, moment, percent, sure
from reports.zones import zones_of

MAX_ROWS: Final = 1000
"""Rows of a table of tracks or gaps; what is beyond stands in the Parquet tables."""
MAX_EVENTS: Final = 200
"""Events that a page lists; the queue lists all."""
PLAYABLE: Final = frozenset({"h264", "vp8", "vp9", "av1", "theora"})
"""Codecs that every desktop browser is likely to know, as FFmpeg names them."""

_QUARTER: Final = timedelta(minutes=15)
_MOST_QUARTERS: Final = 10_000


def video_html(
    page: VideoPage,
    out: Path,
    cards: Cards,
    footage: Footage,
    purposes: Sequence[Purpose] = (Purpose(),),
    events: Sequence[Event] = (),
) -> str:
    """The page as HTML.

    Args:
        page: what it says.
        out: the output folder.
        cards: of the classifiers that have one.
        footage: how a browser comes to it.
        purposes: what it was processed for.
        events: those that go on in it, in order of time.
    """
    video = page.video
    lanes = charts.shown_lanes(page)
    enough = judged_s(page) >= charts.LEAST_JUDGED_S
    zones = zones_of(events, video)
    figures = {
        "coverage": charts.coverage_strip(page) if video.coverage is not None and page.end_s > 0 else None,
        "timeline": charts.expression_timeline(page, page.timeline) if page.timeline else None,
        "lanes": charts.track_lanes(page, lanes) if lanes and page.runs else None,
        "distribution": charts.expression_distribution(page.distribution, page.labels)
        if page.distribution and enough
        else None,
    }
    return render(
        "video.html",
        page=page,
        colours=colours_of(page.labels),
        video=video,
        footage=footage,
        events=events[:MAX_EVENTS],
        n_events=len(events),
        zones=[name for name, *_ in zones],
        player=json_block({**_player(page, footage), "zones": zones}),
        playable=video.codec in PLAYABLE,
        words=in_words(page),
        judged_s=judged_s(page),
        unreadable=[str(path.relative_to(out)) for path in page.unreadable],
        figures={name: json_block(figure) for name, figure in figures.items()},
        n_lanes=len(lanes),
        tracks=sorted(page.tracks, key=lambda track: track.start_s - track.end_s)[:MAX_ROWS],
        gaps=sorted(video.gaps, key=lambda gap: gap.start_s - gap.end_s)[:MAX_ROWS],
        changes=sorted(page.changes, key=lambda change: (change.at_s, change.track_id)),
        only_strongest=len(page.changes) >= MOST_OF_A_VIDEO,
        boxes_note=_boxes_note(page),
        masks=_masks(out, video),
        day=start.date().isoformat() if (start := video.local_start) else None,
        camera=camera_page(video.camera) if video.camera is not None else None,
        models=(video.model,),
        detectors=(video.detector,),
        cards=cards,
        purposes=purposes,
        root="..",
    )


def judged_s(page: VideoPage) -> float:
    """Judged time of all tracks together, seconds."""
    return sum(page.distribution.seconds) if page.distribution else 0.0


def in_words(page: VideoPage) -> str:
    """What the video shows, in a sentence."""
    said = [counted(len(page.tracks), "track of a face", "tracks of faces")]
    total_s = judged_s(page)
    if not page.tracks:
        return "No face could be followed from one sample to another."
    if page.distribution and total_s >= charts.LEAST_JUDGED_S:
        most_s, most = max(zip(page.distribution.seconds, page.labels, strict=True))
        often = "mostly" if most_s >= total_s / 2 else "most often"
        said.append(f"{often} {most} ({percent(most_s / total_s)} of the judged time)")
    elif total_s:
        said.append(f"judged for {total_s:.1f} s in all, not enough to say what they mostly show")
    else:
        said.append("which could not be judged" if len(page.tracks) == 1 else "none of which could be judged")
    n = counted(len(page.changes), "change") if page.changes else "no change"
    more = " or more" if len(page.changes) >= MOST_OF_A_VIDEO else ""
    return f"{', '.join(said)}; {n}{more} of expression."


def _boxes_note(page: VideoPage) -> str | None:
    """Where the boxes are less exact than usual, or not all there: the page says so."""
    said = []
    if page.boxes.tolerance > 1:
        px, share = (page.boxes.tolerance * usual for usual in (TOLERANCE_PX, TOLERANCE_OF_SIDE))
        said.append(f"So many faces move here that a box may be off by {px:.1f} px, or {share:.1%} of its face.")
    if page.boxes.n_left_out:
        said.append(f"{counted(page.boxes.n_left_out, 'short sighting')} of faces have no box.")
    if len(page.runs) > MOST_CAPTIONS:
        said.append("The shortest stretches have boxes without an expression.")
    return " ".join(said) or None


def _masks(out: Path, video: Video) -> Sequence[Sequence[tuple[float, float]]]:
    """The masks that its rows were made with; none where they cannot be read, which whoever draws pictures finds out."""
    try:
        return masks_below(out, video.settings_hash).polygons
    except OSError:
        return ()


def _player(page: VideoPage, footage: Footage) -> dict[str, Any]:
    """What player.js knows."""
    video = page.video
    return {
        "end_s": page.end_s,
        "duration_s": video.duration_s,
        "size": [video.width, video.height] if video.width and video.height else None,
        "labels": list(page.labels),
        "colours": [colours_of(page.labels)[label] for label in page.labels],
        "clock": _clock_steps(video, page.end_s),
        "mpv": footage.for_mpv,
        "tracks": [
            [t.track_id, t.start_s, t.end_s, t.best_pts_s, _shown(t.expression, t.confidence) if t.n_usable else None]
            for t in sorted(page.tracks, key=lambda track: (track.start_s, track.track_id))
        ],
        "changes": sorted([change.at_s, change.track_id, change.before, change.after] for change in page.changes),
        "boxes": page.boxes.encoded(),
        "captions": captions_of(page.runs, page.labels),
    }


def _shown(expression: str, confidence: float | None) -> str:
    return expression if confidence is None else f"{expression} {sure(confidence)}"


def _clock_steps(video: Video, end_s: float) -> Sequence[tuple[float, int, str]]:
    """From which second on the camera's clock shows what: second, that clock's reading at second 0 as ms since 1970,
    and its offset from UTC. More than one where summer time begins or ends; none where the start is unknown."""
    if video.start_time is None:
        return ()
    start = video.start_time
    steps: list[tuple[float, int, str]] = []
    # Clocks change on quarters of an hour.
    quarter = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0)
    for k in range(min(int(end_s // 900) + 2, _MOST_QUARTERS)):
        when = max(quarter + k * _QUARTER, start)
        zone = moment(when, video.time_zone)[len("2026-01-01 00:00:00 ") :]
        if not steps or steps[-1][2] != zone:
            passed_s = (when - start).total_seconds()
            steps.append((passed_s, round((local_epoch_s(when, video.time_zone) - passed_s) * 1000), zone))
    return steps
