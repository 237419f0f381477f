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
from typing import Any, Final

import pyarrow as pa

from analytics.container import creation_time
from analytics.decode import look
from analytics.errors import EmobatchError, UnreachableError, VideoError
from analytics.fingerprint import WHOLE_UP_TO, fingerprint, full_hash
from analytics.footage import Footage, Url, facts_of
from analytics.recorders import CONTAINER, UNKNOWN, with_container_time
from analytics.records import Pulse
from analytics.snapshot import UNREADABLE
from analytics.store import name as may_be_asked
from analytics.tables import read_video
from jobs.filing import metadata_of, write_rows
from jobs.heap import give_freed_memory_back
from jobs.outcome import FAR_KEYFRAMES, VideoOutcome
from jobs.pipeline import Engines, SegmentRows, VideoResult, finish_video, plan_file, read_segment
from jobs.releases import differences, releases
from jobs.rows import refiled, tables_of
from jobs.scratch import at_hand
from jobs.task import Begun, Failed, VideoTask, as_text
from jobs.unfinished import DAMAGED, load_plan, load_rows, save_plan, save_rows, segments_kept
from jobs.writing import CannotWrite, writing

_CREATED: Final = "created"
"""Beside the rows that wait: when the file was made by its own account."""
_REMEDIES: Final[dict[type[OSError], str]] = {
    PermissionError: "let this user read the file",
    FileNotFoundError: "restore it, or run again without it",
}


def _failing_small(step: Callable[..., Any]) -> Callable[..., Any]:
    """Turn whatever is wrong with the video into Failed, so that no other video suffers."""

    @wraps(step)
    def guarded(pulse: Pulse, task: VideoTask, *more: Any) -> Any:
        try:
            return step(pulse, task, *more)
        except VideoError as error:
            return Failed(_without_source(task, str(error)), transient=isinstance(error, UnreachableError))
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
    engines = Engines.load(task.options, held.values())
    if engines.settings_hash != task.settings_hash:
        raise EmobatchError(
            "a worker has another model, detector or emobatch than this machine", "install the same release everywhere"
        )
    held[task.settings_hash] = engines  # Cameras may have settings of their own.
    return engines


def identify(pulse: Pulse, path: Footage) -> str | Failed:
    """Fingerprint of a file."""
    try:
        facts = facts_of(path)
        if not facts.regular:
            return Failed("is no regular file: name a recorded video file")
        if not facts.size:
            return Failed("the file is empty: copy it again from the recorder")
        if facts.size > WHOLE_UP_TO:
            return fingerprint(path)
        with at_hand(path, pulse) as local:  # All of an object is read here; whoever begins it may find the copy.
            return fingerprint(local)
    except VideoError as error:
        return Failed(as_text(str(error)).removeprefix(f"{as_text(path)}: "), transient=True)
    except OSError as error:
        remedy = _REMEDIES.get(type(error), "check the disk it lies on")
        return Failed(f"cannot be read ({error.strerror}): {remedy}", transient=True)


def hash_both(pulse: Pulse, path: Footage, other: Footage) -> tuple[str, str | None] | Failed:
    """Hashes of the whole content of two files; None for the other where it cannot be read, and so is no proof."""
    for one in (path, other):
        if isinstance(one, Url):
            may_be_asked(one.text)
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
    with at_hand(task.path, pulse) as path:
        plan, segments = plan_file(path, task.options, pulse)
        give_freed_memory_back()  # What listing half a million packets took lies between all that comes after.
        if len(segments) > 1:
            shape = look(path, plan, pulse)
            writing(save_plan, task.folder, plan, segments, shape)
            if isinstance(task.path, Url):  # Whoever finishes it need not fetch it again for that.
                writing(_note, task.folder / _CREATED, creation_time(path))
            return Begun(len(segments), plan.duration_s)
        rows = read_segment(path, plan, segments[0], task.options, engines, pulse)
    task = _with_container_time(task, pulse)
    tables, outcome = _told(task, finish_video(task.path, plan, rows, task.options, engines), engines)
    write_rows(task, tables, metadata_of(engines), engines)
    return outcome


@_failing_small
def read(pulse: Pulse, task: VideoTask, number: int) -> float:
    """Read one segment of a video; how many seconds of footage it holds."""
    plan, segments, shape = load_plan(task.folder)
    segment = segments[number]
    with at_hand(task.path, pulse) as path:
        rows = read_segment(path, plan, segment, task.options, engines_for(task), pulse, shape)
    writing(save_rows, task.folder, number, rows)
    end_s = plan.times_s[segment.until] if segment.until < len(plan.times_s) else plan.shown_until_s
    return float(end_s - plan.times_s[segment.first])


