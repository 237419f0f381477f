"""Where a browser, or mpv, finds the footage that a page is about. The footage is linked, never copied."""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from analytics.errors import UsageError
from analytics.footage import S3, is_url
from analytics.paths import absolute
from reports.text import visible

_REMEDY: Final = "give a path, or a URL of file:, http: or https:, to be put before paths; or FROM=TO"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_WEB: Final = ("http", "https")
_KEPT_IN_URLS: Final = "%/:?#[]@!$&'()*+,;=~"
_SPELLED: Final = re.compile(rb"\\x([89a-f][0-9a-f])")
_LOCAL: Final = "'self' file:"
"""What a page that is opened from a folder may play: 'self' is enough for Chromium; the standard leaves it open."""


@dataclass(frozen=True)
class Footage:
    """How to come to one video's footage."""

    url: str | None
    """For a browser, relative to the page or absolute; percent-encoded, so nothing in it ends an attribute or a path.
    None where a browser cannot read it where it lies."""
    media_src: str
    """The narrowest Content-Security-Policy for media that lets url play."""
    for_mpv: str | None
    """The footage as an argument of a shell, for mpv; None where mpv cannot read it where it lies."""


NO_FOOTAGE: Final = Footage(None, "'none'", None)


def footage_of(source: str, out: Path | None, link_footage: str | None = None) -> Footage:
    """How the page of a video, in out/reports/videos/, comes to the footage.

    Args:
        source: as the table videos has it: an absolute path as jobs.task.as_text spells it, or s3://bucket/key.
        out: the output folder; None where the pages are read from another place than where they are drawn, such as a
            bucket, from which no relative path leads to the footage.
        link_footage: None for where the run found it: a relative path, so that OUT and footage can move together; s3://
            has no such place. PREFIX stands before the absolute path without its leading slash (before bucket/key of
            s3://). FROM=TO puts TO for FROM at the beginning of the source, whole names only; sources that begin
            otherwise are found as with None. What begins with a scheme is a PREFIX, even with = in it.

    Raises:
        UsageError: link_footage is neither a path nor a URL that a page may link to.
    """
    mapped = mapping(link_footage)(source) if link_footage is not None else None
    local = not is_url(source) and source.startswith("/")
    if mapped is not None:
        # A place that is told from the page on is none that mpv could be told.
        return replace(mapped, for_mpv=mapped.for_mpv or (for_shell(source) if local else None))
    if not local:
        return NO_FOOTAGE
    if out is None:
        return Footage(None, "'none'", for_shell(source))
    here = os.fsencode(absolute(out) / "reports" / "videos")
    return Footage(quote(os.path.relpath(as_bytes(source), here)), _LOCAL, for_shell(source))


def mapping(link_footage: str) -> Callable[[str], Footage | None]:
    """From a source to its footage as link_footage tells; to None where it says nothing of this source.

    Raises:
        UsageError: as footage_of.
    """
    if re.search(r"[\x00-\x1f\x7f]", link_footage) or not link_footage.strip():
        raise UsageError(f"--link-footage {link_footage!r} is no place", _REMEDY)
    begins, equals, puts = link_footage.strip().partition("=")
    if equals and (is_url(begins) or not _SCHEME.match(begins)):
        target = _Target.of(puts.strip())
        begins = begins.rstrip("/")

        def put(source: str) -> Footage | None:
            rest = source.removeprefix(begins)
            return target.of_rest(rest) if source.startswith(begins) and rest.startswith("/") else None

        return put
    prefix = _Target.of(link_footage.strip())
    return lambda source: prefix.of_rest("/" + source.removeprefix(S3).lstrip("/"))


@dataclass(frozen=True)
class _Target:
    """What stands before the rest of a source."""

    url: str
    """Encoded."""
    media_src: str
    plain: str | None
    """As a path of this machine; None where it is a URL of the web or relative to the page."""

    @staticmethod
    def of(text: str) -> "_Target":
        """From what a person wrote.

        Raises:
            UsageError: no page may link to it.
        """
        if not _SCHEME.match(text):
            # Two slashes would begin the name of a host.
            path = re.sub("^//+", "/", text)
            return _Target(quote(os.fsencode(path)), _LOCAL, path if path.startswith("/") else None)
        parts = urlsplit(text)
        if parts.scheme == "file" and not parts.netloc:
            return _Target(quote(text, safe=_KEPT_IN_URLS), _LOCAL, None)
        # Whatever could end the directive of a policy is no part of a host's name.
        if parts.scheme in _WEB and re.fullmatch(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?", parts.netloc):
            return _Target(quote(text, safe=_KEPT_IN_URLS), f"{parts.scheme}://{parts.netloc}", None)
        raise UsageError(f"--link-footage {visible(text)!r} is nothing that a page may link to", _REMEDY)

    def of_rest(self, rest: str) -> Footage:
        """The footage at rest, which begins with a slash."""
        # https://host/get?path= wants the rest as it is, https://host a slash between.
        shown = rest[1:] if self.url.endswith(("/", "=")) or not self.url else rest
        url = self.url + quote(as_bytes(shown))
        plain = for_shell(self.plain.rstrip("/") + rest) if self.plain is not None else None
        return Footage(url, self.media_src, plain or (shlex.quote(url) if _SCHEME.match(url) else None))


def as_bytes(source: str) -> bytes:
    """The name of a file from its text: bytes that are not UTF-8 stand in it as \\xNN.

    A name that holds these very letters reads alike; it is taken for them only where the bytes that they spell would
    have been spelled so.
    """
    text = source.encode("utf-8", "surrogateescape")
    spelled = _SPELLED.sub(lambda found: bytes([int(found[1], 16)]), text)
    return spelled if spelled.decode("utf-8", "backslashreplace") == source else text


def for_shell(source: str) -> str:
    """A path as one argument of a shell.

    What cannot be seen, turns the reading around or is not UTF-8 is written as \\xNN, which bash, zsh and ksh know.
    """
    if as_bytes(source) == source.encode("utf-8", "surrogateescape") and visible(source) == source:
        return shlex.quote(source)
    plain = re.compile(rb"[^\\'\x00-\x1f\x7f]")
    pieces = []
    for char in as_bytes(source).decode("utf-8", "surrogateescape"):
        data = char.encode("utf-8", "surrogateescape")
        kept = plain.match(data) and visible(char) == char
        pieces.append(char if kept else "".join(f"\\x{byte:02x}" for byte in data))
    return "$'" + "".join(pieces) + "'"
