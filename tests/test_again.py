"""A run does what is not done yet: files that stay, come, change and move."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import emobatch, files_below
from tests.damage import truncate
from tests.rerun import Archive, counts, two_clips


@pytest.fixture(name="archive")
def _archive(tmp_path: Path) -> Archive:
    return two_clips(tmp_path)


def _nothing(archive: Archive) -> None:
    pass


def _touched(archive: Archive) -> None:
    for file in archive.footage.iterdir():
        os.utime(file)


def _without_state(archive: Archive) -> None:
    shutil.rmtree(archive.out / ".state")


@pytest.mark.parametrize("meanwhile", [_nothing, _touched, _without_state])
def test_a_second_run_does_nothing(archive: Archive, meanwhile: Callable[[Archive], None]) -> None:
    """Of sound files, a copy, a damaged and an empty one, also when they are newer or nothing is remembered of them."""
    archive.copy("a.mp4", "copy.mp4")
    archive.copy("b.mp4", "half.mp4")
    truncate(archive.footage / "half.mp4", 500)
    (archive.footage / "none.mp4").touch()
    first = archive.run()
    assert (counts(first), first.exit_code) == ({"failed": 2, "duplicate": 1, "unchanged": 2}, 3)
    before = archive.bytes()
    for _ in range(2):
        meanwhile(archive)
        again = archive.run()
        assert (counts(again), again.exit_code, again.failures) == ({"unchanged": 5}, 0, [])
        assert archive.bytes() == before


def test_the_command_says_that_nothing_was_to_be_done(archive: Archive) -> None:
    """Exit 0, counts on stdout, one line of sums on stderr."""
    before = archive.bytes()
    again = emobatch("run", archive.footage, "--out", archive.out, "--json", cwd=archive.footage)
    assert (again.code, again.json["videos"]["unchanged"], again.json["media_s"]) == (0, 2, 0)
    assert again.stderr.splitlines()[0].startswith("2 unchanged: ")
    assert archive.bytes() == before


def test_a_new_file_alone_is_done(archive: Archive) -> None:
    """The rows of the others stay as they are."""
    made = archive.made()
    archive.clip("0.mp4", 3)
    assert counts(archive.run()) == {"done": 1, "unchanged": 2}
    assert made.items() <= archive.made().items()
    assert set(archive.videos()) == {"0.mp4", "a.mp4", "b.mp4"}
    archive.check()


def test_a_file_with_new_content_has_new_rows_in_place_of_the_old(archive: Archive) -> None:
    """One that was replaced, and one that grew."""
    old = archive.told("video_id")
    archive.clip("a.mp4", 3, seconds=2)
    archive.clip("b.mp4", 2, seconds=3)
    assert counts(archive.run()) == {"done": 2}
    assert archive.told("duration_s") == {"a.mp4": 2, "b.mp4": 3}
    assert not set(old.values()) & set(archive.told("video_id").values())
    assert not any(old["a.mp4"] in file for file in files_below(archive.out))
    archive.check()
    assert counts(archive.run()) == {"unchanged": 2}


def _page(archive: Archive, name: str) -> str:
    video_id = archive.told("video_id")[name]
    return (archive.out / "reports" / "videos" / f"{video_id}.html").read_text(encoding="utf-8")


def test_a_file_that_moved_keeps_its_rows_which_say_where_it_is(archive: Archive) -> None:
    """Renamed, and into another folder; tables and pages follow."""
    made = archive.made()
    archive.move("a.mp4", "c.mp4")
    archive.move("b.mp4", "deep/er/b.mp4")
    again = archive.run()
    assert (counts(again), again.exit_code) == ({"unchanged": 2}, 0)
    assert (archive.made(), set(archive.videos())) == (made, {"c.mp4", "deep/er/b.mp4"})
    assert "c.mp4" in _page(archive, "c.mp4") and "a.mp4" not in _page(archive, "c.mp4")
    index = (archive.out / "reports" / "index.html").read_text(encoding="utf-8")
    assert f"{archive.footage}/deep/er" in index
    archive.check()
    before = archive.bytes()
    assert counts(archive.run()) == {"unchanged": 2}
    assert archive.bytes() == before


@pytest.mark.parametrize("same_size", [False, True])
@pytest.mark.parametrize("compacted", [False, True])
def test_files_that_swap_names_swap_rows(tmp_path: Path, same_size: bool, compacted: bool) -> None:
    """Nothing is decoded again, whether or not the size gives it away or the rows lie in one file."""
    archive = Archive(tmp_path)
    a, b = archive.clip("a.mp4", 1), archive.clip("b.mp4", 2, seconds=2)
    if same_size:
        _pad(a, b)
    for age, file in enumerate((a, b)):  # Clips that are drawn within a tick of the clock have one time.
        os.utime(file, (1e9, 1e9 - age))
    archive.run()
    if compacted:
        assert emobatch("compact", archive.out, cwd=tmp_path).code == 0
    ids, made = archive.told("video_id"), archive.made()
    for name, to in (("a.mp4", "x"), ("b.mp4", "a.mp4"), ("x", "b.mp4")):
        archive.move(name, to)
    assert counts(archive.run()) == {"unchanged": 2}
    assert archive.told("video_id") == {"a.mp4": ids["b.mp4"], "b.mp4": ids["a.mp4"]}
    assert archive.made() == made
    archive.check()


def _pad(*files: Path) -> None:
    """Give files one size: what follows the last box of an MP4 is left aside."""
    most = max(file.stat().st_size for file in files) + 16
    for file in files:
        missing = most - file.stat().st_size
        with file.open("ab") as end:
            end.write(missing.to_bytes(4, "big") + b"free" + bytes(missing - 8))


@pytest.mark.parametrize("same_size", [False, True])
def test_rotated_names_cost_one_new_video(tmp_path: Path, same_size: bool) -> None:
    """a became b, b became c, and a is new: two are known."""
    archive = Archive(tmp_path)
    a, b = archive.clip("a.mp4", 1), archive.clip("b.mp4", 2)
    new = archive.clip("later.mp4", 3)
    if same_size:
        _pad(a, b, new)
    for age, file in enumerate((a, b, new)):  # Clips that are drawn within a tick of the clock have one time.
        os.utime(file, (1e9, 1e9 - age))
    new = new.rename(tmp_path / "new.mp4")
    archive.run()
    ids, made = archive.told("video_id"), archive.made()
    archive.move("b.mp4", "c.mp4")
    archive.move("a.mp4", "b.mp4")
    new.rename(a)
    assert counts(archive.run()) == {"done": 1, "unchanged": 2}
    told = archive.told("video_id")
    assert (told["b.mp4"], told["c.mp4"], len(told)) == (ids["a.mp4"], ids["b.mp4"], 3)
    assert made.items() <= archive.made().items()
    archive.check()


def test_what_left_the_archive_keeps_its_rows(archive: Archive) -> None:
    """Recorders delete what is old; its rows are what is left of it, until they are purged."""
    made = archive.made()
    (archive.footage / "a.mp4").unlink()
    assert counts(archive.run()) == {"unchanged": 1}
    assert archive.made() == made
