"""Draws the static site below OUT/reports from the tables below OUT."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from reports.archive import Archive, read_archive
from reports.cards import FOLDER, Cards, card_html, card_of, cards_below
from reports.changes import decoded, encoded, strongest
from reports.data import inputs_of, read_page
from reports.files import SETTINGS, THUMBNAILS, last_line, told_by, write_assets, write_whole
from reports.links import mapping
from reports.names import camera_page
from reports.nights import read_nights
from reports.overview_page import archive_html, camera_html, day_html
from reports.records import Change, Video
from reports.render import code_hash, render
from reports.stored import VIDEO_ID, StoredTables, UnreadableTablesError
from reports.video_page import video_html

_OURS: Final = re.compile(r"[0-9a-f]{16}|\d{4}-\d\d-\d\d|[A-Za-z0-9_-]{0,40}-[0-9a-f]{8}")
"""Names of pages of videos, days and cameras, without the suffix."""


def write_site(out: Path, *, everything: bool = False, link_footage: str | None = None) -> Path:
    """Draw the site below ``out/reports`` and return the path of its index.

    Reads the tables below out alone. The page of a video is drawn where it is missing or where its rows or
    this code changed since, or everything is asked for; so are those of days and cameras, by their videos. The index is
    drawn each time and written where it changed. Every file appears whole or not at all; the index comes last, so that it
    links to no page that is not there yet. Pages of videos, days and cameras that left the tables go.

    Args:
        out: the output folder.
        everything: whether pages are drawn that would say the same as before.
        link_footage: where a browser finds the footage (reports.links), kept for the next time; None for as last time,
            and an empty text for where the run found it.

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
    _write_cards(site, cards)
    changes, unreadable = _write_videos(out, archive, cards, link_footage, everything)
    archive = replace(archive, changes=changes)
    _write_days_and_cameras(site, archive, cards, everything)
    write_whole(site / "index.html", archive_html(archive, read_nights(out), out, cards))
    unreadable |= archive.unreadable
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
        kept = json.loads(file.read_text(encoding="utf-8"))["link_footage"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return kept if isinstance(kept, str) and kept else None


def _write_cards(site: Path, cards: Cards) -> None:
    for stem, card in cards.items():
        html = render("card.html", card=card_html(card), models=(), detectors=(), cards={}, root="..")
        write_whole(site / FOLDER / f"{stem}.html", html)


def _write_videos(
    out: Path, archive: Archive, cards: Cards, link_footage: str | None, everything: bool
) -> tuple[tuple[Change, ...], dict[Path, str]]:
    """Draw the pages of videos; the strongest changes that all of them tell, and what cannot be read."""
    tables = StoredTables(out)
    folder = out / "reports" / "videos"
    changes: list[Change] = []
    unreadable: dict[Path, str] = {}
    for video in archive.videos:
        if not video.page:
            continue
        stamp = _stamp(tables, video, cards, archive.labels, link_footage)
        told = None if everything or not stamp else told_by(folder / video.page)
        if told is None or told.get("drawn_from") != stamp:
            page = read_page(tables, video, archive.labels)
            unreadable |= page.unreadable
            # A page that could not be drawn in full has no stamp, and is drawn again the next time.
            told = {"changes": encoded(page.changes)}
            end = last_line("" if page.unreadable else stamp, told["changes"])
            write_whole(folder / video.page, video_html(page, out, cards, link_footage) + end)
        changes += decoded(video.video_id, told.get("changes", []), archive.labels)
    _remove_others(folder, {video.page for video in archive.videos if video.page})
    _remove_pictures(out / "reports" / THUMBNAILS, {video.video_id for video in archive.videos if video.page})
    return strongest(changes), unreadable


def _write_days_and_cameras(site: Path, archive: Archive, cards: Cards, everything: bool) -> None:
    models = {model: card_of(model, cards) for model in archive.models}

    def write(page: Path, part: Archive, about: tuple[str | None, ...], html: Callable[[], str]) -> None:
        # Most days of an archive are over, and most pages say what they said.
        told = (code_hash(), about, part.digest(), [models[model] for model in part.models])
        stamp = hashlib.sha256(repr(told).encode()).hexdigest()
        if everything or (told_by(page) or {}).get("drawn_from") != stamp:
            write_whole(page, html() + last_line(stamp, ()))

    pages = []
    days = list(archive.days)
    for before, day, after in zip([None, *days], days, [*days[1:], None], strict=False):
        pages.append(site / "days" / f"{day}.html")
        part = archive.part(archive.days[day])
        write(pages[-1], part, (before, day, after), partial(day_html, part, day, before, after, cards))
    for camera, places in archive.cameras.items():
        if camera is not None:
            pages.append(site / "cameras" / camera_page(camera))
            part = archive.part(places)
            write(pages[-1], part, (camera,), partial(camera_html, part, camera, cards))
    for folder in ("days", "cameras"):
        _remove_others(site / folder, {page.name for page in pages if page.parent.name == folder})


def _remove_others(folder: Path, pages: set[str]) -> None:
    """Remove the pages of what is no more; other people's files stay."""
    for file in folder.glob("*.html"):
        if file.name not in pages and _OURS.fullmatch(file.stem):
            file.unlink()


def _remove_pictures(folder: Path, video_ids: set[str]) -> None:
    """Nobody's picture stays longer than what was seen of them."""
    for pictures in folder.glob("*"):
        if pictures.name not in video_ids and VIDEO_ID.fullmatch(pictures.name):
            shutil.rmtree(pictures)


def _stamp(tables: StoredTables, video: Video, cards: Cards, labels: tuple[str, ...], link_footage: str | None) -> str:
    """What tells the page of a video from any other that it could be; empty where its rows cannot be read.

    Made before the rows are read: what changes in between is drawn the next time.
    """
    try:
        inputs = inputs_of(tables, video)
    except UnreadableTablesError:
        return ""
    told = repr((code_hash(), inputs, card_of(video.model, cards), labels, link_footage))
    return hashlib.sha256(told.encode()).hexdigest()
