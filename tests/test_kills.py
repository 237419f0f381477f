"""kill -9 of the main process alone, whose workers are left to die by themselves: no work is lost or done twice."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kills import Disturbed, content, finished, leftovers, make_archive, segments, start
from tests.test_workers import some_worker, workers_of


@pytest.fixture(scope="module", name="footage")
def _footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "footage"
    make_archive(folder)
    return folder


@pytest.fixture(scope="module", name="undisturbed")
def _undisturbed(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run leaves that nobody disturbs."""
    whole = Disturbed(footage, tmp_path_factory.mktemp("undisturbed"))
    assert whole.to_the_end() == 3  # A file is damaged, and one is none.
    assert leftovers(whole.out) == []
    return content(whole.out)


def test_three_kills_cost_nothing(footage: Path, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    """When the first rows appear, after a segment more, and after another one; the fourth run does what is left."""
    night = Disturbed(footage, tmp_path)

    def at_least(found: Callable[[Path], Any], n: int) -> Callable[[float], bool]:
        return lambda _: len(found(night.out)) >= n

    assert night.kill_when(lambda _: any(night.out.glob("videos/*/*/[0-9a-f]*[1-9a-f]*.parquet"))) is None
    for _ in range(2):
        night.kill_when(at_least(segments, len(night.segments) + 1))
    assert night.kills >= 2  # Where the machine is busy, the rest may be done before anybody looks.
    night.to_the_end()
    assert content(night.out) == undisturbed
    assert leftovers(night.out) == []


@pytest.mark.slow
def test_a_worker_that_wakes_after_the_next_run_changes_nothing(
    footage: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """Suspended with SIGSTOP while its run is killed and another does all the work; then it goes on, and ends."""
    run, out = start(footage, tmp_path), tmp_path / "out"
    worker = some_worker(run)
    for _ in range(600):
        if segments(out):
            break
        time.sleep(0.05)
    workers = workers_of(run.pid)
    assert worker in workers
    for suspended in workers:
        os.kill(suspended, signal.SIGSTOP)
    run.kill()
    run.wait()
    try:
        Disturbed(footage, tmp_path).to_the_end()
        before = finished(out)
        assert content(out) == undisturbed
    finally:
        for suspended in workers:
            os.kill(suspended, signal.SIGCONT)
    for _ in range(150):
        if not any(Path(f"/proc/{suspended}").exists() for suspended in workers):
            break
        time.sleep(0.1)
    assert not any(Path(f"/proc/{suspended}").exists() for suspended in workers)
    assert content(out) == undisturbed
    assert finished(out) == before
    assert leftovers(out) == []
