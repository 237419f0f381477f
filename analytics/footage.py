"""One recorded file, wherever it lies: a path of this machine, or the URL of an object. What can be asked of both.

A URL is no path: pathlib would make one slash of its two. Here it is a text that knows what a listing said of it, so
that ten thousand objects are not asked for one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import Final

from analytics.paths import exists as path_exists

S3: Final = "s3://"
_OF_A_FILE: Final = 2**20
_OF_AN_OBJECT: Final = 16 * 2**20
"""Bytes that are read at once."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file without its content."""

    size: int
    changed_ns: int
    """When it last changed, by the clock of where it lies."""
    regular: bool = True
    """It is a file, and no folder or device."""
    etag: str | None = None
    """Which content an object has; None of a path."""


@dataclass(frozen=True, slots=True)
class Url:
    """An object, s3://bucket/key. Two are equal whose text is."""

    text: str
    facts: Facts | None = field(default=None, compare=False)
    """What a listing said of it."""

    def __str__(self) -> str:
        return self.text

    def __fspath__(self) -> str:
        """The text, for whoever looks at the text of a path; no file has this name."""
        return self.text

    @property
    def bucket(self) -> str:
        return self.text.removeprefix(S3).partition("/")[0]

    @property
    def key(self) -> str:
        return self.text.removeprefix(S3).partition("/")[2]

    @property
    def name(self) -> str:
        return self.key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> "Url":
        """The folder that it seems to lie in."""
        return Url(f"{S3}{self.bucket}/{self.key.rpartition('/')[0]}")


Footage = Path | Url


def is_url(text: object) -> bool:
    """Whether a text names an object."""
    return isinstance(text, str) and text.startswith(S3)


def footage_of(text: str) -> Footage:
    """What a text names, as tables and lists have it."""
    return Url(text) if is_url(text) else Path(text)


def absolute_text(footage: Footage) -> str:
    """The one name of a file, from whatever folder it was named."""
    return footage.text if isinstance(footage, Url) else str(footage.absolute())


def facts_of(footage: Footage) -> Facts:
    """Size and time of the last change.

    Raises:
        OSError: it is not there, or cannot be asked for.
    """
    if isinstance(footage, Url):
        if footage.facts is not None:
            return footage.facts
        from analytics.store import facts

        return facts(footage)
    stat = footage.stat()
    return Facts(stat.st_size, stat.st_mtime_ns, S_ISREG(stat.st_mode))


def exists(footage: Footage) -> bool:
    """Whether it is there and can be seen. Of an object whose bucket nobody named this is not asked: False."""
    if isinstance(footage, Url):
        from analytics.store import exists as object_exists

        return object_exists(footage)
    return path_exists(footage)


def block(footage: Footage, start: int, length: int) -> bytes:
    """Some bytes of a file, fewer at its end.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(footage, Url):
        from analytics.store import read

        return read(footage, start, length)
    with footage.open("rb") as file:
        file.seek(start)
        return file.read(length)


def blocks(footage: Footage) -> Iterator[bytes]:
    """All of a file, piece by piece.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(footage, Url):
        size = facts_of(footage).size
        yield from (block(footage, start, _OF_AN_OBJECT) for start in range(0, size, _OF_AN_OBJECT))
        return
    with footage.open("rb") as file:
        while content := file.read(_OF_A_FILE):
            yield content
