"""The pages of many videos: of the whole archive, of one day, of one camera."""

import hashlib
import re
from pathlib import Path
from typing import Any

from reports import heat, strips
from reports.archive import Archive
from reports.cards import Cards
from reports.colours import colours_of
from reports.nights import Night
from reports.render import json_block, render
from reports.rows import rows_of
from reports.text import visible


def camera_page(camera: str) -> str:
    """File name of a camera's page, whatever it is called: what is legible of the name, and a hash of it."""
    legible = re.sub(r"[^A-Za-z0-9]+", "_", camera)[:40].strip("_")
    return f"{legible}-{hashlib.sha256(camera.encode()).hexdigest()[:8]}.html"


def archive_html(archive: Archive, nights: tuple[Night, ...], out: Path, cards: Cards) -> str:
    """The index of the site."""
    failures = nights[0].failures if nights else ()
    sources = {video.source for video in archive.videos}
    return _render(
        "index.html",
        archive,
        cards,
        root=".",
        figures={
            "shares": heat.shares(archive),
            "hours": heat.by_day_and_hour(archive),
            "cameras": heat.by_camera(archive),
        },
        nights=nights,
        new={source for source, _ in failures},
        missing=[(source, reason) for source, reason in failures if source not in sources],
        unreadable=[str(path.relative_to(out)) for path in archive.unreadable],
    )


def day_html(archive: Archive, day: str, cards: Cards) -> str:
    """The page of one local day."""
    days = [other for other in archive.days if other is not None]
    k = days.index(day)
    part = archive.part(archive.days[day])
    return _render(
        "day.html",
        part,
        cards,
        root="..",
        figures={"shares": heat.shares(part), "strips": strips.of_day(part, day)},
        day=day,
        before=days[k - 1] if k else None,
        after=days[k + 1] if k + 1 < len(days) else None,
    )


def camera_html(archive: Archive, camera: str, cards: Cards) -> str:
    """The page of one camera."""
    part = archive.part(archive.cameras[camera])
    return _render(
        "camera.html",
        part,
        cards,
        root="..",
        figures={"shares": heat.shares(part), "hours": heat.by_day_and_hour(part)},
        camera=camera,
    )


def _render(template: str, archive: Archive, cards: Cards, root: str, figures: dict[str, Any], **values: Any) -> str:
    return render(
        template,
        archive=archive,
        rows=json_block(rows_of(archive)),
        figures={name: json_block(figure) for name, figure in figures.items()},
        colours=colours_of(archive.labels),
        cameras=[(visible(name), camera_page(name), len(places)) for name, places in archive.cameras.items() if name],
        days=[(day, len(places)) for day, places in archive.days.items() if day],
        models=archive.models,
        detectors=archive.detectors,
        cards=cards,
        root=root,
        **values,
    )
