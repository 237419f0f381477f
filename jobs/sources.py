"""From what the user named to the list of files."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from analytics.errors import NoVideoError, UsageError
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

    videos: tuple[Path, ...]
    missing: dict[str, str] = field(default_factory=dict)
    """Named source, or folder inside one, -> why there is nothing of it."""
    direct: frozenset[Path] = frozenset()
    """Videos that were named themselves, and not found in a folder or by a pattern."""


def find_videos(named: tuple[str, ...], out: Path) -> Sources:
    """All video files that the sources name, each once, in the order of the sources and of their names.

    Args:
        named: files, folders, globs, and @lists with one source a line.
        out: the output folder, which is never searched.

    Raises:
        UsageError: no named source exists.
        NoVideoError: they exist, and hold no video.
    """
    missing: dict[str, str] = {}
    videos: dict[Path, None] = {}
    direct: set[Path] = set()
    wanted = [name for given in named for name in _listed(given, missing)]
    for name in wanted:
        for video in _one_source(name, out, missing):
            videos[video] = None
            if video == absolute(Path(name)):
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
        missing[name] = f"{name}: only local files can be read"
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
