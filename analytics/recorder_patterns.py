"""The language in which a recorder's file names are described: from the text of a pattern to the fields of a path.

docs/cameras.md tells it to users. A pattern is read once; a path is matched without regular expressions over free
text, whose time can explode on a hostile name: here every wildcard tries every place of a name at most once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Final

from analytics.errors import UsageError

_MOST_CHARACTERS: Final = 300
_FIELDS: Final = "{camera} {start:…} {utc:…} {end:…} {_}"
_PART: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\*+|[{}]|[^{}*]+")
_ANY_EXTENSION: Final = re.compile(r"\.[^.]+")

# What each directive may look like, and its shortest and longest text. Widths are fixed where recorders pad with
# zeros, so that `%Y%m%d%H%M%S` needs no separators; years end in 2199, so that serial numbers are seldom dates.
_DIRECTIVES: Final[Mapping[str, tuple[re.Pattern[str], int, int]]] = {
    letter: (re.compile(look, re.IGNORECASE | re.ASCII), shortest, longest)
    for letter, look, shortest, longest in (
        ("Y", "(19|20|21)[0-9]{2}", 4, 4),
        ("y", "[0-9]{2}", 2, 2),
        ("m", "[0-9]{2}", 2, 2),
        ("d", "[0-9]{2}", 2, 2),
        ("H", "[0-9]{2}", 2, 2),
        ("I", "[0-9]{2}", 2, 2),
        ("M", "[0-9]{2}", 2, 2),
        ("S", "[0-9]{2}", 2, 2),
        ("f", "[0-9]{1,6}", 1, 6),
        ("j", "[0-9]{3}", 3, 3),
        ("b", "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", 3, 3),
        ("p", "am|pm", 2, 2),
        ("z", "z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?", 1, 6),
        ("s", "[0-9]{10}", 10, 10),
    )
}


@dataclass(frozen=True)
class _Token:
    field: str
    """camera, start, utc, end; _ for text that does not matter; "text", "extension" and "any extension" for the rest."""
    text: str = ""
    """The text itself, or the letter of the directive."""

    def ends(self, name: str, at: int) -> Iterable[int]:
        """Where in the name this token may end if it begins there, best first. Not for wildcards."""
        if self.field == "text":
            return (at + len(self.text),) if name.startswith(self.text, at) else ()
        if self.field == "extension":
            return (len(name),) if name[at:].lower() == self.text.lower() else ()
        if self.field == "any extension":
            return (len(name),) if _ANY_EXTENSION.fullmatch(name, at) else ()
        look, shortest, longest = _DIRECTIVES[self.text]
        longest = min(longest, len(name) - at)
        return (end for end in range(at + longest, at + shortest - 1, -1) if look.fullmatch(name, at, end))

    @property
    def is_wildcard(self) -> bool:
        return self.field in ("camera", "_")


@dataclass(frozen=True)
class Found:
    """What a pattern found in a path."""

    camera: str | None
    pieces: Mapping[str, str]
    """Letter of the directive -> its text; the pieces of the start."""
    utc: bool
    """The pieces are UTC, wherever the camera is."""


@dataclass(frozen=True)
class Pattern:
    """A pattern that has been read."""

    folders: tuple[tuple[_Token, ...], ...]
    """The tokens of each folder and, last, of the file name."""

    def match(self, path: PurePath) -> Found | None:
        """The fields of a path whose end looks like the pattern, or None."""
        names = path.parts[1:] if path.anchor else path.parts
        names = names[-len(self.folders) :]
        # `..` is a way, not a name: taken as one it would become the name of a camera.
        if len(names) < len(self.folders) or ".." in names:
            return None
        cameras: set[str] = set()
        pieces: dict[str, str] = {}
        utc = False
        for tokens, name in zip(reversed(self.folders), reversed(names), strict=True):
            texts = _texts(tokens, name)
            if texts is None:
                return None
            for token, text in zip(tokens, texts, strict=True):
                if token.field == "camera":
                    cameras.add(text)
                elif token.field in ("start", "utc"):
                    utc = token.field == "utc"
                    if pieces.setdefault(token.text, text) != text:
                        return None
        return Found(cameras.pop() if cameras else None, pieces, utc) if len(cameras) < 2 else None


def _texts(tokens: tuple[_Token, ...], name: str) -> list[str] | None:
    """The text of each token where together they are the whole name: {camera} as long, {_} as short as possible."""
    # Wildcard -> from where on every end of it has been tried. Without this a name could take years.
    tried: dict[int, int] = {}

    def rest(number: int, at: int) -> list[str] | None:
        if number == len(tokens):
            return [] if at == len(name) else None
        token = tokens[number]
        ends: Iterable[int]
        if token.is_wildcard:
            first = at + (token.field == "camera")
            until = tried.get(number, len(name) + 1)
            tried[number] = min(first, until)
            ends = range(first, until) if token.field == "_" else reversed(range(first, until))
        else:
            ends = token.ends(name, at)
        for end in ends:
            texts = rest(number + 1, end)
            if texts is not None:
                return [name[at:end], *texts]
        return None

    return rest(0, 0)


@cache
def read_pattern(text: str) -> Pattern:
    """Read the text of a pattern.

    Raises:
        UsageError: it is empty or too long, its braces are not in pairs, a field or directive is unknown, fields
            contradict each other, or it names no extension.
    """
    if not text or len(text) > _MOST_CHARACTERS:
        raise _wrong(text[:40], f"has {len(text)} characters", f"write 1 to {_MOST_CHARACTERS}")
    if "\\" in text:
        raise _wrong(text, "holds a backslash", "write folders with /")
    folders: list[list[_Token]] = [[]]
    for token in _tokens(text):
        if token.field != "text":
            folders[-1].append(token)
            continue
        for number, name in enumerate(token.text.split("/")):
            if number:
                folders.append([])
            folders[-1] += _plain(name)
    if not all(folders):
        raise _wrong(text, "has a folder without a name", "it is the end of a path, so begin it without a slash")
    folders[-1] = _with_extension(text, folders[-1])
    _check_fields(text, folders)
    return Pattern(tuple(tuple(folder) for folder in folders))


def _wrong(text: str, problem: str, remedy: str) -> UsageError:
    return UsageError(f"pattern {text!r} {problem}", remedy)


def _tokens(text: str) -> Iterable[_Token]:
    for part in _PART.finditer(text):
        if part[0] in ("{{", "}}"):
            yield _Token("text", part[0][0])
        elif part[0] in ("{", "}"):
            raise _wrong(text, f"has a {part[0]} without its partner", f"write {part[0] * 2} for the character itself")
        elif part[0] == "*":
            yield _Token("_")
        elif part[0].startswith("**"):
            raise _wrong(text, "holds **", "write one *; it stands for text within one folder or file name")
        elif part[1] is None:
            yield _Token("text", part[0])
        else:
            yield from _field(text, part[1])


def _field(text: str, inside: str) -> Iterable[_Token]:
    name, colon, look = inside.partition(":")
    if name in ("camera", "_") and not colon:
        yield _Token(name)
        return
    if name not in ("start", "utc", "end"):
        raise _wrong(text, f"has the unknown field {{{inside}}}", f"use {_FIELDS}")
    if "%" not in look:
        raise _wrong(text, f"has {{{inside}}} without a format", f"write for example {{{name}:%Y%m%d_%H%M%S}}")
    for letter, plain in re.findall(r"%(.?)|([^%]+)", look, re.DOTALL):
        if plain or letter == "%":
            yield _Token("text", plain or "%")
        elif letter in _DIRECTIVES:
            yield _Token(name, letter)
        else:
            known = " ".join(f"%{known}" for known in _DIRECTIVES)
            raise _wrong(text, f"has the unknown directive %{letter}", f"use {known} and %% for a percent sign")


def _with_extension(text: str, tokens: list[_Token]) -> list[_Token]:
    """The tokens of a file name, its extension apart: recorders write .mp4 and .MP4 alike."""
    *rest, last = tokens
    if last == _Token("_") and rest and rest[-1].field == "text" and rest[-1].text.endswith("."):
        return [*rest[:-1], *_plain(rest[-1].text[:-1]), _Token("any extension")]
    if last.field == "text" and "." in last.text:
        stem, _, extension = last.text.rpartition(".")
        return [*rest, *_plain(stem), _Token("extension", f".{extension}")]
    if last.field != "_":
        raise _wrong(text, "names no extension", "end it with .mp4 or another, or with .* for any")
    return tokens


def _plain(text: str) -> list[_Token]:
    return [_Token("text", text)] if text else []


def _check_fields(text: str, folders: list[list[_Token]]) -> None:
    if any(sum(token.field == "camera" for token in folder) > 1 for folder in folders):
        raise _wrong(text, "has {camera} twice in one folder or file name", "keep one, and write {_} for the other")
    for folder in folders:
        # The digits of `cam12000190…` would belong to the camera or to the time as %f is read long or short.
        open_ended = False
        for token in folder:
            open_ended = token.is_wildcard or (open_ended and token.field != "text")
            if open_ended and token.text == "f":
                raise _wrong(text, "has text of any length right before a time with %f", "put a character between them")
    used = {(token.field, token.text) for folder in folders for token in folder}
    fields = {field for field, _ in used}
    if {"start", "utc"} <= fields:
        raise _wrong(text, "has {start:…} and {utc:…}", "use one of them: a clock shows local time or UTC")
    letters = {letter for field, letter in used if field in ("start", "utc")}
    if "I" in letters and "p" not in letters:
        raise _wrong(text, "has %I without %p", "add %p, or use %H for hours of 0 to 23")
