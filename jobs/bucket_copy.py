"""A folder of this machine that is made equal to an OUT in a bucket.

What emobatch itself keeps below an OUT is copied, and nothing else that may lie in the bucket. Which content each
file here has is noted in .mirror.jsonl, a line a file, as it is copied: so that nothing is copied twice.

    {"mirror_of": "s3://bucket/night"}
    {"key": "videos/day=undated/cam=unnamed/3f….parquet", "etag": "\\"9a…\\"", "size": 7012, "changed_ns": 1772390…}

Times of files travel with them, so that they are the same in every copy.
"""

import hashlib
import io
import json
import os
import tarfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analytics.commit import HALF, JOURNAL
from analytics.errors import UsageError
from analytics.events.reviews import FILE as REVIEWS
from analytics.footage import Url
from analytics.kept_masks import FOLDER as MASKS
from analytics.listing import EVENTS, SUFFIX, TABLES
from analytics.purpose import FOLDER as PURPOSE
from analytics.records import Pulse
from analytics.store import StoreError, download, get, listed, name
from analytics.videos import STATE
from analytics.whole import whole
from jobs.options import cache_of
from jobs.outcome import RUNS
from jobs.purge import PURGED
from reports.cards import FOLDER as CARDS

MARK: Final = ".mirror.jsonl"
REDO: Final = ".tar"
CHANGED: Final = "changed-ns"
"""Key of an object's metadata: the time of the file that it is a copy of."""
_TABLES: Final = (*TABLES, EVENTS)
ROWS: Final = (*_TABLES, PURGED)
"""Folders that say what is done, and what was found in it."""
_WHOLE: Final = (PURGED, RUNS, STATE, CARDS, MASKS, PURPOSE, "reports")
"""Folders of which everything is copied; of tables it is Parquet files of partitions."""
FILES: Final = (REVIEWS,)
"""What is copied that lies in no folder."""
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Noted:
    """What an object and the file that is its copy had in common when they were last seen to be equal."""

    etag: str
    size: int
    changed_ns: int


def is_copied(key: str) -> bool:
    """Whether a path below OUT is one that emobatch keeps there for good."""
    top, *rest = key.split("/")
    if not rest:
        return top in FILES
    if top in _TABLES:
        return len(rest) == 3 and rest[0].startswith("day=") and rest[1].startswith("cam=") and key.endswith(SUFFIX)
    return top in _WHOLE and not any(part in (".", "..") for part in rest) and not _is_half(rest[-1])


def _is_half(file: str) -> bool:
    return file.endswith((HALF, ".unfinished"))


def claim(folder: Path, url: str) -> None:
    """Make a folder the copy of an OUT, or see that it is: what is not in the bucket is removed from it.

    Raises:
        UsageError: it holds something else.
        OSError: it cannot be made.
    """
    mark = folder / MARK
    folder.mkdir(parents=True, exist_ok=True)
    try:
        told = json.loads(mark.read_text(encoding="utf-8").partition("\n")[0])["mirror_of"]
    except FileNotFoundError:
        if any(not entry.name.startswith(MARK) for entry in folder.iterdir()):
            raise UsageError(
                f"--mirror {folder}: holds other files, which would be removed", "name a folder that is new or empty"
            ) from None
        _write_whole(mark, [{"mirror_of": url}])
        return
    except (ValueError, KeyError, TypeError):
        told = None
    if told != url:
        raise UsageError(f"--mirror {folder}: is the mirror of {told or 'something else'}", "name another folder")


