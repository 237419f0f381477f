"""From values to HTML: the templates, and the data blocks that their scripts read."""

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import text
from reports.cards import card_of


def render(template: str, **values: Any) -> str:
    """A page from its template.

    Every template extends base.html, which asks for `root` (the way to the site's folder), `models`, `detectors` and
    `cards`.
    """
    return _ENVIRONMENT.get_template(template).render(**values)


def json_block(value: Any) -> Markup | None:
    """A value as a template puts it into a data element; None stays None."""
    if value is None:
        return None
    # Not |tojson: data_block leaves no character that could end the element, and keeps the text readable.
    return Markup(text.data_block(json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)))


@cache
def code_hash() -> str:
    """A hash of everything but the rows that decides how a page looks."""
    digest = hashlib.sha256(repr((plotly.__version__, jinja2.__version__)).encode())
    room = files("reports")
    sources = [*room.iterdir(), *(room / "templates").iterdir()]
    for source in sorted(sources, key=lambda source: source.name):
        if source.name.endswith((".py", ".html")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for word in (
        text.clock,
        text.coverage,
        text.footage,
        text.moment,
        text.number,
        text.of_clock,
        text.percent,
        text.span,
        text.sure,
        text.visible,
    ):
        environment.filters[word.__name__] = word
    environment.globals.update(counted=text.counted, card_of=card_of)
    return environment


_ENVIRONMENT = _environment()
