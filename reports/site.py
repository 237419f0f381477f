"""Draws the static site below OUT/reports from the tables below OUT."""

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from analytics.errors import UsageError
from analytics.purpose import Purpose
from reports.archive import Archive, read_archive
from reports.cards import FOLDER, Cards, card_html, card_of, cards_below
from reports.changes import decoded, encoded, strongest
from reports.data import inputs_of, read_page
from reports.events import Queue, read_queue
from reports.events_page import events_html
from reports.files import (
    SETTINGS,
    THUMBNAILS,
    UNFINISHED,
    last_line,
    made_of,
    told_by,
    write_assets,
    write_whole,
)
from reports.links import Footage, footage_of, mapping
from reports.names import camera_page
from reports.nights import read_nights
from reports.overview_page import archive_html, camera_html, day_html
from reports.purposes import of_videos
from reports.records import Change, Video
from reports.render import code_hash, render
from reports.stored import VIDEO_ID, StoredTables, UnreadableTablesError
from reports.video_page import video_html

_log = logging.getLogger(__name__)

EVENTS_PAGE: Final = "events.html"
_OURS: Final = re.compile(r"[0-9a-f]{16}|\d{4}-\d\d-\d\d|[A-Za-z0-9_-]{0,40}-[0-9a-f]{8}")
"""Names of pages of videos, days and cameras, without the suffix."""


def write_site(
    out: Path,
    *,
    everything: bool = False,
    link_footage: str | None = None,
    in_bucket: bool = False,
    gone: Collection[str] = (),
) -> Path:
    """Draw the site below ``out/reports`` and return the path of its index.

    Reads the tables below out alone. The page of a video is drawn where it is missing or where its rows or
    this code changed since, or everything is asked for; so are those of days and cameras, by their videos. The index is
    drawn each time and written where it changed. Every file appears whole or not at all. The index comes after the pages that
    it links to, and before those go whose videos, days and cameras left the tables: no link leads nowhere, and a page that
    is there tells that this is still to be done. For whoever holds the lock of OUT.

    Args:
        out: the output folder.
        everything: whether pages are drawn that would say the same as before.
        link_footage: where a browser finds the footage (reports.links), kept for the next time; None for as last time,
            and an empty text for where the run found it.
        in_bucket: whether OUT is the mirror of a bucket, from which no relative path leads to the footage.
        gone: ids of videos that were removed on purpose. Where a file of the tables cannot be read, the pages of all
            others stay, as nobody knows whose rows it holds.

    Raises:
        UsageError: out holds no results, or link_footage is none that a page may link to.
        UnreadableTablesError: once all is drawn, where files of the tables cannot be read: the page of such a video
            says so.
    """
    archive = read_archive(out)
    site = out / "reports"
    cards = cards_below(out)
    link_footage = _kept(site / SETTINGS, link_footage)
    write_assets(site / "assets")
    _write_cards(site, cards, archive.purposes)
    footage = {
        video.video_id: footage_of(video.source, None if in_bucket else out, link_footage)
        for video in archive.videos
        if video.page
    }
    if link_footage and footage and not any(map(mapping(link_footage), (video.source for video in archive.videos))):
        _log.warning("--link-footage %s fits none of %d videos", link_footage, len(archive.videos))
    queue = read_queue(out, archive)
    changes, unreadable = _write_videos(out, archive, queue, cards, footage, everything)
    archive = replace(archive, changes=changes)
    if queue.events:
        write_whole(site / EVENTS_PAGE, events_html(queue, archive, cards))
    _write_days_and_cameras(site, archive, bool(queue.events), cards, everything)
    write_whole(site / "index.html", archive_html(archive, queue, read_nights(out), out, cards))
    if not queue.events:
        (site / EVENTS_PAGE).unlink(missing_ok=True)
    _clear(site, archive, gone)
    unreadable |= {**archive.unreadable, **queue.unreadable}
    if unreadable:
        raise UnreadableTablesError(unreadable)
    return site / "index.html"


def _kept(file: Path, link_footage: str | None) -> str | None:
    """Where footage is found, as it is said now or was said last; None for where the run found it.

    Commands that draw pages on the way, such as a purge, are not asked for it.
    """
    if link_footage is not None:
        if link_footage:
            mapping(link_footage)
        write_whole(file, json.dumps({"link_footage": link_footage}) + "\n")
        return link_footage or None
    try:
        kept: str = json.loads(file.read_text(encoding="utf-8"))["link_footage"]
        mapping(kept)
    except (OSError, ValueError, KeyError, TypeError, UsageError):
        return None  # It is a convenience; somebody may have written anything there.
    return kept


