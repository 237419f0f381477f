"""The mirror of a bucket, killed at every request, beside other machines, and on servers that lack what it needs."""

import itertools
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from analytics import store
from analytics.commit import commit, half_of
from analytics.errors import EmobatchError, LockedError
from analytics.fingerprint import fingerprint, full_hash
from analytics.footage import Url, blocks, facts_of
from analytics.kept_masks import write_masks
from analytics.masks import Masks
from analytics.records import Pulse
from jobs import scratch
from jobs.bucket_copy import read_copy
from jobs.bucket_lock import bucket_locked
from jobs.lock_file import Holder
from jobs.mirror import claimed, following
from tests.bucket import Server, in_this_process, s3_server
from tests.command import files_below

TABLES: Final = ("faces", "samples", "tracks", "videos")
_numbers = itertools.count()


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    """A server that this process talks to."""
    with s3_server() as server, in_this_process(server):
        server.client.create_bucket(Bucket="mirrors")
        yield server


@pytest.fixture(name="url")
def _url(server: Server) -> str:
    return f"s3://mirrors/{next(_numbers)}"


class Killed(BaseException):
    """Stands for kill -9: nothing that comes after is done."""


def change(out: Path, content: str, ids: tuple[str, ...], old: tuple[str, ...] = ()) -> None:
    """One change: tables of some videos, one content in all of them, and some files that go."""
    halves = []
    for table, one in itertools.product(TABLES, ids):
        place = out / table / "day=undated" / "cam=unnamed" / f"{one}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        half = half_of(place)
        half.write_text(content)
        halves.append((half, place))
    gone = [out / table / "day=undated" / "cam=unnamed" / f"{one}.parquet" for table in TABLES for one in old]
    commit(out, "change", halves, gone)


def held(folder: Path) -> dict[str, set[str]]:
    """Content -> tables that have it, by file."""
    found: dict[str, set[str]] = {}
    for file in sorted(folder.glob("*/day=*/cam=*/*.parquet")):
        found.setdefault(f"{file.stem} {file.read_text()}", set()).add(file.relative_to(folder).parts[0])
    return found


def in_bucket(server: Server, url: str) -> dict[str, set[str]]:
    """The same of a bucket."""
    prefix = url.removeprefix("s3://mirrors/") + "/"
    found: dict[str, set[str]] = {}
    for key in server.keys("mirrors", prefix):
        if key.endswith(".parquet"):
            content = server.read("mirrors", prefix + key).decode()
            found.setdefault(f"{Path(key).stem} {content}", set()).add(key.partition("/")[0])
    return found


def from_new_mirror(url: str, folder: Path) -> dict[str, set[str]]:
    """What a run on another machine finds; it waits for no lock."""
    claimed(url, folder)
    with following(url, folder, "emobatch run"):
        return held(folder)


def _new(out: Path) -> None:
    change(out, "new", ("1",))


def _redo(out: Path) -> None:
    change(out, "new", ("1",))


def _compact(out: Path) -> None:
    change(out, "new", ("compacted",), ("1", "2"))


