"""What failed: which files are tried again and when, and that no failure costs rows that were good."""

import os
from pathlib import Path

import pytest

from tests.command import emobatch, rows, without_override
from tests.damage import truncate
from tests.rerun import Archive, counts, two_clips


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    return two_clips(tmp_path)


def test_a_damaged_file_is_tried_again_when_it_changes(archive: Archive) -> None:
    """It stays failed, is no failure of later runs, and becomes whole; --retry-failed tries it at once."""
    whole = (archive.footage / "a.mp4").read_bytes()
    half = archive.copy("a.mp4", "half.mp4")
    truncate(half, 500)
    first = archive.run("half.mp4")
    assert (counts(first), first.exit_code) == ({"failed": 1}, 3)
    assert (counts(archive.run()), archive.run().exit_code) == ({"unchanged": 3}, 0)
    forced = archive.run(retry_failed=True)
    assert (counts(forced), forced.exit_code) == ({"failed": 1, "unchanged": 2}, 3)
    half.write_bytes(whole + b"\0\0\0\x08free")
    assert counts(archive.run()) == {"done": 1, "unchanged": 2}
    assert archive.told("status") == {"a.mp4": "done", "b.mp4": "done", "half.mp4": "done"}
    archive.check()


def test_a_file_that_was_emptied_has_failed_and_has_no_old_rows(archive: Archive) -> None:
    """Until it is filled again."""
    kept = (archive.footage / "a.mp4").read_bytes()
    truncate(archive.footage / "a.mp4", 0)
    assert counts(archive.run()) == {"failed": 1, "unchanged": 1}
    assert archive.told("status") == {"a.mp4": "failed", "b.mp4": "done"}
    assert "empty" in archive.told("reason")["a.mp4"]
    archive.check()
    assert counts(archive.run()) == {"unchanged": 2}
    assert counts(archive.run(retry_failed=True)) == {"failed": 1, "unchanged": 1}
    (archive.footage / "a.mp4").write_bytes(kept)
    assert counts(archive.run()) == {"done": 1, "unchanged": 1}
    archive.check()


def _unreadable(archive: Archive, *more: str) -> dict[str, int]:
    cwd, out = archive.footage, archive.out
    done = emobatch("run", cwd, "--out", out, "--json", *more, cwd=cwd, before=without_override())
    return {status: n for status, n in done.json["videos"].items() if n} | {"code": done.code}


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_tried_again_and_keeps_its_rows(archive: Archive) -> None:
    """It may be new, or newer, or to be decoded with other settings: what was known of it stays until it can be read."""
    a, b, c = archive.footage / "a.mp4", archive.footage / "b.mp4", archive.clip("c.mp4", 3)
    made = archive.made()
    os.utime(a)
    for file in (a, c):
        file.chmod(0)
    for _ in range(2):
        assert _unreadable(archive) == {"failed": 2, "unchanged": 1, "code": 3}
        assert archive.made() == made
        assert sorted(row["status"] for row in rows(archive.out, "videos")) == ["done", "done", "failed", "failed"]
    for file in (a, c):
        file.chmod(0o644)
    assert _unreadable(archive) == {"done": 1, "unchanged": 2, "code": 0}
    assert made.items() <= archive.made().items()
    archive.check()
    b.chmod(0)
    assert _unreadable(archive) == {"unchanged": 3, "code": 0}
    before = archive.made()
    assert _unreadable(archive, "--every", "0.25") == {"done": 2, "failed": 1, "code": 3}
    assert before[_id_of(archive, "b.mp4")] == archive.made()[_id_of(archive, "b.mp4")]
    b.chmod(0o644)
    assert _unreadable(archive, "--every", "0.25") == {"done": 1, "unchanged": 2, "code": 0}
    archive.check()


def _id_of(archive: Archive, name: str) -> str:
    """The video_id of the good rows of a file."""
    source = str(archive.footage / name)
    (found,) = [r["video_id"] for r in rows(archive.out, "videos") if r["source"] == source and r["status"] == "done"]
    return str(found)


def test_a_link_to_nothing_fails_in_every_run_and_has_one_row(archive: Archive) -> None:
    """Until what it leads to is there."""
    (archive.footage / "link.mp4").symlink_to(archive.footage.parent / "later.mp4")
    for _ in range(3):
        assert counts(archive.run()) == {"failed": 1, "unchanged": 2}
        assert archive.told("status") == {"a.mp4": "done", "b.mp4": "done", "link.mp4": "failed"}
    archive.clip("later.mp4", 3).rename(archive.footage.parent / "later.mp4")
    assert counts(archive.run()) == {"done": 1, "unchanged": 2}
    archive.check()


def test_a_failed_file_that_moves_has_still_failed(archive: Archive) -> None:
    """A damaged one is known by its content, too; of an empty one the old name goes."""
    truncate(archive.copy("a.mp4", "half.mp4"), 500)
    (archive.footage / "none.mp4").touch()
    assert counts(archive.run()) == {"failed": 2, "unchanged": 2}
    archive.move("half.mp4", "moved/half.mp4")
    archive.move("none.mp4", "moved/none.mp4")
    assert counts(archive.run()) == {"failed": 1, "unchanged": 3}
    assert {s for s, status in archive.told("status").items() if status == "failed"} == {
        "moved/half.mp4",
        "moved/none.mp4",
    }
