"""Folders for copies of objects, which several processes make and remove at once."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs import scratch
from tests.command import files_below


@pytest.fixture(name="temporary", autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """TMPDIR of this test alone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path


def test_a_folder_that_is_being_made_is_not_abandoned(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process sweeps between the steps in which this one makes its folder."""
    lock = fcntl.flock

    def swept_before(file: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        scratch._remove_abandoned()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", swept_before)
    folder = scratch._Scratch()._own_folder()
    assert folder.is_dir()
    scratch._remove_abandoned()
    assert folder.is_dir()
    assert files_below(temporary) == {f"{folder.parent.name}/held"}


def test_a_sweep_that_is_killed_leaves_what_the_next_one_finds(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy, which may be large, goes before the file by which a folder is known to be abandoned."""
    dead = temporary / "emobatch-video-dead"
    (dead / "copy").mkdir(parents=True)
    (dead / "held").touch()
    (dead / "copy" / "a.mp4").touch()
    unlink, left = os.unlink, []

    def noted(path: Any, **named: Any) -> None:
        left.append((os.fspath(path), files_below(dead)))
        unlink(path, **named)

    monkeypatch.setattr(os, "unlink", noted)
    scratch._remove_abandoned()
    assert left == [("a.mp4", {"held", "copy/a.mp4"}), ("held", {"held"})]
    assert list(temporary.iterdir()) == []


def test_a_folder_that_somebody_removed_is_made_again(temporary: Path) -> None:
    """As systems do with what lies in /tmp for long; the lock of the first is let go of."""
    own = scratch._Scratch()
    first = own._own_folder()
    shutil.rmtree(first.parent)
    second = own._own_folder()
    assert second.is_dir() and second != first
    shutil.rmtree(second)  # Its lock stays behind, and is nobody's from now on.
    assert own._own_folder().is_dir()
    assert len(list(temporary.iterdir())) == 1
