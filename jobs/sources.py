"""From what the user named to the list of files."""

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analytics.errors import NoVideoError, UsageError
from analytics.footage import S3, Footage, Url, is_url
from analytics.paths import absolute, exists, is_folder

# fmt: off
VIDEO_SUFFIXES: Final = frozenset((
    ".3gp", ".asf", ".avi", ".dav", ".dv", ".flv", ".gif", ".h264", ".264", ".h265", ".265", ".hevc", ".m2ts", ".m4v",
    ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv",
))
# fmt: on
"""What a folder is searched for. A file that is named directly is always tried."""


@dataclass(frozen=True)
class Sources:
    """What was found."""

    videos: tuple[Footage, ...]
    missing: dict[str, str] = field(default_factory=dict)
    """Named source, or folder inside one, -> why there is nothing of it."""
    direct: frozenset[Footage] = frozenset()
    """Videos that were named themselves, and not found in a folder or by a pattern."""


def find_videos(named: tuple[str, ...], out: Path, url: str | None = None) -> Sources:
    """All video files that the sources name, each once, in the order of the sources and of their names.

    Args:
        named: files, folders, globs, s3:// URLs of all three, and @lists with one source a line.
        out: the output folder, which is never searched.
        url: of OUT, where that is in a bucket; it is not searched, either.

    Raises:
        UsageError: no named source exists.
        NoVideoError: they exist, and hold no video.
    """
    missing: dict[str, str] = {}
    videos: dict[Footage, None] = {}
    direct: set[Footage] = set()
    wanted = [name for given in named for name in _listed(given, missing)]
    for name in wanted:
        found = _in_bucket(name, url, missing) if is_url(name) else _one_source(name, out, missing)
        itself = Url(name) if is_url(name) else absolute(Path(name))
        for video in found:
            videos[video] = None
            if video == itself:
                direct.add(video)
    if not videos:
        if missing and all(name in missing for name in wanted):
            raise UsageError("; ".join(missing.values()), "name a file, folder, glob or @list of recorded video")
        raise NoVideoError(
            f"{', '.join(wanted) or ', '.join(named)}: no video in here",
            f"known kinds: {' '.join(sorted(VIDEO_SUFFIXES))}; a file named directly is always tried",
        )
    return Sources(tuple(videos), missing, frozenset(direct))


def _listed(given: str, missing: dict[str, str]) -> list[str]:
    """The lines of an @list, or the source itself."""
    if not given.startswith("@") or exists(Path(given)):
        return [given]
    try:
        lines = Path(given[1:]).read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        missing[given] = f"{given}: the list cannot be read ({getattr(error, 'strerror', None) or error})"
        return []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _one_source(name: str, out: Path, missing: dict[str, str]) -> Iterator[Path]:
    path = Path(name)
    try:
        path.lstat()
        problem = None
    except (OSError, ValueError) as error:
        unknown = isinstance(error, FileNotFoundError | NotADirectoryError)
        problem = "does not exist" if unknown else f"cannot be found ({getattr(error, 'strerror', None) or error})"
    if problem is None and is_folder(path):
        yield from _in_folder(path, out, missing)
    elif problem is None:
        yield absolute(path)
    elif "://" in name:
        missing[name] = f"{name}: only local files and s3:// can be read"
    elif glob.has_magic(name):
        matches = sorted(Path(match) for match in glob.glob(name, recursive=True))  # noqa: PTH207 absolute patterns
        for match in matches:
            if is_folder(match):
                yield from _in_folder(match, out, missing)
            elif match.suffix.lower() in VIDEO_SUFFIXES:
                yield absolute(match)
        if not matches:
            missing[name] = f"{name}: nothing matches this pattern"
    else:
        missing[name] = f"{name}: {problem}"


def _in_bucket(name: str, out: str | None, missing: dict[str, str]) -> Iterator[Url]:
    """The object of this name, or those in the folder or of the pattern that it is; names come from a listing alone."""
    from analytics.store import StoreError, listed
    from analytics.store import name as named

    url = named(name)
    before = re.split(r"[*?[]", url.key, maxsplit=1)[0]
    fits = _pattern(url.key) if before != url.key else None
    folder = f"{url.key.rstrip('/')}/" if url.key else ""
    empty = bool(url.key)
    try:
        for found in listed(Url(f"{S3}{url.bucket}/{before}")):
            if found.key == url.key and not found.key.endswith("/"):
                yield found
            elif fits.fullmatch(found.key) if fits else found.key.startswith(folder):
                # What a console makes for an empty folder is no video, and neither is what a run wrote.
                if found.suffix.lower() in VIDEO_SUFFIXES and not (out and found.text.startswith(f"{out}/")):
                    yield found
            else:
                continue
            empty = False
    except StoreError as error:
        missing[name] = f"{name}: {error.words}: {error.remedy}"
        return
    if empty:
        missing[name] = f"{name}: nothing matches this pattern" if fits else f"{name}: does not exist"


def _pattern(key: str) -> "re.Pattern[str]":
    """A glob as a regular expression: * and ? stay within a folder, ** does not; a folder takes in what is below it."""
    from fsspec.utils import glob_translate

    return re.compile("|".join(glob_translate(one) for one in (key, f"{key.rstrip('/')}/**")))


def _in_folder(folder: Path, out: Path, missing: dict[str, str]) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        missing[str(error.filename)] = f"{error.filename}: the folder cannot be read ({error.strerror})"

    # Archives are often put together with links; each folder is searched once, whatever loops they make.
    searched = {os.path.realpath(out), os.path.realpath(folder)}
    for parent, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        new = {name: os.path.realpath(Path(parent, name)) for name in sorted(folders)}
        folders[:] = [name for name, real in new.items() if real not in searched]
        searched.update(new.values())
        for name in sorted(files):
            if Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield absolute(Path(parent, name))
