"""What is done for a video, step by step, by whichever process it falls to. Steps are small, restartable functions.

    begin → finished                      for a video of one segment
    begin → read, read, … → finish        for a longer one

Each takes the task, does its part, and returns a small record; tables and rows go through OUT. A fault of the
video comes back as Failed, and only a fault of OUT or of this worker is raised.
"""

import os
import platform
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import pyarrow as pa

from analytics.decode import look
from analytics.errors import EmobatchError, VideoError
from analytics.fingerprint import fingerprint, full_hash, id_of_content, id_of_path
from analytics.records import Pulse
from analytics.tables import CLASSES, Place, forget_video, write_video
from emobatch import __version__
from jobs.options import RunOptions
from jobs.outcome import VideoOutcome
from jobs.pipeline import Engines, VideoResult, finish_video, plan_file, read_segment
from jobs.releases import differences, releases
from jobs.rows import VideoKey, table_of_duplicate, table_of_failure, tables_of
from jobs.unfinished import FOLDER, load_plan, load_rows, save_plan, save_rows


@dataclass(frozen=True, kw_only=True)
class VideoTask:
    """One video, and what to do with it. Small: it travels with every step."""

    path: Path
    options: RunOptions
    settings_hash: str
    """What the engines of every worker must come to."""
    releases: Mapping[str, str]
    """What must be installed where it is worked on."""
    digest: str | None = None
    """Fingerprint, where it is known already."""

    @property
    def source(self) -> str:
        """The path as text that any reader can take."""
        return as_text(self.path)

    @property
    def key(self) -> VideoKey:
        """Which video its rows are about."""
        video_id = id_of_content(self.digest) if self.digest else id_of_path(self.path)
        return VideoKey(video_id, self.source, self.options.camera)

    @property
    def folder(self) -> Path:
        """Where its rows wait for the last segment."""
        name = f"{self.key.video_id}-{self.settings_hash}-{self.options.segment}".replace("/", "_")
        return self.options.out / FOLDER / name


@dataclass(frozen=True)
class Failed:
    """A video that cannot be processed."""

    reason: str
    """Without the source."""
    digest: str | None = None
    trace: str = ""
    """Where an unforeseen error came from."""


@dataclass(frozen=True)
class Begun:
    """A video of several segments."""

    digest: str
    segments: int
    media_s: float


def as_text(path: Path | str) -> str:
    """A path, or text that holds one, as valid Unicode, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "replace")


def _failing_small(step: Callable[..., Any]) -> Callable[..., Any]:
    """Turn whatever is wrong with the video into Failed, so that no other video suffers."""

    @wraps(step)
    def guarded(pulse: Pulse, task: VideoTask, *more: Any) -> Any:
        digest = task.digest
        try:
            if digest is None and step.__name__ == "begin":
                task = replace(task, digest=(digest := _digest(task.path)))
            return step(pulse, task, *more)
        except VideoError as error:
            return Failed(_without_source(task, str(error)), digest)
        except (EmobatchError, CannotWrite):
            raise
        except Exception as error:  # noqa: BLE001 An unforeseen fault of one video must not stop the night's others.
            problem = as_text(f"unforeseen error, {type(error).__name__}: {error}")
            return Failed(f"{problem}: run it alone with --debug and report it", digest, traceback.format_exc())

    return guarded


class CannotWrite(Exception):
    """OUT cannot be written; carries the system's number and words."""

    def __init__(self, number: int | None, words: str) -> None:
        super().__init__(number, words)
        self.number, self.words = number, words


_of_this_thread = threading.local()


def engines_for(task: VideoTask) -> Engines:
    """This thread's engines, loaded once: neither detector nor classifier may be used by two threads at a time.

    Raises:
        EmobatchError: the model, the detector or a library here are other ones than where the run was started.
    """
    held: Engines | None = getattr(_of_this_thread, "engines", None)
    if held and held.settings_hash == task.settings_hash:
        return held
    # Workers may join while the run goes on, after everyone was asked.
    if different := differences(releases(), task.releases):
        raise EmobatchError(f"a worker on {platform.node()} has {different}", "install the same releases everywhere")
    engines = Engines.load(task.options)
    if engines.settings_hash != task.settings_hash:
        raise EmobatchError(
            "a worker has another model, detector or emobatch than this machine", "install the same release everywhere"
        )
    _of_this_thread.engines = engines
    return engines


def identify(pulse: Pulse, path: Path) -> str | Failed:
    """Fingerprint of a file."""
    try:
        return _digest(path)
    except VideoError as error:
        return Failed(as_text(str(error)).removeprefix(f"{as_text(path)}: "))


