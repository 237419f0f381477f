"""Whatever happens to files between runs: each has one row, each content is decoded once, and nothing else is left."""

import hashlib
import os
import shutil
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.command import rows
from tests.rerun import Archive, clip

NAMES = ("a.mp4", "b.mp4", "c/a.mp4", "d.mp4")
Change = tuple[str, str, str | int]
_ticks = count(1)

CHANGES = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.integers(0, 2)),
    st.tuples(st.sampled_from(["move", "swap", "copy"]), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["delete", "touch", "forget"]), st.sampled_from(NAMES), st.just(0)),
)


@cache
def _content(seed: int) -> bytes:
    """Three clips of one size, so that nothing but their content tells them apart."""
    with TemporaryDirectory() as folder:
        bare = [clip(Path(folder) / f"{one}.mp4", one, seconds=0.5).read_bytes() for one in range(3)]
    most = max(map(len, bare)) + 16
    missing = most - len(bare[seed])
    return bare[seed] + missing.to_bytes(4, "big") + b"free" + bytes(missing - 8)


def _now(path: Path) -> None:
    """A time that no other file has: the clock of the file system ticks slower than this test."""
    os.utime(path, (1e9, 1e9 + next(_ticks)))


def _apply(archive: Archive, change: Change) -> None:
    what, name, other = change
    path = archive.footage / name
    if what == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_content(int(other)))
        _now(path)
    elif what == "forget":
        shutil.rmtree(archive.out / ".state", ignore_errors=True)
    elif not path.exists():
        return
    elif what == "delete":
        path.unlink()
    elif what == "touch":
        _now(path)
    elif name != other:
        there = archive.footage / str(other)
        if what == "copy":
            _now(archive.copy(name, str(other)))
        elif what == "move":
            archive.move(name, str(other))
        elif there.exists():
            for one, to in ((name, "x"), (str(other), name), ("x", str(other))):
                archive.move(one, to)


def _run_and_check(archive: Archive) -> None:
    before = {row["video_id"]: row for row in rows(archive.out, "videos") if row["status"] == "done"}
    there = {path: _id(path) for path in archive.footage.rglob("*.mp4")}
    summary = archive.run()
    assert summary.exit_code == 0
    assert summary.videos["done"] == len(set(there.values()) - set(before))
    archive.check()
    found = {row["source"]: row for row in archive.videos().values()}
    for path, video_id in there.items():
        row = found.pop(str(path))
        assert video_id == (row["duplicate_of"] if row["status"] == "duplicate" else row["video_id"]), path
    # What is left is of files that were deleted, as it was before.
    for source, row in found.items():
        assert not Path(source).exists() and row == before[row["video_id"]]
    # What went lay under a name that has other content now, and nowhere else.
    after = {row["video_id"]: row for row in archive.videos().values() if row["status"] == "done"}
    for video_id in set(before) - set(after):
        assert Path(before[video_id]["source"]).exists() and video_id not in there.values()
    for video_id in set(before) & set(after):
        assert before[video_id]["finished_at"] == after[video_id]["finished_at"]


def _id(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@pytest.mark.slow
@settings(max_examples=12)
@given(st.lists(st.lists(CHANGES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_each_file_has_one_row_and_each_content_is_decoded_once(nights: list[list[Change]]) -> None:
    """After any changes; and a run after that does nothing."""
    with TemporaryDirectory() as folder:
        archive = Archive(Path(folder))
        _apply(archive, ("write", NAMES[0], 0))
        for changes in nights:
            for change in changes:
                _apply(archive, change)
            if any(archive.footage.rglob("*.mp4")):
                _run_and_check(archive)
                before = archive.bytes()
                assert archive.run().videos["unchanged"] == len(archive.videos().keys() & _sources(archive))
                assert archive.bytes() == before


def _sources(archive: Archive) -> set[str]:
    return {str(path.relative_to(archive.footage)) for path in archive.footage.rglob("*.mp4")}