def _write_cards(site: Path, cards: Cards, purposes: Sequence[Purpose]) -> None:
    for stem, card in cards.items():
        html = render(
            "card.html", card=card_html(card), models=(), detectors=(), cards={}, root="..", purposes=purposes
        )
        write_whole(site / FOLDER / f"{stem}.html", html)


def _write_videos(
    out: Path, archive: Archive, queue: Queue, cards: Cards, footage: Mapping[str, Footage], everything: bool
) -> tuple[tuple[Change, ...], dict[Path, str]]:
    """Draw the pages of videos; the strongest changes that all of them tell, and what cannot be read."""
    tables = StoredTables(out)
    folder = out / "reports" / "videos"
    changes: list[Change] = []
    unreadable: dict[Path, str] = {}
    for video in archive.videos:
        if not video.page:
            continue
        purposes = of_videos(archive.history, [video])
        of_events = queue.told_of(video.video_id)
        stamp = _stamp(tables, video, cards, archive.labels, footage[video.video_id], purposes, of_events)
        told = None if everything or not stamp else told_by(folder / video.page)
        if told is None or told.get("drawn_from") != stamp:
            page = read_page(tables, video, archive.labels)
            unreadable |= page.unreadable
            # A page that could not be drawn in full has no stamp, and is drawn again the next time.
            told = {"changes": encoded(page.changes)}
            end = last_line("" if page.unreadable else stamp, told["changes"])
            html = video_html(
                page, out, cards, footage[video.video_id], purposes, queue.by_video.get(video.video_id, ())
            )
            write_whole(folder / video.page, html + end)
        changes += decoded(video.video_id, told.get("changes", []), archive.labels)
    return strongest(changes), unreadable


def _write_days_and_cameras(site: Path, archive: Archive, has_events: bool, cards: Cards, everything: bool) -> None:
    models = {model: card_of(model, cards) for model in archive.models}

    def write(page: Path, part: Archive, about: tuple[str | None, ...], html: Callable[[], str]) -> None:
        # Most days of an archive are over, and most pages say what they said.
        told = (code_hash(), about, has_events, part.digest(), [models[model] for model in part.models])
        stamp = hashlib.sha256(repr(told).encode()).hexdigest()
        if everything or (told_by(page) or {}).get("drawn_from") != stamp:
            write_whole(page, html() + last_line(stamp, ()))

    days = list(archive.days)
    for before, day, after in zip([None, *days], days, [*days[1:], None], strict=False):
        part = archive.part(archive.days[day])
        draw = partial(day_html, part, day, before, after, cards, has_events)
        write(site / "days" / f"{day}.html", part, (before, day, after), draw)
    for camera, places in archive.cameras.items():
        if camera is not None:
            part = archive.part(places)
            draw = partial(camera_html, part, camera, cards, has_events)
            write(site / "cameras" / camera_page(camera), part, (camera,), draw)


def _clear(site: Path, archive: Archive, gone: Collection[str]) -> None:
    """Remove the pages and pictures of what is no more, and what writers left that were killed. Foreign files stay."""
    pages = {
        "videos": {video.page for video in archive.videos if video.page},
        "days": {f"{day}.html" for day in archive.days},
        "cameras": {camera_page(camera) for camera in archive.cameras if camera is not None},
    }
    for folder, ours in pages.items():
        for file in (site / folder).glob("*.html"):
            if file.name not in ours and _OURS.fullmatch(file.stem) and (not archive.unreadable or file.stem in gone):
                file.unlink()
    settings = {video.video_id: video.settings_hash for video in archive.videos if video.page}
    for pictures in (site / THUMBNAILS).glob("*"):
        known = pictures.name in settings or (archive.unreadable and pictures.name not in gone)
        # Nobody's picture stays longer than what was seen of them, nor beside what was seen of somebody else.
        stale = made_of(pictures) not in (None, settings.get(pictures.name))
        if VIDEO_ID.fullmatch(pictures.name) and (not known or stale):
            shutil.rmtree(pictures)
    for half in site.rglob(UNFINISHED):
        half.unlink(missing_ok=True)


def _stamp(
    tables: StoredTables,
    video: Video,
    cards: Cards,
    labels: tuple[str, ...],
    footage: Footage,
    purposes: tuple[Purpose, ...],
    events: str,
) -> str:
    """What tells the page of a video from any other that it could be; empty where its rows cannot be read.

    Made before the rows are read: what changes in between is drawn the next time.
    """
    try:
        inputs = inputs_of(tables, video)
    except UnreadableTablesError:
        return ""
    told = repr((code_hash(), inputs, card_of(video.model, cards), labels, footage, purposes, events))
    return hashlib.sha256(told.encode()).hexdigest()