class BucketCopy:
    """The objects of an OUT, the files of its copy, and what is known of both."""

    def __init__(self, url: Url, folder: Path) -> None:
        """
        Raises:
            OSError: the folder cannot be read.
        """
        self.url, self.folder = url, folder
        self.known: dict[str, Noted] = {}
        for line in (folder / MARK).read_text(encoding="utf-8").splitlines()[1:]:
            try:
                told = json.loads(line)
                self.known[told["key"]] = Noted(told["etag"], told["size"], told["changed_ns"])
            except (ValueError, KeyError, TypeError):  # A line that was cut off by a kill.
                continue

    def object(self, key: str) -> Url:
        """The object of a file."""
        return Url(f"{self.url}/{key}")

    def note(self, key: str, etag: str) -> None:
        """A file and its object are equal now.

        Raises:
            OSError: there is no such file, or it cannot be noted.
        """
        stat = (self.folder / key).stat()
        self.known[key] = Noted(etag, stat.st_size, stat.st_mtime_ns)
        with (self.folder / MARK).open("a", encoding="utf-8") as file:
            file.write(json.dumps(_line(key, self.known[key])) + "\n")

    def objects(self, tops: Iterable[str] = ("",)) -> dict[str, Url]:
        """What the bucket holds of this OUT, by path, below some folders; changes that were interrupted included.

        Raises:
            StoreError: it cannot be listed.
        """
        found: dict[str, Url] = {}
        for top in tops:
            for url in listed(Url(f"{self.url}/{top}")):
                key = url.text.removeprefix(f"{self.url}/")
                if is_copied(key) or is_redo(key):
                    found[key] = url
        return found

    def pull(self, objects: dict[str, Url], tops: tuple[str, ...] = ()) -> None:
        """Make the files equal to the objects.

        Args:
            objects: what objects() found.
            tops: folders of which the rest is to go; all that are copied, unless said.

        Raises:
            StoreError: an object cannot be read.
            OSError: the folder cannot be written.
        """
        for key, url in objects.items():
            if is_redo(key) or self.is_equal(key, url):
                continue
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_name(f"{path.name}.{uuid.uuid4().hex}{HALF}")
            try:
                metadata = download(url, half, Pulse())
                if (changed_ns := metadata.get(CHANGED, "")).isdecimal():
                    os.utime(half, ns=(int(changed_ns), int(changed_ns)))
                half.replace(path)
            finally:
                half.unlink(missing_ok=True)
            assert url.facts and url.facts.etag
            self.note(key, url.facts.etag)
        for key in self.files():
            if key not in objects and (not tops or key.partition("/")[0] in tops):
                (self.folder / key).unlink(missing_ok=True)
        self.known = {key: noted for key, noted in self.known.items() if key in objects}
        lines = [_line(key, noted) for key, noted in sorted(self.known.items())]
        _write_whole(self.folder / MARK, [{"mirror_of": self.url.text}, *lines])

    def is_equal(self, key: str, url: Url) -> bool:
        """Whether a file has the content of its object, by what was noted or by its MD5; noted then."""
        assert url.facts and url.facts.etag
        try:
            stat = (self.folder / key).stat()
            known = self.known.get(key)
            if known == Noted(url.facts.etag, stat.st_size, stat.st_mtime_ns):
                return True
            if stat.st_size != url.facts.size:
                return False
            content = (self.folder / key).read_bytes()
        except FileNotFoundError:
            return False
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != url.facts.etag.strip('"'):
            return False
        self.note(key, url.facts.etag)
        return True

    def files(self) -> Iterator[str]:
        """The paths of all files that are, or are to be, in the bucket.

        Raises:
            OSError: a folder cannot be listed; what is in it is not gone.
        """

        def unreadable(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise error

        for top in (*_TABLES, *_WHOLE):
            for parent, _, names in os.walk(self.folder / top, onerror=unreadable):
                for file in names:
                    key = Path(parent, file).relative_to(self.folder).as_posix()
                    if is_copied(key):
                        yield key
        yield from (file for file in FILES if (self.folder / file).exists())


@dataclass(frozen=True)
class Redo:
    """A change of several objects with all new content: whoever finds it, makes the change again."""

    puts: tuple[tuple[str, int, bytes], ...]
    """Path, time of the last change (ns) and content, in the order in which they are to appear."""
    removes: tuple[str, ...]

    def packed(self) -> bytes:
        """As one object."""
        told = {"puts": [[key, changed_ns] for key, changed_ns, _ in self.puts], "removes": self.removes}
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as tar:
            for member, data in [
                ("change.json", json.dumps(told).encode()),
                *((key, data) for key, _, data in self.puts),
            ]:
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return whole.getvalue()

    @staticmethod
    def unpacked(data: bytes) -> "Redo":
        """From the object. Nothing is unpacked onto the disk, and no path but one that is copied is taken."""
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:

            def content(member: str) -> bytes:
                file = tar.extractfile(member)
                return file.read() if file else b""

            told = json.loads(content("change.json"))
            puts = tuple((key, int(changed_ns), content(key)) for key, changed_ns in told["puts"] if is_copied(key))
        return Redo(puts, tuple(key for key in told["removes"] if is_copied(key)))


def is_redo(key: str) -> bool:
    """Whether an object is a change that was interrupted."""
    return key.startswith(f"{JOURNAL}/") and key.endswith(REDO)


def read_copy(url: str, tops: tuple[str, ...]) -> Path:
    """A copy of some folders of an OUT for reading, apart from the mirror of a run that may be at work.

    Raises:
        StoreError: the bucket is not there, or cannot be read.
        UsageError: s3fs is not installed.
        OSError: there is no room for it.
    """
    target, folder = name(url), cache_of(url, "read")
    claim(folder, url)
    copy = BucketCopy(target, folder)
    for attempt in range(_ATTEMPTS):
        objects = copy.objects([*(top if top in FILES else f"{top}/" for top in tops), f"{JOURNAL}/"])
        try:
            copy.pull(objects, tops)
            for key in objects:
                if is_redo(key):
                    _apply_here(copy, Redo.unpacked(get(copy.object(key)).data), tops)
            break
        except StoreError as error:  # A run is at work there.
            if error.kind not in ("gone", "changed") or attempt == _ATTEMPTS - 1:
                raise
    return folder


def _apply_here(copy: BucketCopy, redo: Redo, tops: tuple[str, ...]) -> None:
    for key, changed_ns, data in redo.puts:
        if key.partition("/")[0] in tops:
            (copy.folder / key).parent.mkdir(parents=True, exist_ok=True)
            (copy.folder / key).write_bytes(data)
            os.utime(copy.folder / key, ns=(changed_ns, changed_ns))
    for key in {*redo.removes} - {key for key, _, _ in redo.puts}:
        (copy.folder / key).unlink(missing_ok=True)


def _line(key: str, noted: Noted) -> dict[str, Any]:
    return {"key": key, "etag": noted.etag, "size": noted.size, "changed_ns": noted.changed_ns}


def _write_whole(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with whole(path) as file:
        file.writelines(f"{json.dumps(line)}\n".encode() for line in lines)
