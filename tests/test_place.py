"""A copy appears whole, under the rights of what it was made of, and nothing that is there gives way unasked."""

import fcntl
import os
import stat
import time
from pathlib import Path

import pytest

from analytics.commit import HALF
from analytics.errors import UsageError
from analytics.whole import whole_place


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> Path:
    source = tmp_path / "film.mp4"
    source.write_text("film")
    source.chmod(0o640)
    return source


def test_only_who_may_read_the_original_may_read_the_copy(tmp_path: Path, source: Path) -> None:
    """While it is being written nobody else may."""
    with whole_place(tmp_path / "copy.mp4", source, replace=False) as half:
        half.write_text("half")
        assert _mode(half) == 0o600
    assert (tmp_path / "copy.mp4").read_text() == "half" and _mode(tmp_path / "copy.mp4") == 0o640
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("links", [True, False])
def test_what_appears_meanwhile_stays(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Also on a disk that knows no links; with --force it gives way."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    copy = tmp_path / "copy.mp4"
    with pytest.raises(UsageError, match="appeared while the copy was made"):  # noqa: SIM117
        with whole_place(copy, source, replace=False):
            copy.write_text("precious")
    assert copy.read_text() == "precious" and not list(tmp_path.glob("*.tmp"))
    with whole_place(copy, source, replace=True) as half:
        half.write_text("new")
    assert copy.read_text() == "new"
    with whole_place(tmp_path / "other.mp4", source, replace=False) as half:
        half.write_text("new")
    assert (tmp_path / "other.mp4").read_text() == "new"


def test_what_a_killed_process_left_is_removed(tmp_path: Path, source: Path) -> None:
    """What is being written to, or bears another name, is left alone."""
    names = [f"copy.mp4.{digit * 32}{HALF}" for digit in "abc"] + ["copy.mp4.notes.tmp", f"b.mp4.{'a' * 32}.tmp"]
    for name in names:
        (tmp_path / name).write_text("half")
        if "c" * 32 not in name:
            os.utime(tmp_path / name, (time.time() - 3600,) * 2)
    with (tmp_path / names[1]).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with whole_place(tmp_path / "copy.mp4", source, replace=False):
            pass
    assert {path.name for path in tmp_path.glob("*.tmp")} == set(names[1:])
