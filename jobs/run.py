"""One run: every video in turn, each written as soon as it is finished, then the pages and the record."""

import errno
import json
import logging
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from analytics.errors import EmobatchError, UsageError, VideoError
from analytics.expressions import EXPRESSIONS
from analytics.fingerprint import fingerprint, full_hash, id_of_content, id_of_path
from analytics.tables import Place, forget_video, prepare, write_video
from emobatch import __version__
from jobs.options import RunOptions
from jobs.pipeline import Engines, process_video
from jobs.rows import VideoKey, table_of_duplicate, table_of_failure, tables_of
from jobs.sources import Sources, find_videos
from reports.site import write_site

_log = logging.getLogger(__name__)

EXIT_SOME_FAILED: Final = 3
_OF_THE_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors that another run may not meet; with others OUT is the wrong place."""


@dataclass(frozen=True, kw_only=True)
class VideoOutcome:
    """What became of one video; a line on the screen."""

    source: str
    status: str
    reason: str | None = None
    media_s: float = 0.0
    elapsed_s: float = 0.0
    faces: int = 0
    tracks: int = 0
    coverage: float | None = None


@dataclass(kw_only=True)
class RunSummary:
    """What a run did. Its JSON form is what --json prints and what OUT/runs/ keeps."""

    run_id: str
    out: str
    started_at: str
    media_s: float = 0.0
    elapsed_s: float = 0.0
    faces: int = 0
    tracks: int = 0
    videos: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("done", "partial", "failed", "duplicate", "unchanged"), 0)
    )
    failures: list[dict[str, str]] = field(default_factory=list)

    def add(self, outcome: VideoOutcome) -> None:
        """Count one video."""
        self.videos[outcome.status] += 1
        self.media_s += outcome.media_s
        self.faces += outcome.faces
        self.tracks += outcome.tracks
        if outcome.status in ("failed", "partial"):
            self.failures.append({"source": outcome.source, "reason": outcome.reason or outcome.status})

    @property
    def exit_code(self) -> int:
        """0 where everything named was processed whole, else 3."""
        return EXIT_SOME_FAILED if self.failures else 0

    @property
    def times_real_time(self) -> float:
        """Seconds of footage a second."""
        return self.media_s / self.elapsed_s if self.elapsed_s else 0.0

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        names = ("run_id", "out", "videos", "media_s", "elapsed_s", "faces", "tracks", "failures")
        return {name: getattr(self, name) for name in names}


def run(options: RunOptions, tell: Callable[[int, int, VideoOutcome], None] | None = None) -> RunSummary:
    """Process all sources and write tables, pages and the run's record below options.out.

    Args:
        options: what to do.
        tell: called after each video with its number from 1, the number of videos, and what became of it.

    Raises:
        UsageError: a wrong setting, or no named source exists.
        NoVideoError: the sources hold no video.
        EmobatchError: OUT cannot be written.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    engines = Engines.load(options)
    sources = find_videos(options.sources, options.out)
    metadata = _metadata(engines)
    _prepare(options.out, metadata)
    summary = RunSummary(
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", out=as_text(options.out), started_at=now.isoformat()
    )
    for source, reason in sources.missing.items():
        summary.failures.append({"source": as_text(source), "reason": as_text(reason)})

    try:
        _process(sources, options, engines, metadata, summary, tell)
    finally:
        # An interrupted night has its record and its pages, too.
        summary.elapsed_s = time.monotonic() - started
        try:
            _write_record(options, engines, sources, summary)
            write_site(options.out)
        except OSError as error:
            raise _cannot_write(options.out, error) from error
    return summary


def _process(
    sources: Sources,
    options: RunOptions,
    engines: Engines,
    metadata: dict[str, str],
    summary: RunSummary,
    tell: Callable[[int, int, VideoOutcome], None] | None,
) -> None:
    """Every video in turn, each written as soon as it is finished."""
    seen: dict[str, tuple[VideoKey, Path]] = {}
    for number, path in enumerate(sources.videos, start=1):
        key, tables, outcome = _one_video(path, options, engines, seen)
        try:
            if key.video_id != (by_path := id_of_path(path)):
                forget_video(options.out, by_path)  # What an earlier run said while the file could not be read.
            write_video(options.out, Place(None, options.camera), key.video_id, tables, metadata)
        except OSError as error:
            raise _cannot_write(options.out, error) from error
        summary.add(outcome)
        if tell:
            tell(number, len(sources.videos), outcome)


