"""What is done for a video, step by step, by whichever process it falls to. Steps are small, restartable functions.

    identify → begin → finished                      for a video of one segment
    identify → begin → read, read, … → finish        for a longer one
    identify → refile                                for one that was done, and has moved

Each takes the task, does its part, and returns a small record; tables and rows go through OUT. A fault of the
video comes back as Failed, and only a fault of OUT or of this worker is raised.
"""

import platform
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from analytics.container import creation_time
from analytics.decode import look
from analytics.errors import EmobatchError, VideoError
from analytics.fingerprint import fingerprint, full_hash
from analytics.recorders import with_container_time
from analytics.records import Pulse
from analytics.tables import read_video
from jobs.filing import CannotWrite, metadata_of, write_rows, writing
from jobs.outcome import VideoOutcome
from jobs.pipeline import Engines, VideoResult, finish_video, plan_file, read_segment
from jobs.releases import differences, releases
from jobs.rows import refiled, tables_of
from jobs.task import Begun, Failed, VideoTask, as_text
from jobs.unfinished import load_plan, load_rows, save_plan, save_rows, segments_kept


def _failing_small(step: Callable[..., Any]) -> Callable[..., Any]:
    """Turn whatever is wrong with the video into Failed, so that no other video suffers."""

    @wraps(step)
    def guarded(pulse: Pulse, task: VideoTask, *more: Any) -> Any:
        try:
            return step(pulse, task, *more)
        except VideoError as error:
            return Failed(_without_source(task, str(error)))
        except (EmobatchError, CannotWrite):
            raise
        except Exception as error:  # noqa: BLE001 An unforeseen fault of one video must not stop the night's others.
            problem = as_text(f"unforeseen error, {type(error).__name__}: {error}")
            transient = isinstance(error, OSError | MemoryError)
            return Failed(f"{problem}: run it alone with --debug and report it", transient, traceback.format_exc())

    return guarded


_of_this_thread = threading.local()


def engines_for(task: VideoTask) -> Engines:
    """This thread's engines, loaded once: neither detector nor classifier may be used by two threads at a time.

    Raises:
        EmobatchError: the model, the detector or a library here are other ones than where the run was started.
    """
    held: dict[str, Engines] = _of_this_thread.__dict__.setdefault("engines", {})
    if task.settings_hash in held:
        return held[task.settings_hash]
    # Workers may join while the run goes on, after everyone was asked.
    if different := differences(releases(), task.releases):
        raise EmobatchError(f"a worker on {platform.node()} has {different}", "install the same releases everywhere")
    engines = Engines.load(task.options)
    if engines.settings_hash != task.settings_hash:
        raise EmobatchError(
            "a worker has another model, detector or emobatch than this machine", "install the same release everywhere"
        )
    held[task.settings_hash] = engines  # Cameras may have settings of their own.
    return engines


def identify(pulse: Pulse, path: Path) -> str | Failed:
    """Fingerprint of a file."""
    source = as_text(path)
    try:
        if not path.is_file():
            return Failed("is no regular file: name a recorded video file")
        if not path.stat().st_size:
            return Failed("the file is empty: copy it again from the recorder")
        return fingerprint(path)
    except OSError as error:
        remedy = "let this user read the file" if isinstance(error, PermissionError) else "check the disk it lies on"
        return Failed(f"cannot be read ({error.strerror}): {remedy}".removeprefix(f"{source}: "), transient=True)


def hash_both(pulse: Pulse, path: Path, other: Path) -> tuple[str, str | None] | Failed:
    """Hashes of the whole content of two files; None for the other where it cannot be read, and so is no proof."""
    try:
        mine = full_hash(path, pulse)
    except OSError as error:
        return Failed(f"cannot be read ({error.strerror}): check the disk it lies on", transient=True)
    try:
        return mine, full_hash(other, pulse)
    except OSError:
        return mine, None


@_failing_small
def begin(pulse: Pulse, task: VideoTask) -> VideoOutcome | Begun:
    """Plan a video; process it whole where it has one segment, else keep the plan for those who read it."""
    engines = engines_for(task)
    if kept := segments_kept(task.folder):
        plan, segments, _ = load_plan(task.folder)
        return Begun(len(segments), plan.duration_s, kept)
    plan, segments = plan_file(task.path, task.options, pulse)
    if len(segments) > 1:
        shape = look(task.path, plan, pulse)
        writing(save_plan, task.folder, plan, segments, shape)
        return Begun(len(segments), plan.duration_s)
    rows = read_segment(task.path, plan, segments[0], task.options, engines, pulse)
    return _written(task, finish_video(task.path, plan, [rows], task.options, engines), engines)


@_failing_small
def read(pulse: Pulse, task: VideoTask, number: int) -> float:
    """Read one segment of a video; how many seconds of footage it holds."""
    plan, segments, shape = load_plan(task.folder)
    segment = segments[number]
    rows = read_segment(task.path, plan, segment, task.options, engines_for(task), pulse, shape)
    writing(save_rows, task.folder, number, rows)
    end_s = plan.times_s[segment.until] if segment.until < len(plan.times_s) else plan.shown_until_s
    return float(end_s - plan.times_s[segment.first])


@_failing_small
def finish(pulse: Pulse, task: VideoTask) -> VideoOutcome:
    """Link, smooth, sum up and write a video whose segments have all been read."""
    plan, segments, _ = load_plan(task.folder)
    parts = [load_rows(task.folder, segment.number) for segment in segments]
    engines = engines_for(task)
    # The parts stay until the conductor knows of it: a worker that dies now would leave nothing to repeat this with.
    return _written(task, finish_video(task.path, plan, parts, task.options, engines), engines)


@_failing_small
def refile(pulse: Pulse, task: VideoTask) -> VideoOutcome:
    """Let the rows of a video say another path, camera or time; nothing is decoded."""
    pulse.beat()
    task = _with_container_time(task)
    partition, video_id = task.replaces[0]
    tables, metadata = read_video(task.options.out, partition, video_id)
    write_rows(task, refiled(tables, task.key), metadata, engines_for(task))
    words = f"its rows now say {task.recorded.camera or 'no camera'}, {task.recorded.start or 'no start'}"
    return VideoOutcome(source=task.source, status="unchanged", reason=words)


def _with_container_time(task: VideoTask) -> VideoTask:
    """The task with the start that the file itself tells, where its path tells none."""
    if task.recorded.start is not None:
        return task
    try:
        told = creation_time(task.path)
    except VideoError:  # Its rows are there; that it has vanished since is another matter.
        return task
    return replace(task, recorded=with_container_time(task.recorded, told))


def _written(task: VideoTask, result: VideoResult, engines: Engines) -> VideoOutcome:
    task = _with_container_time(task)
    tables = tables_of(task.key, result, engines)
    write_rows(task, tables, metadata_of(engines), engines)
    return VideoOutcome(
        source=task.source,
        status=result.status,
        reason=tables["videos"]["reason"][0].as_py(),
        media_s=result.plan.duration_s,
        elapsed_s=result.elapsed_s,
        faces=len(result.faces),
        tracks=len(result.tracks),
        coverage=result.coverage.share,
    )


def _without_source(task: VideoTask, text: str) -> str:
    return as_text(text).removeprefix(f"{task.source}: ")
