"""The files of a site: whole or not at all, drawn again only where what they say has changed."""

import json
import os
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from plotly.offline import get_plotlyjs

ASSETS: Final = (
    "report.css", "overview.css", "video.css", "clock.js", "report.js", "boxes.js", "zones.js", "keys.js", "player.js",
    "rows.js", "address.js", "table.js", "moments.js", "heat.js", "strips.js", "overview.js",
    "events.css", "verdicts.js", "queue.js", "events.js",
)  # fmt: skip

THUMBNAILS: Final = "thumbnails"
"""Below the site: a folder for each video, in it <track_id>.jpg, and MADE once all are there."""
MADE: Final = "made.json"
UNFINISHED: Final = "*.unfinished"
"""Files that a writer left that was killed, anywhere below the site."""
SETTINGS: Final = "settings.json"
"""Below the site: what was said of how it is to be drawn."""

_OPENS: Final = "<!-- emobatch "
_CLOSES: Final = " -->\n"
_LONGEST: Final = 16_384
"""Bytes of the last line of a page."""


def write_whole(path: Path, content: str) -> None:
    """Write a text file (UTF-8) under another name and move it into place; a file that is equal stays."""
    data = content.encode("utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.read_bytes() == data:
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED[1:]}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_assets(folder: Path) -> None:
    """Write what all pages share: Plotly, our scripts and our styles."""
    write_whole(folder / "plotly.min.js", _plotly())
    for name in ASSETS:
        write_whole(folder / name, (files("reports") / "assets" / name).read_text(encoding="utf-8"))


@cache
def _plotly() -> str:
    text: str = get_plotlyjs()
    return text


def made_of(folder: Path) -> str | None:
    """Hash of the settings of the rows that a folder of thumbnails was drawn of; None where it is not whole."""
    try:
        told = json.loads((folder / MADE).read_text(encoding="utf-8"))["settings_hash"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return told if isinstance(told, str) else None


def last_line(drawn_from: str, changes: Sequence[Sequence[Any]]) -> str:
    """What a page of a video ends with: what it was drawn from, and what other pages tell of it.

    It comes last, so a page that lost its end has none. As the pages themselves carry it, nothing has to be kept
    beside them, and a page that is gone is told of no more.

    Args:
        drawn_from: another text as soon as drawing the page again would give another page.
        changes: of expression, as reports.changes encodes them: numbers, and labels, which hold no hyphen.
    """
    return f"{_OPENS}{json.dumps({'drawn_from': drawn_from, 'changes': changes}, separators=(',', ':'))}{_CLOSES}"


def told_by(page: Path) -> dict[str, Any] | None:
    """What the last line of a page says; None where there is no page that is whole."""
    try:
        with page.open("rb") as file:
            file.seek(max(0, page.stat().st_size - _LONGEST))
            _, found, line = file.read().decode("utf-8", "replace").rpartition(_OPENS)
    except FileNotFoundError:
        return None
    try:
        told = json.loads(line.removesuffix(_CLOSES)) if found and line.endswith(_CLOSES) else None
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