def hash_both(pulse: Pulse, path: Path, other: Path) -> tuple[str, str] | Failed:
    """Hashes of the whole content of two files whose fingerprints are equal."""
    try:
        return full_hash(path, pulse), full_hash(other, pulse)
    except OSError as error:
        return Failed(f"cannot be read ({error.strerror}): check the disk it lies on")


@_failing_small
def begin(pulse: Pulse, task: VideoTask) -> VideoOutcome | Begun:
    """Plan a video; process it whole where it has one segment, else keep the plan for those who read it."""
    assert task.digest is not None
    engines = engines_for(task)
    plan, segments = plan_file(task.path, task.options, pulse)
    if len(segments) > 1:
        shape = look(task.path, plan, pulse)
        _writing(save_plan, task.folder, plan, segments, shape)
        return Begun(task.digest, len(segments), plan.duration_s)
    rows = read_segment(task.path, plan, segments[0], task.options, engines, pulse)
    return _written(task, finish_video(task.path, plan, [rows], task.options, engines), engines)


@_failing_small
def read(pulse: Pulse, task: VideoTask, number: int) -> float:
    """Read one segment of a video; how many seconds of footage it holds."""
    plan, segments, shape = load_plan(task.folder)
    segment = segments[number]
    rows = read_segment(task.path, plan, segment, task.options, engines_for(task), pulse, shape)
    _writing(save_rows, task.folder, number, rows)
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


def write_rows(task: VideoTask, tables: dict[str, pa.Table], engines: Engines) -> None:
    """Write the rows of a video in place of all that was ever said of this file.

    Raises:
        CannotWrite: the disk is full or OUT cannot be written.
    """
    video_id = tables["videos"]["video_id"][0].as_py()
    if video_id != (by_path := id_of_path(task.path)):
        _writing(forget_video, task.options.out, by_path)  # Said while the file could not be read.
    place = Place(None, task.options.camera)
    classes = engines.classifier.facts.known
    _writing(write_video, task.options.out, place, video_id, tables, metadata_of(engines), classes)


def write_failure(task: VideoTask, engines: Engines, reason: str, elapsed_s: float) -> VideoOutcome:
    """Write the `videos` row of a video that cannot be processed.

    Raises:
        CannotWrite: the disk is full or OUT cannot be written.
    """
    write_rows(task, table_of_failure(task.key, engines, reason, elapsed_s), engines)
    return VideoOutcome(source=task.source, status="failed", reason=reason, elapsed_s=elapsed_s)


def write_duplicate(task: VideoTask, original: VideoTask, engines: Engines) -> VideoOutcome:
    """Write the `videos` row of a true copy.

    Raises:
        CannotWrite: the disk is full or OUT cannot be written.
    """
    key = VideoKey(id_of_path(task.path), task.source, task.options.camera)
    write_rows(task, table_of_duplicate(key, engines, original.key), engines)
    return VideoOutcome(source=task.source, status="duplicate", reason=f"a copy of {original.source}")


def metadata_of(engines: Engines) -> dict[str, str]:
    """What every file of the tables says about its making."""
    facts = engines.classifier.facts
    return {
        "emobatch.version": __version__,
        "emobatch.model": facts.name,
        "emobatch.model_sha256": facts.sha256,
        "emobatch.detector": engines.detector.name,
        "emobatch.detector_sha256": engines.detector.sha256,
        CLASSES: ",".join(facts.known),
        "emobatch.settings_hash": engines.settings_hash,
    }


def _written(task: VideoTask, result: VideoResult, engines: Engines) -> VideoOutcome:
    tables = tables_of(task.key, result, engines)
    write_rows(task, tables, engines)
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


def _writing(write: Callable[..., None], *arguments: Any) -> None:
    try:
        write(*arguments)
    except OSError as error:
        raise CannotWrite(error.errno, error.strerror or str(error)) from None


def _digest(path: Path) -> str:
    try:
        if not path.is_file():
            raise VideoError(f"{as_text(path)}: is no regular file", "name a recorded video file")
        if not path.stat().st_size:
            raise VideoError(f"{as_text(path)}: the file is empty", "copy it again from the recorder")
        return fingerprint(path)
    except OSError as error:
        remedy = "let this user read the file" if isinstance(error, PermissionError) else "check the disk it lies on"
        raise VideoError(f"{as_text(path)}: cannot be read ({error.strerror})", remedy) from None


def _without_source(task: VideoTask, text: str) -> str:
    return as_text(text).removeprefix(f"{task.source}: ")
