"""The cards of the classifiers that a site's rows come from, as pages of it."""

import re
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markupsafe import Markup

FOLDER: Final = "models"
"""Below OUT: a run leaves the card of its classifier there, as <first 12 digits of the SHA-256>.md."""
Cards = dict[str, Path]
"""The cards of an OUT by the first 12 digits of their classifier's SHA-256."""

_CARD: Final = re.compile("[0-9a-f]{12}")


def cards_below(out: Path) -> Cards:
    """The cards below OUT."""
    found = sorted((out / FOLDER).glob("*.md"))
    return {path.stem: path for path in found if _CARD.fullmatch(path.stem)}


def card_html(path: Path) -> Markup:
    """A card as HTML. It may come from anybody: markup in it is shown as text.

    Raises:
        OSError: it cannot be read.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


def card_of(model: str, cards: Cards) -> str | None:
    """The page of the card of a model as tables name it (name and 12 digits), relative to the site; None without one."""
    stem = model.rpartition(" ")[2]
    return f"{FOLDER}/{stem}.html" if stem in cards else None
