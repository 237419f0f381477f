"""Values of [[zone]], [[rule]] and [events]: read, in range, and told by rule and line where they are not."""

import datetime
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from analytics.errors import UsageError
from jobs.config import Config
from jobs.config_values import nearest
from jobs.moments import parse_span
from jobs.toml_lines import Key

_SHOWN: Final = 40


@dataclass(frozen=True)
class Teller:
    """Names a thing of the file in errors: its line, its kind, its name."""

    config: Config
    key: Key
    kind: str
    name: str | None = None

    def called(self, name: Any) -> "Teller":
        """The same with the name that the file gives it, if that is one."""
        return replace(self, name=name) if isinstance(name, str) and name else self

    def within(self, *key: str | int) -> "Teller":
        """Something within it."""
        return replace(self, key=(*self.key, *key))

    def place(self) -> str:
        """File and line."""
        return self.config.place(*self.key)

    def error(self, key: Key, problem: str, remedy: str) -> UsageError:
        """An error about a key of it, or about the whole."""
        about = "".join(f" {part}:" for part in key if isinstance(part, str))
        name = f" {json.dumps(self.name[:80], ensure_ascii=False)}" if self.name else ""
        return UsageError(f"{self.config.place(*self.key, *key)}: {self.kind}{name}:{about} {problem}", remedy)

    def need_known(self, table: Mapping[str, Any], known: Collection[str]) -> None:
        """Refuse a key that is none.

        Raises:
            UsageError: there is one.
        """
        for key in table:
            if key not in known:
                raise self.error((key,), "no such setting", nearest(key, known))


def text(teller: Teller, table: Mapping[str, Any], key: str) -> str:
    """A text.

    Raises:
        UsageError: it is none.
    """
    value = table[key]
    if not isinstance(value, str):
        raise teller.error((key,), "is no text", f'write it in quotes, {key} = "…"')
    return value


def texts(teller: Teller, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """One text or several.

    Raises:
        UsageError: neither.
    """
    value = table[key]
    many = [value] if isinstance(value, str) else value
    if not isinstance(many, list) or not many or not all(isinstance(one, str) and one for one in many):
        raise teller.error((key,), "is no list of texts", f'write {key} = ["…", "…"]')
    return tuple(many)


def span(teller: Teller, table: Mapping[str, Any], key: str, default: float, *, least: float, most: float) -> float:
    """Seconds, as a number or as `2m`.

    Raises:
        UsageError: no span of time, or out of range.
    """
    if key not in table:
        return default
    value = table[key]
    if isinstance(value, str):
        try:
            seconds = parse_span(key, value)
        except UsageError as error:
            raise teller.error((key,), error.problem.removeprefix(f"{key} "), error.remedy) from None
    elif type(value) in (int, float):
        seconds = float(value)
    else:
        called = "a time of day" if isinstance(value, datetime.time) else "no span of time"
        raise teller.error((key,), f"is {called}", 'give seconds, or a text such as "2m"')
    if not least <= seconds <= most:
        raise teller.error((key,), f"{seconds:g} s is out of range", f"give {_told(least)} to {_told(most)}")
    return seconds


def number(teller: Teller, table: Mapping[str, Any], key: str, default: float, *, least: float, most: float) -> float:
    """A number.

    Raises:
        UsageError: it is none, or out of range.
    """
    if key not in table:
        return default
    value = table[key]
    if type(value) not in (int, float):
        raise teller.error((key,), "is no number", f"give {least:g} to {most:g}")
    if not least <= value <= most:
        raise teller.error((key,), f"{str(value)[:_SHOWN]} is out of range", f"give {least:g} to {most:g}")
    return float(value)


def _told(seconds: float) -> str:
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g} s"