WHOLE: Final = set(TABLES)


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [((), _new, ("1",)), (("1",), _redo, ("1",)), (("1", "2"), _compact, ("compacted",))],
    ids=["a new video", "one that is done again", "several that are put together"],
)
@pytest.mark.parametrize(
    "answered", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["before it arrives", "after it took effect"]
)
def test_killed_at_every_request_a_change_is_there_as_a_whole_or_not_at_all(
    before: tuple[str, ...],
    act: Callable[[Path], None],
    after: tuple[str, ...],
    answered: bool,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At no moment does a row in `videos` stand beside others than its own; another machine finds all or nothing of it;
    the same machine goes on with what it has."""
    for at in itertools.count():
        url = f"s3://mirrors/{next(_numbers)}"
        mine, other = tmp_path / f"mine-{at}", tmp_path / f"other-{at}"
        calls = itertools.count()
        claimed(url, mine)

        def counted(
            call: Callable[..., Any], *arguments: Any, calls: Iterator[int] = calls, at: int = at, **more: Any
        ) -> Any:
            number = next(calls)
            if number == at and answered:
                call(*arguments, **more)
            if number >= at:
                raise Killed
            return call(*arguments, **more)

        reached_end = False
        try:
            with following(url, mine, "emobatch run") as follower:
                if before:
                    change(mine, "old", before)
                follower.follow()
                act(mine)
                with monkeypatch.context() as patch:
                    patch.setattr("jobs.mirror.put", partial(counted, store.put))
                    patch.setattr("jobs.mirror.delete", partial(counted, store.delete))
                    follower.follow()
                    reached_end = True
        except Killed:
            pass
        seen = in_bucket(server, url)
        assert all(tables == WHOLE for tables in seen.values() if "videos" in tables), (at, seen)
        whole_new, whole_old = {f"{one} new": WHOLE for one in after}, {f"{one} old": WHOLE for one in before}
        found = from_new_mirror(url, other)
        done = {name: tables for name, tables in found.items() if "videos" in tables}
        assert done in (whole_new, whole_old) or (not before and not done), (at, found)
        if before:
            assert found == done, (at, found)
        # The machine that was killed is started again, and its change is not lost.
        assert from_new_mirror(url, mine) in ((whole_new,) if not before or done == whole_old else (whole_new, done))
        assert in_bucket(server, url) == whole_new
        if reached_end:
            break
    assert at >= 4


def test_what_another_machine_did_since_counts(
    server: Server, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A change that did not get up is dropped where the bucket went on without it, and said so."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    claimed(url, mine)
    with following(url, mine, "emobatch run"):
        change(mine, "mine", ("1",))  # Killed before it could be sent.
    claimed(url, other)
    with following(url, other, "emobatch run") as follower:
        change(other, "other", ("1",))
        follower.conclude()
    with caplog.at_level(logging.WARNING):
        assert from_new_mirror(url, mine) == {"1 other": WHOLE}
    assert "another machine was at work" in caplog.text


def test_what_a_mirror_lost_the_bucket_keeps(server: Server, url: str, tmp_path: Path) -> None:
    """A file that somebody removed here, or the whole mirror: rows go by changes of the tables alone."""
    mine, kept = tmp_path / "mine", {"1 x": WHOLE, "2 x": WHOLE}
    claimed(url, mine)
    with following(url, mine, "emobatch run") as follower:
        change(mine, "x", ("1", "2"))
        follower.conclude()
        for file in (mine / "faces").rglob("1.parquet"):
            file.unlink()
        follower.conclude()
        assert in_bucket(server, url) == kept
        shutil.rmtree(mine)
        with pytest.raises(FileNotFoundError):
            follower.conclude()
    assert in_bucket(server, url) == kept


def test_files_keep_their_times_in_every_mirror(server: Server, url: str, tmp_path: Path) -> None:
    """What is kept by name, size and time of files (pages, rows that were read) holds on every machine."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    claimed(url, mine)
    with following(url, mine, "emobatch run") as follower:
        change(mine, "x", ("1",))
        follower.conclude()
    from_new_mirror(url, other)
    for file in files_below(mine / "videos"):
        assert (mine / "videos" / file).stat().st_mtime_ns == (other / "videos" / file).stat().st_mtime_ns


def test_readers_see_an_interrupted_change_as_a_whole(
    server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """status and open_results need no lock, and complete what they find in their own copy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mine = tmp_path / "mine"
    claimed(url, mine)
    try:
        with following(url, mine, "emobatch run") as follower:
            change(mine, "old", ("1", "2"))
            follower.follow()
            _compact(mine)
            with monkeypatch.context() as patch:
                patch.setattr("jobs.mirror.delete", _killed)
                follower.follow()
    except Killed:
        pass
    assert held(read_copy(url, TABLES)) == {"compacted new": WHOLE}
    assert in_bucket(server, url).keys() >= {"1 old", "2 old"}


def _killed(*_: Any, **__: Any) -> None:
    raise Killed


def test_the_lock_changes_hands_by_compare_and_swap(server: Server, url: str) -> None:
    """A stale one is taken, its former holder is told, and gives nothing back that is not his."""
    with bucket_locked(Url(url), "emobatch run", beat_s=60) as first:
        elsewhere = replace(first.holder, machine="another machine", token="f" * 32)
        first.etag = store.put(first.url, _content(elsewhere), condition={"IfMatch": first.etag})
        time.sleep(1.1)  # The server tells times in whole seconds.
        with bucket_locked(Url(url), "emobatch run", beat_s=60, stale_s=0.5) as second:
            first.beat()
            with pytest.raises(EmobatchError, match="taken for dead, its lock taken by"):
                first.check()
            second.beat()
            second.check()
        assert not server.keys("mirrors", url.removeprefix("s3://mirrors/"))


def test_a_lock_that_gives_signs_of_life_is_kept(server: Server, url: str) -> None:
    """However long it is held."""
    with bucket_locked(Url(url), "emobatch run", beat_s=0.1, stale_s=2) as lock:
        time.sleep(0.6)
        assert lock.beats > 4
        with pytest.raises(LockedError, match="last sign of life"), bucket_locked(Url(url), "emobatch run", stale_s=2):
            pass
        lock.check()


def test_a_run_whose_signs_of_life_do_not_get_through_ends(server: Server, url: str) -> None:
    """Before anybody may take its lock for dead."""
    with bucket_locked(Url(url), "emobatch run", beat_s=60, stale_s=0.2) as lock:
        time.sleep(0.3)
        with pytest.raises(EmobatchError, match="no sign of life reached it"):
            lock.check()


def test_a_server_that_writes_whatever_the_condition_is_refused(
    server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs would hold its lock."""
    whole = store.put
    monkeypatch.setattr("jobs.bucket_lock.put", lambda target, data, condition: whole(target, data))
    with pytest.raises(EmobatchError, match="no conditional writes"), bucket_locked(Url(url), "emobatch run"):
        pass


def _content(holder: Holder) -> bytes:
    return json.dumps(asdict(holder)).encode()


def test_an_object_has_the_fingerprint_of_a_file(
    server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read as a whole, and by blocks where it is large; and the same hash of the whole."""
    monkeypatch.setattr("analytics.fingerprint.WHOLE_UP_TO", 100_000)
    monkeypatch.setattr("analytics.fingerprint._BLOCK", 1000)
    for size in (0, 5_000, 300_000):
        file = tmp_path / "x.mp4"
        file.write_bytes(bytes(i % 251 for i in range(size)))
        target = store.name(f"{url}/x.mp4")
        etag = store.put(target, file.read_bytes())
        (found,) = store.listed(target)
        assert found.facts == store.facts(target)
        assert facts_of(found).etag == etag
        assert fingerprint(found) == fingerprint(file)
    assert full_hash(found, Pulse()) == full_hash(file, Pulse())


def test_an_object_that_changes_while_it_is_read_is_noticed(server: Server, url: str) -> None:
    """Half of one content and half of another is no video."""
    target = store.name(f"{url}/x.mp4")
    store.put(target, b"first")
    found = next(iter(store.listed(target)))
    store.put(target, b"other")
    with pytest.raises(store.StoreError, match="pre-conditions"):
        list(blocks(found))


def test_a_copy_is_fetched_once_and_removed(
    server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next object takes the place of the last; what a killed process left goes, too."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "_scratch", scratch._Scratch())
    dead = tmp_path / "emobatch-video-dead"
    (dead / "copy").mkdir(parents=True)
    (dead / "held").touch()
    for name in ("a.mp4", "b.mp4"):
        store.put(store.name(f"{url}/{name}"), name.encode())
    first, second = store.listed(Url(f"{url}/"))
    for found in (first, first, second):
        with scratch.at_hand(found, Pulse()) as path:
            assert path.read_text() == path.name == found.name
            inode = path.stat().st_ino
        with scratch.at_hand(found, Pulse()) as again:
            assert again.stat().st_ino == inode
    (folder,) = tmp_path.iterdir()
    assert files_below(folder) == {"held", "copy/b.mp4"}


def test_no_room_for_a_copy_is_said(server: Server, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With where, and what to do."""
    from analytics.errors import UnreachableError

    monkeypatch.setattr(scratch, "_scratch", scratch._Scratch())
    monkeypatch.setattr("tempfile.tempdir", "/dev/full")
    store.put(store.name(f"{url}/a.mp4"), b"x")
    (found,) = store.listed(Url(f"{url}/"))
    with (
        pytest.raises(UnreachableError, match="cannot be copied to /dev/full") as caught,
        scratch.at_hand(found, Pulse()),
    ):
        pass
    assert "TMPDIR" in caught.value.remedy


def test_masks_are_there_before_any_row_that_was_made_with_them(server: Server, url: str, tmp_path: Path) -> None:
    """A reader that comes after the first row knows what is to be painted over, even if the run is killed then."""
    claimed(url, tmp_path / "mirror")
    with following(url, tmp_path / "mirror", "emobatch run") as follower:
        write_masks(tmp_path / "mirror", "cafem", Masks((((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)))
        change(tmp_path / "mirror", "new", ("a",))
        follower.follow()
        keys = server.keys("mirrors", url.removeprefix("s3://mirrors/") + "/")
        assert any(key.endswith("masks/cafem.json") for key in keys) and in_bucket(server, url)
