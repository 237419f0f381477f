"""One run: every video is led through its steps, then the pages and the record are written."""

import errno
import json
import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from analytics.errors import EmobatchError, UsageError
from analytics.paths import absolute, is_file, is_folder
from analytics.tables import classes_of, prepare
from emobatch import __version__
from jobs.conductor import Conductor, Listener
from jobs.executors import Executor, InProcess, Running
from jobs.options import RunOptions
from jobs.outcome import RunSummary, VideoOutcome
from jobs.pipeline import Engines
from jobs.releases import releases
from jobs.sources import Sources, find_videos
from jobs.unfinished import FOLDER, forget
from jobs.work import CannotWrite, VideoTask, as_text, metadata_of
from models.catalogue import card_of
from models.classifier import SHIPPED
from reports.cards import FOLDER as CARDS
from reports.site import write_site, write_whole
from reports.stored import UnreadableTablesError

_log = logging.getLogger(__name__)

_OF_THE_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors that another run may not meet; with others OUT is the wrong place."""
_HARDLY_ANYTHING: Final = 32 * 2**20
"""Bytes of a single video for which one worker process is enough."""


class Silent:
    """A listener that says nothing."""

    def began(self, videos: int, size: int) -> None:
        """Nothing."""

    def ended(self, number: int, of: int, outcome: VideoOutcome, size: int) -> None:
        """Nothing."""

    def working(self, running: dict[str, tuple[str, Running]], media_s: float, size: float) -> None:
        """Nothing."""


def run(options: RunOptions, listener: Listener | None = None) -> RunSummary:
    """Process all sources and write tables, pages and the run's record below options.out.

    Args:
        options: what to do.
        listener: told how it goes on.

    Raises:
        UsageError: a wrong setting, or no named source exists.
        NoVideoError: the sources hold no video.
        EmobatchError: OUT cannot be written, or the cluster cannot be used.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    engines = Engines.load(options)
    sources = find_videos(options.sources, options.out)
    _prepare(options, engines)
    run_id = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    summary = RunSummary(run_id=run_id, out=as_text(options.out), started_at=now.isoformat(), interrupted=True)
    for source, reason in sources.missing.items():
        name = as_text(source)
        summary.failures.append({"source": name, "reason": as_text(reason).removeprefix(f"{name}: ")})
    with _logged(options.out / "runs" / f"{run_id}.log"):
        _log.info("emobatch %s, settings %s, %d videos", __version__, engines.settings_hash, len(sources.videos))
        try:
            _process(sources, options, engines, summary, listener or Silent())
            summary.interrupted = False
        except CannotWrite as error:
            raise _cannot_write(options.out, error.words) from None
        finally:
            # An interrupted night has its record and its pages, too.
            summary.elapsed_s = time.monotonic() - started
            _conclude(options, engines, sources, summary)
    return summary


def _process(sources: Sources, options: RunOptions, engines: Engines, summary: RunSummary, listener: Listener) -> None:
    # Paths of workers are those of this machine, whatever folder they were started in.
    out = absolute(options.out)
    model = options.model if options.model in SHIPPED else str(absolute(Path(options.model)))
    # The sources may be many, and travel with no step.
    travelling = replace(options, sources=(), out=out, model=model)
    task = VideoTask(path=Path(), options=travelling, settings_hash=engines.settings_hash, releases=releases())
    with _executor(options, task, sources) as executor:
        Conductor(sources.videos, task, engines, executor, _Noting(summary, listener)).run()
    forget(out / FOLDER)


class _Noting:
    """Notes what became of each video in summary and log, and passes everything on."""

    def __init__(self, summary: RunSummary, listener: Listener) -> None:
        self.summary, self.listener = summary, listener
        self.began, self.working = listener.began, listener.working

    def ended(self, number: int, of: int, outcome: VideoOutcome, size: int) -> None:
        """One video is through."""
        self.summary.add(outcome)
        _log.info(
            "[%d/%d] %s %s%s", number, of, outcome.status, outcome.source, f": {outcome.reason or ''}".rstrip(": ")
        )
        self.listener.ended(number, of, outcome, size)


@contextmanager
def _executor(options: RunOptions, task: VideoTask, sources: Sources) -> Iterator[Executor]:
    """Who carries out the steps: a cluster, processes of this machine, or this process."""
    if options.scheduler is None and options.workers == 0:
        here = InProcess()
        try:
            yield here
        finally:
            here.close()
        return
    from jobs.cluster import cores, local_executor, scheduler_executor
    from jobs.handshake import shake_hands

    if options.scheduler is not None:
        with scheduler_executor(options.scheduler) as executor:
            shake_hands(executor.client, task, sources.videos)
            yield executor
        return
    single = len(sources.videos) == 1 and is_file(sources.videos[0])
    tiny = single and sources.videos[0].stat().st_size < _HARDLY_ANYTHING
    with local_executor(options.workers or (1 if tiny else cores()), options.dashboard) as executor:
        yield executor


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Everything that emobatch logs during a run also goes into a file of its own."""
    root = logging.getLogger("jobs")
    level = root.level
    try:
        path.parent.mkdir(exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError as error:
        raise _cannot_write(path.parent, error.strerror or str(error)) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.handleError = lambda record: None  # type: ignore[method-assign] # A full disk ends the run elsewhere.
    root.addHandler(handler)
    root.setLevel(min(level, logging.INFO) if level else logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        with suppress(OSError):
            handler.close()


def _conclude(options: RunOptions, engines: Engines, sources: Sources, summary: RunSummary) -> None:
    """Draw the pages and keep the record."""
    try:
        write_site(options.out)
    except UnreadableTablesError as error:
        summary.failures += [{"source": as_text(file), "reason": as_text(why)} for file, why in error.files.items()]
    except OSError as error:
        raise _cannot_write(options.out, error.strerror or str(error)) from error
    finally:
        try:
            _write_record(options, engines, sources, summary)
        except OSError as error:
            raise _cannot_write(options.out, error.strerror or str(error)) from error


def _prepare(options: RunOptions, engines: Engines) -> None:
    """Make OUT and its empty tables, and leave the card of the classifier there, which the pages link to."""
    out = options.out
    if os.path.lexists(out) and not is_folder(out):
        raise UsageError(f"--out {out}: is a file", "name a folder, or a name that is not taken")
    try:
        earlier, facts = classes_of(out), engines.classifier.facts
        if earlier is not None and earlier != facts.known:
            raise UsageError(
                f"--out {out}: holds tables of the classes {', '.join(earlier)}, and the model has {', '.join(facts.known)}",
                "name another --out, or a --model of the same classes",
            )
        prepare(out, metadata_of(engines), facts.known)
        write_whole(out / CARDS / f"{engines.classifier.facts.sha256[:12]}.md", card_of(options.model))
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise _cannot_write(out, error.strerror or str(error)) from error
        raise UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another folder") from None


def _cannot_write(out: Path, words: str) -> EmobatchError:
    return EmobatchError(
        f"{out}: cannot write ({words})", "free or mend the disk and run again; finished videos are kept"
    )


def _write_record(options: RunOptions, engines: Engines, sources: Sources, summary: RunSummary) -> None:
    folder = options.out / "runs"
    folder.mkdir(exist_ok=True)
    record = {
        **summary.to_json(),
        "started_at": summary.started_at,
        "interrupted": summary.interrupted,
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
