"""The pages of many videos: of the whole archive, of one day, of one camera."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from reports import heat, strips
from reports.archive import Archive
from reports.cards import Cards
from reports.changes import MOST_OF_A_VIDEO
from reports.colours import colours_of
from reports.events import Queue
from reports.hours import LEAST_TRACKS
from reports.morning import AT_ONCE, failures_of
from reports.morning import MOST as MOST_FAILURES
from reports.names import camera_page
from reports.nights import Night
from reports.records import Change, Video
from reports.render import json_block, render
from reports.rows import MOST as MOST_LISTED
from reports.rows import listed, moment_of, note_of, rows_of
from reports.text import of_clock, visible

STATIC_VIDEOS: Final = 50
"""Videos that stand in the page itself, for a browser that runs no script."""
STATIC_CHANGES: Final = 10
_MOST_UNREADABLE: Final = 10
_TABLES: Final = ("videos", "tracks")


@dataclass(frozen=True)
class Link:
    """A page of a day or a camera, and what it has."""

    name: str
    page: str
    n_videos: int
    n_tracks: int
    n_unfinished: int


@dataclass(frozen=True)
class Moment:
    """A change of expression as the page itself tells it."""

    change: Change
    video: Video
    when_s: int


def archive_html(archive: Archive, queue: Queue, nights: tuple[Night, ...], out: Path, cards: Cards) -> str:
    """The index of the site."""
    failures = failures_of(archive, nights)
    missing, others = _of_no_video(archive, nights)
    zones = Counter(video.time_zone for video in archive.videos if video.time_zone)
    return _render(
        "index.html",
        archive,
        cards,
        root=".",
        data={"days": heat.by_day_and_hour(archive), "cameras": heat.by_camera(archive)},
        figures={},
        queue=queue,
        nights=nights,
        time_zone=zones.most_common(1)[0][0] if zones else None,
        failures=failures[:MOST_FAILURES],
        at_once=AT_ONCE,
        n_failures=sum(len(row.videos) for row in failures),
        n_told=sum(len(row.videos) for row in failures[:MOST_FAILURES]),
        missing=missing,
        others=others,
        months=_months(_day_links(archive)),
        cameras=_camera_links(archive),
    )


def _of_no_video(archive: Archive, nights: tuple[Night, ...]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What the last run found fault with beside videos: sources that are missing, and all else, such as refused files."""
    if not nights:
        return [], []
    sources = {video.source for video in archive.videos}
    told = [pair for pair in nights[0].failures if pair[0] not in sources]
    gone = nights[0].missing
    if gone is None:
        return told, []
    return [pair for pair in told if pair[0] in gone], [pair for pair in told if pair[0] not in gone]


def day_html(
    part: Archive, day: str, before: str | None, after: str | None, cards: Cards, has_events: bool = False
) -> str:
    """The page of one local day, of whose videos `part` is made, between the days before and after it, if any."""
    of = {video.video_id: video for video in part.videos}
    # A recording over midnight is of two days, and each of its changes of one.
    changes = [one for one in part.changes if of_clock(moment_of(of[one.video_id], one))[:10] == day]
    part = replace(part, changes=tuple(changes), day=day)
    return _render(
        "day.html",
        part,
        cards,
        root="..",
        data={},
        figures={"strips": strips.of_day(part, day)},
        n_lanes=len(strips.lanes_of(part)),
        day=day,
        has_events=has_events,
        before=before,
        after=after,
        cameras=_camera_links(part),
    )


def camera_html(part: Archive, camera: str, cards: Cards, has_events: bool = False) -> str:
    """The page of one camera, of whose videos `part` is made."""
    return _render(
        "camera.html",
        part,
        cards,
        root="..",
        data={"days": heat.by_day_and_hour(part)},
        figures={},
        camera=camera,
        has_events=has_events,
        months=_months(_day_links(part)),
    )


def _render(
    template: str,
    archive: Archive,
    cards: Cards,
    root: str,
    data: dict[str, Any],
    figures: dict[str, Any],
    **values: Any,
) -> str:
    labels = archive.labels
    colours = colours_of(labels)
    rows = rows_of(archive)
    shown = rows["videos"]["shown"][:STATIC_VIDEOS]
    return render(
        template,
        archive=archive,
        shares=archive.shares,
        least=LEAST_TRACKS,
        rows=json_block({**rows, "colours": [colours[label] for label in labels]}),
        unreadable=[_table_file(path) for path in list(archive.unreadable)[:_MOST_UNREADABLE]],
        n_unreadable=len(archive.unreadable),
        data={name: json_block(value) for name, value in data.items()},
        figures={name: json_block(value) for name, value in figures.items()},
        colours=colours,
        videos=[archive.videos[place] for place in listed(archive)[:STATIC_VIDEOS]],
        n_listed=len(rows["videos"]["id"]),
        most_listed=MOST_LISTED,
        most_changes=MOST_OF_A_VIDEO,
        shown=[list(zip(codes[::2], codes[1::2], strict=True)) for codes in shown],
        moments=_moments(archive),
        note_of=note_of,
        models=archive.models,
        detectors=archive.detectors,
        cards=cards,
        purposes=archive.purposes,
        root=root,
        **values,
    )


def _moments(archive: Archive) -> list[Moment]:
    of = {video.video_id: video for video in archive.videos}
    told = archive.changes[:STATIC_CHANGES]
    return [Moment(change, of[change.video_id], moment_of(of[change.video_id], change)) for change in told]


def _table_file(path: Path) -> str:
    """A file of the tables, or a folder of them, from the name of its table on."""
    parts = path.parts
    return "/".join(parts[max(k for k, part in enumerate(parts) if k == 0 or part in _TABLES) :])


def _day_links(archive: Archive) -> list[Link]:
    links = _links(archive, {day: f"{day}.html" for day in archive.days}, archive.days)
    # A recording over midnight is of two days, and each of its tracks of those in which it is seen.
    return [replace(link, n_tracks=archive.tracks_by_day.get(link.name, 0)) for link in links]


def _links(archive: Archive, pages: dict[str, str], places: dict[str, list[int]]) -> list[Link]:
    return [
        Link(
            name=visible(key),
            page=page,
            n_videos=len(places[key]),
            n_tracks=sum(archive.videos[place].n_tracks for place in places[key]),
            n_unfinished=sum(archive.videos[place].status in ("failed", "partial") for place in places[key]),
        )
        for key, page in pages.items()
    ]


def _camera_links(archive: Archive) -> list[Link]:
    known = {name: places for name, places in archive.cameras.items() if name is not None}
    return _links(archive, {name: camera_page(name) for name in known}, known)


def _months(days: list[Link]) -> list[tuple[str, list[Link]]]:
    """Days by month (YYYY-MM), the newest first in both."""
    months: dict[str, list[Link]] = {}
    for day in reversed(days):
        months.setdefault(day.name[:7], []).append(day)
    return list(months.items())
