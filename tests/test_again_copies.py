"""Copies: one file stands for the content and has the rows, whichever of them come, go and move."""

import os
from pathlib import Path

import pytest

from analytics.fingerprint import WHOLE_UP_TO, fingerprint
from tests.command import emobatch, rows, without_override
from tests.rerun import Archive, counts


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    """A clip and a run over it."""
    archive = Archive(tmp_path)
    archive.clip("m.mp4", 1)
    assert counts(archive.run()) == {"done": 1}
    return archive


def _stands(archive: Archive, original: str, *copies: str) -> None:
    """One file has the rows, others are its copies, and nothing else is known or left to do."""
    archive.check()
    told = archive.told("duplicate_of")
    video_id = archive.told("video_id")[original]
    assert told == {original: None} | dict.fromkeys(copies, video_id)
    for copy in copies:
        assert archive.told("reason")[copy] == f"a copy of {archive.footage / original}"
    before = archive.bytes()
    assert counts(archive.run()) == {"unchanged": 1 + len(copies)}
    assert archive.bytes() == before


def test_copies_within_a_run_stand_behind_the_first(tmp_path: Path) -> None:
    """In the order in which they are found."""
    archive = Archive(tmp_path)
    archive.clip("b.mp4", 1)
    archive.copy("b.mp4", "a.mp4")
    archive.copy("b.mp4", "c.mp4")
    assert counts(archive.run()) == {"done": 1, "duplicate": 2}
    _stands(archive, "a.mp4", "b.mp4", "c.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "z.mp4"])
@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("touched", [False, True])
def test_a_copy_that_comes_later_stands_behind_what_is_known(
    archive: Archive, name: str, alone: bool, touched: bool
) -> None:
    """Listed before it or after it, or looked at alone, and whatever the original's time is."""
    made = archive.made()
    archive.copy("m.mp4", name)
    if touched:
        os.utime(archive.footage / "m.mp4")
    found = archive.run(*[name] * alone)
    assert counts(found) == ({"duplicate": 1} if alone else {"duplicate": 1, "unchanged": 1})
    _stands(archive, "m.mp4", name)
    assert archive.made() == made


def test_the_rows_move_to_the_copy_when_the_original_goes(archive: Archive) -> None:
    """And to another one when that one goes; the last one keeps them."""
    made = archive.made()
    for name in ("x.mp4", "y.mp4", "z.mp4"):
        archive.copy("m.mp4", name)
    assert counts(archive.run()) == {"duplicate": 3, "unchanged": 1}
    (archive.footage / "m.mp4").unlink()
    archive.run()
    _stands(archive, "x.mp4", "y.mp4", "z.mp4")
    (archive.footage / "x.mp4").unlink()
    assert emobatch("compact", archive.out, cwd=archive.footage).code == 0
    archive.run()
    _stands(archive, "y.mp4", "z.mp4")
    (archive.footage / "y.mp4").unlink()
    archive.run()
    _stands(archive, "z.mp4")
    assert archive.made() == made


def test_a_copy_that_moves_or_goes_leaves_no_row(archive: Archive) -> None:
    """Renamed, then removed; also out of a file that many videos share."""
    archive.copy("m.mp4", "copy.mp4")
    archive.run()
    archive.move("copy.mp4", "deep/copy.mp4")
    assert counts(archive.run()) == {"duplicate": 1, "unchanged": 1}
    _stands(archive, "m.mp4", "deep/copy.mp4")
    assert emobatch("compact", archive.out, cwd=archive.footage).code == 0
    (archive.footage / "deep/copy.mp4").unlink()
    assert counts(archive.run()) == {"unchanged": 1}
    _stands(archive, "m.mp4")


def test_both_move(archive: Archive) -> None:
    """One of them has the rows, the other is its copy; nothing of the old names is left."""
    made = archive.made()
    archive.copy("m.mp4", "copy.mp4")
    archive.run()
    archive.move("m.mp4", "new/m.mp4")
    archive.move("copy.mp4", "new/copy.mp4")
    archive.run()
    _stands(archive, "new/copy.mp4", "new/m.mp4")
    assert archive.made() == made


@pytest.mark.parametrize("size", ["same", "other"])
def test_the_original_becomes_something_else_and_the_copy_takes_the_rows(archive: Archive, size: str) -> None:
    """Nothing is decoded but what is new."""
    made = archive.made()
    copy = archive.copy("m.mp4", "x.mp4")
    archive.run()
    if size == "other":
        archive.clip("m.mp4", 2, seconds=2)
    else:  # Content that differs in what no player reads.
        for file in (archive.footage / "m.mp4", copy):
            file.write_bytes(file.read_bytes() + b"\0\0\0\x0cfreeXXXX")
        archive.run()
        made = archive.made()
        data = (archive.footage / "m.mp4").read_bytes()
        (archive.footage / "m.mp4").write_bytes(data[:-4] + b"YYYY")
    assert counts(archive.run()) == {"done": 1, "unchanged": 1}
    archive.check()
    assert set(archive.told("duplicate_of").values()) == {None}
    assert made.items() <= archive.made().items()
    assert counts(archive.run()) == {"unchanged": 2}


def test_the_original_becomes_something_else_where_the_copy_is_not_looked_at(archive: Archive) -> None:
    """What is known of the content stays until its copy is looked at, and then goes there."""
    made = archive.made()
    archive.copy("m.mp4", "other/x.mp4")
    archive.run()
    archive.clip("m.mp4", 2, seconds=2)
    assert counts(archive.run("m.mp4")) == {"done": 1}
    assert made.items() <= archive.made().items()
    assert counts(archive.run("other")) == {"unchanged": 1}
    assert made.items() <= archive.made().items()
    assert archive.told("duplicate_of") == {"m.mp4": None, "other/x.mp4": None}
    archive.check()


def test_a_copy_that_cannot_be_compared_costs_the_original_nothing(archive: Archive) -> None:
    """Its failure is filed under its own path."""
    copy = archive.copy("m.mp4", "x.mp4")
    archive.run()
    made = archive.made()
    os.utime(archive.footage / "m.mp4")
    copy.chmod(0)
    asked = (copy, "--out", archive.out, "--camera", "door", "--json")
    done = emobatch("run", *asked, cwd=archive.footage, before=without_override())
    assert (done.code, done.json["videos"]["failed"]) == (3, 1)
    assert (archive.made(), archive.told("status")) == (made, {"m.mp4": "done", "x.mp4": "failed"})
    copy.chmod(0o644)
    assert counts(archive.run()) == {"duplicate": 1, "unchanged": 1}
    _stands(archive, "m.mp4", "x.mp4")


def test_large_files_with_one_fingerprint_are_told_apart_by_all_of_them(tmp_path: Path) -> None:
    """Beyond 64 MiB a fingerprint is of blocks; what differs between them is found before one is taken for a copy."""
    archive = Archive(tmp_path)
    one, other = archive.clip("a.mp4", 1), archive.footage / "b.mp4"
    size = WHOLE_UP_TO + 8 * 2**20
    with one.open("r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write((size - file.tell()).to_bytes(4, "big") + b"free")
        file.truncate(size)
    archive.copy("a.mp4", "b.mp4")
    with other.open("r+b") as file:
        file.seek((size - 2**20) // 63 * 3 // 2 + 2**19)  # Midway between the second block and the third.
        file.write(b"Y")
    assert fingerprint(one) == fingerprint(other)
    archive.copy("a.mp4", "c.mp4")
    assert counts(archive.run()) == {"done": 2, "duplicate": 1}
    assert archive.told("duplicate_of")["c.mp4"] == archive.told("video_id")["a.mp4"]
    made = archive.made()
    for path in (one, other):
        os.utime(path)
    assert counts(archive.run()) == {"unchanged": 3}
    archive.move("b.mp4", "moved/b.mp4")
    assert counts(archive.run()) == {"unchanged": 3}
    assert archive.made() == made
    archive.check()


def test_rows_say_what_they_are_a_copy_of(archive: Archive) -> None:
    """A copy has a row in `videos` alone."""
    archive.copy("m.mp4", "x.mp4")
    archive.run()
    (copy,) = [row for row in rows(archive.out, "videos") if row["status"] == "duplicate"]
    assert (copy["n_samples"], copy["duration_s"], copy["start_time_source"]) == (0, None, "unknown")
