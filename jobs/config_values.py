"""Values of emobatch.toml: what kind each setting takes, and how its option is given the same."""

import datetime
import difflib
import glob
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from analytics.errors import UsageError
from analytics.paths import exists
from jobs import moments

_MOMENTS: Final[Mapping[str, Callable[[str, str], Any]]] = {
    "since": moments.parse_date,
    "hours": moments.parse_hours,
    "stable_for": moments.parse_span,
    "until": moments.next_time,
}
PARSERS: Final = ("every", "gate", "segment", "timezone", *_MOMENTS)
"""Settings whose text is parsed after the command line is: parser_of() has what does it."""
_PATHS: Final = ("sources", "model", "out")
"""Texts that may be paths, or URLs; the other paths are known by their kind."""

Kind = Literal["flag", "whole", "number", "text", "words", "texts", "path", "masks"]
_WANTED: Final[Mapping[Kind, tuple[tuple[type, ...], str]]] = {
    "flag": ((bool,), "true or false"),
    "whole": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "text": ((str, int, float, datetime.date, datetime.time), "a text in quotes"),
    "words": ((str,), "a text in quotes"),
    "texts": ((list,), 'a list of texts, ["…", "…"]'),
    "path": ((str,), "a path in quotes"),
    "masks": ((list,), "polygons of [x, y] in shares of the picture, [[[0, 0], [0.3, 0], [0.3, 1], [0, 1]]]"),
}
_CALLED: Final = {bool: "true or false", str: "a text", list: "a list", dict: "a table", int: "a number"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a key of the file may hold."""

    kind: Kind
    least: float | None = None
    most: float | None = None


def as_option(name: str, value: object, setting: Setting, folder: Path) -> Any:
    """The value as the option takes it: numbers, dates and times as text where the option parses text.

    Args:
        name: of the setting.
        value: as tomllib gives it.
        setting: what is wanted.
        folder: where the file is; relative paths are relative to it.

    Raises:
        UsageError: another type, or out of range; the problem says nothing of the place.
    """
    types, wanted = _WANTED[setting.kind]
    if not isinstance(value, types) or (isinstance(value, bool) and setting.kind != "flag"):
        called = next((called for kind, called in _CALLED.items() if isinstance(value, kind)), "a number, date or time")
        raise UsageError(f"is {called}", f"give {wanted}")
    if isinstance(value, bool | list):
        return value
    if setting.kind in ("whole", "number"):
        assert isinstance(value, int | float)
        return _in_range(value, setting, wanted)
    text = _as_text(value)
    if "\0" in text:
        raise UsageError("holds a NUL character", "leave it out")
    if setting.kind == "path" or name in _PATHS:
        if not text:
            raise UsageError("is empty", "name something, or leave the line out")
        return _seen_from_here(text, name, folder)
    if name in PARSERS:
        try:
            parser_of(name)(text)
        except UsageError as error:
            raise UsageError(error.problem.removeprefix(f"{option_of(name)} "), error.remedy) from None
    return text


def _in_range(value: float, setting: Setting, wanted: str) -> float:
    least, most = setting.least, setting.most
    # nan compares with nothing, so it is in no range.
    if (least is None or value >= least) and (most is None or value <= most):
        return value
    raise UsageError(f"{value} is out of range", f"give {wanted} from {least}{'' if most is None else f' to {most}'}")


def _as_text(value: object) -> str:
    """As it would be typed on the command line: TOML has numbers, dates and times of its own."""
    if isinstance(value, datetime.time) and not value.second and not value.microsecond:
        return value.isoformat(timespec="minutes")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


def _seen_from_here(text: str, name: str, folder: Path) -> str:
    """A relative path of the file, which is relative to the file's folder."""
    if name == "model" and not ("/" in text or Path(text).suffix):
        return text  # A shipped classifier's name.
    if "://" in text:
        return text
    mark = "@" if name == "sources" and text.startswith("@") and not exists(folder / text) else ""
    path = os.path.expanduser(text.removeprefix(mark))  # noqa: PTH111 Path's own raises where there is no home
    if name == "sources" and not mark and glob.has_magic(path) and not exists(folder / path):
        return str(Path(glob.escape(str(folder)), path))
    return mark + str(Path(folder, path))


def parser_of(name: str) -> Callable[[str], Any]:
    """What reads the text of a setting that is in PARSERS, raising UsageError for what it is not."""
    if name in _MOMENTS:
        return partial(_MOMENTS[name], option_of(name))
    if name == "timezone":
        from analytics.recorders import zone_of

        return zone_of
    return {"every": moments.parse_every, "gate": moments.parse_gate, "segment": moments.parse_segment}[name]


def option_of(name: str) -> str:
    """The option of a setting: stable_for is --stable-for."""
    return f"--{name.replace('_', '-')}"


def nearest(name: str, known: Collection[str]) -> str:
    """What to do about a name that is none."""
    if close := difflib.get_close_matches(name, known, 1):
        return f"did you mean {close[0]}?"
    return f"known are {', '.join(known)}"
