"""Lines that are added to a file: whole, after each other, and where they belong."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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
