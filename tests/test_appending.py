"""Lines that are added to a file: whole, after each other, and where they belong."""

import errno
import fcntl
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest

from analytics import appending
from analytics.appending import append_lines
from analytics.events.reviews import FILE, Review, append_reviews
from tests.test_review import WHEN, event_of


def test_a_disk_that_takes_only_a_part_has_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is as it was, so that the next line begins a line of its own."""
    path = tmp_path / "log.jsonl"
    append_lines(path, b"first\n")
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:3]))
    with pytest.raises(OSError, match="No space"):
        append_lines(path, b"second\n")
    monkeypatch.undo()
    append_lines(path, b"third\n")
    assert path.read_bytes() == b"first\nthird\n"


def test_a_file_that_nothing_can_be_taken_from_keeps_the_part_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a full disk, not of the cut that is refused; and the next line begins a line of its own."""
    path = tmp_path / "log.jsonl"
    append_lines(path, b"first\n")
    if shutil.which("chattr") is None or subprocess.run(["chattr", "+a", path], check=False).returncode:
        pytest.skip("needs root, and a file system whose files can be made append-only")
    try:
        write = os.write
        monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:3]))
        with pytest.raises(OSError, match="No space"):
            append_lines(path, b"second\n")
        monkeypatch.undo()
        append_lines(path, b"third\n")
        assert path.read_bytes() == b"first\nsec\nthird\n"
    finally:
        subprocess.run(["chattr", "-a", path], check=True)


def test_a_line_that_does_not_reach_the_disk_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is told that it failed says it again; but nothing that came after it goes."""
    path = tmp_path / "log.jsonl"
    append_lines(path, b"first\n")

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    def broken_while_another_adds(_: int) -> None:
        with path.open("ab") as other:
            other.write(b"of another\n")
        broken(_)

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output"):
        append_lines(path, b"second\n")
    assert path.read_bytes() == b"first\n"
    monkeypatch.setattr(os, "fsync", broken_while_another_adds)
    with pytest.raises(OSError, match="Input/output"):
        append_lines(path, b"third\n")
    assert path.read_bytes() == b"first\nthird\nof another\n"


@pytest.mark.parametrize("kind", [fcntl.LOCK_SH, fcntl.LOCK_EX])
def test_whoever_keeps_a_lock_keeps_nobody_from_adding_lines(
    kind: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may read the file can lock it for ever: no command hangs for that."""
    monkeypatch.setattr(appending, "_PATIENCE_S", 0.2)
    path = tmp_path / "log.jsonl"
    append_lines(path, b"first\n")
    with path.open("rb") as reader, ThreadPoolExecutor(1) as pool:
        fcntl.flock(reader, kind)
        adding = pool.submit(append_lines, path, b"second\n")
        try:
            adding.result(timeout=5)
        finally:
            fcntl.flock(reader, fcntl.LOCK_UN)
    assert path.read_bytes() == b"first\nsecond\n"


def test_who_adds_waits_for_whoever_adds(tmp_path: Path) -> None:
    """Not longer than they need."""
    path = tmp_path / "log.jsonl"
    append_lines(path, b"first\n")
    with path.open("rb") as other, ThreadPoolExecutor(1) as pool:
        fcntl.flock(other, fcntl.LOCK_EX)
        adding = pool.submit(append_lines, path, b"second\n")
        sleep(0.3)
        assert not adding.done() and path.read_bytes() == b"first\n"
        fcntl.flock(other, fcntl.LOCK_UN)
        adding.result(timeout=2)
    assert path.read_bytes() == b"first\nsecond\n"


def test_an_open_line_is_ended_and_lines_of_several_do_not_mix(tmp_path: Path) -> None:
    """Long lines of eight at once."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"cut off")
    lines = [b"%d " % number * 50_000 + b"\n" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda line: append_lines(path, line), lines))
    assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted([b"cut off\n", *lines])


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Whoever may write OUT must not lead what others say elsewhere."""
    (tmp_path / FILE).symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="it is a link"):
        append_reviews(tmp_path, [Review.of(event_of(1, 2), "useful", "", "Jo", WHEN)])
    assert not (tmp_path / "other").exists()
