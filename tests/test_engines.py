"""Models on a worker: loaded once a thread, shared by no two."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Barrier

import pytest

from analytics.errors import EmobatchError
from analytics.records import Pulse
from jobs.options import RunOptions
from jobs.pipeline import Engines
from jobs.releases import releases
from jobs.task import VideoTask
from jobs.work import engines_for, read


@pytest.fixture(name="task")
def _task(tmp_path: Path) -> VideoTask:
    options = RunOptions(sources=(), out=tmp_path)
    return VideoTask(
        path=tmp_path, options=options, settings_hash=Engines.load(options).settings_hash, releases=releases()
    )


def test_threads_share_no_models(task: VideoTask) -> None:
    """A worker with several threads would mix the pictures of two videos in one network."""
    both_there = Barrier(2)

    def load(_: int) -> tuple[Engines, Engines]:
        both_there.wait()
        return engines_for(task), engines_for(task)

    with ThreadPoolExecutor(2) as pool:
        (one, again), (other, _) = pool.map(load, range(2))
    assert one is again
    assert one is not other
    assert one.classifier is not other.classifier and one.detector is not other.detector


def test_a_worker_with_other_models_is_an_error(task: VideoTask) -> None:
    """Its rows would differ; and what it had loaded for an earlier run serves no other settings."""
    assert engines_for(task).settings_hash == task.settings_hash
    other = replace(task, options=replace(task.options, every=Fraction(1, 4)))
    with pytest.raises(EmobatchError, match="another model, detector or emobatch"):
        engines_for(replace(other, settings_hash="0" * 16))


def test_a_worker_of_another_release_is_refused(task: VideoTask) -> None:
    """One that joins late was never asked; with another decoder its rows would be other ones."""
    with pytest.raises(EmobatchError, match=r"has numpy .* instead of 1\.0: install the same releases everywhere"):
        ThreadPoolExecutor(1).submit(engines_for, replace(task, releases={**task.releases, "numpy": "1.0"})).result()


def test_a_worker_that_sees_another_out_is_told(task: VideoTask) -> None:
    """The plan of a video lies below OUT; where it is not there, paths differ, and no video is to blame."""
    with pytest.raises(EmobatchError, match=r"does not find .*: mount footage and OUT under the same paths everywhere"):
        read(Pulse(), task, 0)
