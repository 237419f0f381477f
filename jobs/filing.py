"""Write the rows of one video into the tables, in place of all that was ever said of it."""

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from analytics.tables import CLASSES, Place, write_video
from analytics.videos import TRANSIENT
from emobatch import __version__
from jobs.outcome import VideoOutcome
from jobs.pipeline import Engines
from jobs.rows import VideoKey, table_of_duplicate, table_of_failure
from jobs.task import VideoTask
from jobs.writing import writing


def write_failure(
    task: VideoTask, engines: Engines, reason: str, elapsed_s: float, transient: bool = False
) -> VideoOutcome:
    """Write the `videos` row of a video that cannot be processed.

    Raises:
        CannotWrite: the disk is full or OUT cannot be written.
    """
    mark = {TRANSIENT.decode(): "yes"} if transient else {}
    tables = table_of_failure(task.key, engines, reason, elapsed_s)
    write_rows(task, tables, {**metadata_of(engines), **mark}, engines)
    return VideoOutcome(source=task.source, status="failed", reason=reason, elapsed_s=elapsed_s)


def write_duplicate(task: VideoTask, original: VideoKey, engines: Engines) -> VideoOutcome:
    """Write the `videos` row of a true copy.

    Raises:
        CannotWrite: the disk is full or OUT cannot be written.
    """
    copy = replace(task, digest=None)  # A copy is known by its path.
    write_rows(copy, table_of_duplicate(copy.key, engines, original), metadata_of(engines), engines)
    return VideoOutcome(source=task.source, status="duplicate", reason=f"a copy of {original.source}")


def write_rows(task: VideoTask, tables: dict[str, pa.Table], metadata: Mapping[str, str], engines: Engines) -> None:
    """Write the rows of a video in place of all that was ever said of it.

    Args:
        task: the video.
        tables: its rows by table name.
        metadata: text added to each file's metadata.
        engines: that it was worked on with.

    Raises:
        CannotWrite: the disk is full, OUT cannot be written, or another run has begun since the task was handed out.
    """
    video_id = tables["videos"]["video_id"][0].as_py()
    place = Place(task.recorded.day, task.recorded.camera)
    classes = engines.classifier.facts.known
    writing(write_video, task.options.out, place, video_id, tables, metadata, classes, task.replaces, task.term)


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