def _one_video(
    path: Path, options: RunOptions, engines: Engines, seen: dict[str, tuple[VideoKey, Path]]
) -> tuple[VideoKey, dict[str, pa.Table], VideoOutcome]:
    """Process one file; whatever is wrong with it ends in its row, never in an error."""
    started = time.monotonic()
    source = as_text(path)
    key = VideoKey(id_of_path(path), source, options.camera)
    try:
        digest = _digest(path)
        key = VideoKey(id_of_content(digest), source, options.camera)
        if digest in seen:
            first, first_path = seen[digest]
            digest = full_hash(path)
            if digest in seen:
                first, first_path = seen[digest]
            if digest == full_hash(first_path):
                key = VideoKey(id_of_path(path), source, options.camera)
                reason = f"a copy of {first.source}"
                outcome = VideoOutcome(source=source, status="duplicate", reason=reason)
                return key, table_of_duplicate(key, engines, first), outcome
            key = VideoKey(id_of_content(digest), source, options.camera)
        seen[digest] = key, path
        result = process_video(path, options, engines)
        tables = tables_of(key, result, engines)
    except VideoError as error:
        reason = as_text(str(error))
    except Exception as error:  # noqa: BLE001 An unforeseen fault of one video must not stop the night's other ones.
        _log.debug("unforeseen error in %s", source, exc_info=True)
        problem = as_text(f"unforeseen error, {type(error).__name__}: {error}")
        reason = f"{source}: {problem}: run it alone with --debug and report it"
    else:
        reason = tables["videos"]["reason"][0].as_py()
        outcome = VideoOutcome(
            source=source,
            status=result.status,
            reason=f"{source}: {reason}" if reason else None,
            media_s=result.plan.duration_s,
            elapsed_s=result.elapsed_s,
            faces=len(result.faces),
            tracks=len(result.tracks),
            coverage=result.coverage.share,
        )
        return key, tables, outcome
    elapsed_s = time.monotonic() - started
    outcome = VideoOutcome(source=source, status="failed", reason=reason, elapsed_s=elapsed_s)
    return key, table_of_failure(key, engines, reason, elapsed_s), outcome


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


def as_text(path: Path | str) -> str:
    """A path, or text that holds one, as valid Unicode, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "replace")


def _metadata(engines: Engines) -> dict[str, str]:
    facts = engines.classifier.facts
    return {
        "emobatch.version": __version__,
        "emobatch.model": facts.name,
        "emobatch.model_sha256": facts.sha256,
        "emobatch.detector": engines.detector.name,
        "emobatch.detector_sha256": engines.detector.sha256,
        "emobatch.classes": ",".join(EXPRESSIONS),
        "emobatch.settings_hash": engines.settings_hash,
    }


def _prepare(out: Path, metadata: dict[str, str]) -> None:
    if os.path.lexists(out) and not os.path.isdir(out):  # noqa: PTH112 Path.is_dir() raises where it may not look.
        raise UsageError(f"--out {out}: is a file", "name a folder, or a name that is not taken")
    try:
        prepare(out, metadata)
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise _cannot_write(out, error) from error
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another folder") from None


def _cannot_write(out: Path, error: OSError) -> EmobatchError:
    return EmobatchError(
        f"{out}: cannot write ({error.strerror})", "free or mend the disk and run again; finished videos are kept"
    )


def _write_record(options: RunOptions, engines: Engines, sources: Sources, summary: RunSummary) -> None:
    folder = options.out / "runs"
    folder.mkdir(exist_ok=True)
    record = {
        **summary.to_json(),
        "started_at": summary.started_at,
        "emobatch": __version__,
        "sources": [as_text(source) for source in options.sources],
        "found": len(sources.videos),
        "settings": {"every": str(options.every), "detector": options.detector, "model": options.model},
        "settings_hash": engines.settings_hash,
    }
    path = folder / f"{summary.run_id}.json"
    half = path.with_suffix(".tmp")
    try:
        half.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