@_failing_small
def finish(pulse: Pulse, task: VideoTask) -> VideoOutcome | Failed:
    """Link, smooth, sum up and write a video whose segments have all been read."""
    engines, task = engines_for(task), _with_container_time(task, pulse)
    give_freed_memory_back()
    told = _put_together(task, engines)
    if isinstance(told, Failed):
        return told
    give_freed_memory_back()
    tables, outcome = told
    write_rows(task, tables, metadata_of(engines), engines)
    give_freed_memory_back()
    # The parts stay until the conductor knows of it: a worker that dies now would leave nothing to repeat this with.
    return outcome


def _put_together(task: VideoTask, engines: Engines) -> tuple[dict[str, pa.Table], VideoOutcome] | Failed:
    """Everything else that is held of the video is let go on the way: of hours there is much."""
    result = _linked(task, engines)
    if isinstance(result, Failed):
        return result
    load_plan.cache_clear()
    give_freed_memory_back()
    return _told(task, result, engines)


def _linked(task: VideoTask, engines: Engines) -> VideoResult | Failed:
    plan, segments, _ = load_plan(task.folder)
    try:
        rows = SegmentRows.joined(load_rows(task.folder, segment.number) for segment in segments)
    except DAMAGED as error:
        return Failed(
            f"what was read of it cannot be read below OUT ({type(error).__name__}): run again", transient=True
        )
    give_freed_memory_back()
    return finish_video(task.path, plan, rows, task.options, engines)


@_failing_small
def refile(pulse: Pulse, task: VideoTask) -> VideoOutcome | Failed:
    """Let the rows of a video say another path, camera or time; nothing is decoded."""
    pulse.beat()
    partition, video_id = task.replaces[0]
    try:
        tables, metadata = read_video(task.options.out, partition, video_id)
    except UNREADABLE as error:
        return Failed(f"its rows below OUT cannot be read ({type(error).__name__}): run again", transient=True)
    told = tables["videos"]["start_time"][0].as_py(), tables["videos"]["start_time_source"][0].as_py()
    if isinstance(task.path, Url) and task.recorded.start is None and told[1] in (CONTAINER, UNKNOWN):
        # The content is the same, and so is what it tells; nothing is fetched.
        task = replace(task, recorded=replace(task.recorded, start=told[0], start_source=told[1]))
    else:
        task = _with_container_time(task, pulse)
    write_rows(task, refiled(tables, task.key), metadata, engines_for(task))
    words = f"renamed, or filed otherwise: its rows now say {task.recorded.camera or 'no camera'}, {task.recorded.start or 'no start'}"
    return VideoOutcome(source=task.source, status="unchanged", reason=words)


def _with_container_time(task: VideoTask, pulse: Pulse) -> VideoTask:
    """The task with the start that the file itself tells, where its path tells none."""
    if task.recorded.start is not None:
        return task
    noted = task.folder / _CREATED
    try:
        if isinstance(task.path, Url) and noted.exists():
            told: str | None = noted.read_text("utf-8") or None
        else:
            with at_hand(task.path, pulse) as path:
                told = creation_time(path)
    except VideoError:  # Its rows are there; that it has vanished since is another matter.
        return task
    return replace(task, recorded=with_container_time(task.recorded, told))


def _note(path: Path, told: str | None) -> None:
    path.write_text(told or "", encoding="utf-8")


def _told(task: VideoTask, result: VideoResult, engines: Engines) -> tuple[dict[str, pa.Table], VideoOutcome]:
    tables = tables_of(task.key, result, engines)
    return tables, VideoOutcome(
        source=task.source,
        status=result.status,
        reason=tables["videos"]["reason"][0].as_py(),
        media_s=result.plan.duration_s,
        elapsed_s=result.elapsed_s,
        faces=len(result.faces),
        tracks=len(result.tracks),
        coverage=result.coverage.share,
        few_keyframes=result.plan.keyframes_only
        and result.plan.sampled_every_s > FAR_KEYFRAMES * float(task.options.every),
    )


def _without_source(task: VideoTask, text: str) -> str:
    return as_text(text).removeprefix(f"{task.source}: ")
