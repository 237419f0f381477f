"""One run: every video is led through its steps, then the pages and the record are written."""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from analytics.commit import term_of
from analytics.footage import Footage, exists, facts_of
from analytics.listing import list_tables
from analytics.paths import absolute
from analytics.purpose import note_purpose
from analytics.videos import STATE, keep_videos, read_videos
from emobatch import __version__
from jobs.access import note_access
from jobs.agenda import Agenda, draw_up
from jobs.astray import Strays
from jobs.compact import compact_days
from jobs.conductor import Conductor
from jobs.config_events import check_classes
from jobs.crews import Crews
from jobs.events import note_events
from jobs.executors import Executor, InProcess, Running
from jobs.fingerprints import Fingerprints
from jobs.ledger import Ledger
from jobs.limits import Limits, Listener
from jobs.masked import keep_masks
from jobs.mirror import Follower
from jobs.opened import for_reading
from jobs.options import RunOptions
from jobs.outcome import RUNS, RunSummary, VideoOutcome
from jobs.output import Held, followed, held_alone, logged_to, make_folder, prepare_tables
from jobs.purge import PURGED, read_tombstones
from jobs.record import write_record
from jobs.removal import remove
from jobs.retention import due_at, remove_old, since_of
from jobs.settle import Settler
from jobs.sources import Sources, find_videos
from jobs.task import VideoTask, as_text
from jobs.thumbnails import draw_thumbnails, drop_unmasked
from jobs.unfinished import FOLDER, forget_abandoned
from jobs.writing import disk_errors_told
from reports.site import write_site
from reports.stored import UnreadableTablesError

_log = logging.getLogger(__name__)

_HARDLY_ANYTHING: Final = 32 * 2**20
"""Bytes of a single video for which one worker process is enough."""
_ENOUGH: Final = 50
"""Videos of one day and camera with files of their own that are put together when the day is over."""


class Silent:
    """A listener that says nothing."""

    def began(self, videos: int, size: int) -> None:
        """Nothing."""

    def ended(self, number: int, of: int, outcome: VideoOutcome, size: int) -> None:
        """Nothing."""

    def working(self, running: dict[str, tuple[str, Running]], media_s: float, size: float) -> None:
        """Nothing."""


def plan(options: RunOptions) -> Agenda:
    """What a run would have to do. Opens no video and writes nothing.

    Raises:
        UsageError: a wrong setting, or no named source exists.
        NoVideoError: the sources hold no video.
    """
    crews = Crews(options)
    sources = find_videos(options.sources, options.out, options.url)
    out = for_reading(options.named_out, ("videos", PURGED, STATE), empty=True)
    # Of an OUT in a bucket the other tables are not fetched for this.
    listing = list_tables(out) if options.url is None else None
    videos = read_videos(out)
    ledger = Ledger.of(videos, read_tombstones(out), listing)
    agenda = draw_up(sources, replace(options, force=True), crews.hashes, ledger, Fingerprints(out))
    agenda.due = due_at(agenda, videos, ledger, crews.hashes, options, datetime.now(UTC))
    return agenda


class _Noting:
    """Notes what became of each video in summary and log, and passes everything on."""

    def __init__(self, summary: RunSummary, listener: Listener, follower: Follower) -> None:
        self.summary, self.listener, self.follower = summary, listener, follower
        self.began, self.working = listener.began, listener.working

    def ended(self, number: int, of: int, outcome: VideoOutcome, size: int) -> None:
        """One video is through."""
        self.summary.add(outcome)
        _log.info(
            "[%d/%d] %s %s%s", number, of, outcome.status, outcome.source, f": {outcome.reason or ''}".rstrip(": ")
        )
        self.follower.follow()
        self.listener.ended(number, of, outcome, size)


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
    crews = Crews(options)
    if options.events:
        check_classes(options.events, crews.others.classifier.facts.known)
    sources = find_videos(options.sources, options.out, options.url)
    make_folder(options)
    with held_alone(options) as held:
        prepare_tables(options, crews.others)
        with disk_errors_told(options.out):
            keep_masks(options.out, crews.masks)
        # In the order of time, also within a second.
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond // 16:04x}{secrets.token_hex(1)}"
        summary = RunSummary(
            run_id=run_id, out=as_text(options.named_out), started_at=now.isoformat(), interrupted=True
        )
        summary.missing = [as_text(source) for source in sources.missing]
        for source, reason in sources.missing.items():
            name = as_text(source)
            summary.failures.append({"source": name, "reason": as_text(reason).removeprefix(f"{name}: ")})
        note_access(options.named_out, "run", options.purpose, run_id=run_id)
        with followed(options.out, held.follower), logged_to(options.out / RUNS / f"{run_id}.log"):
            _log.info("emobatch %s, settings %s", __version__, crews.others.settings_hash)
            # Before there is anything to record: it may be refused.
            agenda, settler = _drawn_up(options, crews, sources)
            summary.found(len(sources.videos), agenda)
            summary.held_back_since = since_of(agenda.due, summary)
            with disk_errors_told(options.out):
                note_purpose(options.out, now, options.purpose)
            _recorded(options, crews.others.settings_hash, summary)  # A night that is killed has its record, too.
            noting = _Noting(summary, listener or Silent(), held.follower)
            gone: frozenset[str] = frozenset()
            try:
                with disk_errors_told(options.out):
                    _process(agenda, options, crews, settler, noting, held)
                    held.check()
                    gone = remove_old(options, agenda.due, summary, frozenset(agenda.settled.values()))
                summary.interrupted = False
            finally:
                # An interrupted night has its record and its pages, too; one whose OUT was taken leaves both alone.
                summary.elapsed_s = time.monotonic() - started
                if held.is_ours():
                    _conclude(options, crews.others.settings_hash, summary, gone)
    return summary


def _drawn_up(options: RunOptions, crews: Crews, sources: Sources) -> tuple[Agenda, Settler]:
    """What is to be done, and who settles what a file is once its content is known."""
    out = options.out
    with disk_errors_told(out):
        videos = read_videos(out)
        listing = list_tables(out)
        _need_readable(videos.unreadable | listing.errors)
        ledger, fingerprints = Ledger.of(videos, read_tombstones(out), listing), Fingerprints(out)
        strays = Strays(out, listing, videos.unreadable)
        strays.drop(ledger.by_id)
        for one in remove(out, ledger.doubles):
            _log.warning("%s: %s", one["source"], one["reason"])
        agenda = draw_up(sources, options, crews.hashes, ledger, fingerprints)
        agenda.due = due_at(agenda, videos, ledger, crews.hashes, options, datetime.now(UTC))
        keep_videos(out, videos)
    n = len(sources.videos)
    _log.info("%d videos: %d to look at, %d unchanged", n, len(agenda.items), agenda.unchanged)
    return agenda, Settler(absolute(out), ledger, strays, fingerprints, agenda.settled, options.retry_failed)


def _need_readable(unreadable: Mapping[Path, Exception]) -> None:
    """Refuse where a disk or a share is away: what cannot be looked at is not undone. A damaged file is made anew.

    Raises:
        OSError: a file of `videos`, or a folder of any table, cannot be read.
    """
    for path, error in unreadable.items():
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error


def _recorded(options: RunOptions, settings_hash: str, summary: RunSummary) -> None:
    with disk_errors_told(options.out):
        write_record(options, settings_hash, summary)


def _process(agenda: Agenda, options: RunOptions, crews: Crews, settler: Settler, noting: _Noting, held: Held) -> None:
    """Do what is to be done, and leave the tables as the next run and every reader want them."""
    try:
        if agenda.items:
            _conduct(agenda, options, crews, settler, noting, held)
        summary = noting.summary
        everywhere = not (summary.left or summary.passed_over or summary.missing or summary.refused)
        summary.failures += remove(settler.out, settler.superseded(everywhere))
        if options.thumbnails:
            here = replace(options, scheduler=None)
            limits = _limits(options, held)
            draw_thumbnails(options, limits, lambda videos: _executor(here, None, videos))
        else:
            drop_unmasked(options)
        if options.compact:
            compact_days(options.out, datetime.now(UTC).date(), _ENOUGH)
        note_events(options, summary)
    finally:
        settler.fingerprints.keep()
        forget_abandoned(options.out / FOLDER)


def _conduct(agenda: Agenda, options: RunOptions, crews: Crews, settler: Settler, noting: _Noting, held: Held) -> None:
    term = term_of(options.out)  # Ours, whoever has taken OUT by now.
    tasks = [(crews.task(item, term), item.size, item.changed_ns) for item in agenda.items]
    settler.loosen_known([task for task, _, _ in tasks])
    limits = _limits(options, held)
    with _executor(options, tasks[0][0], [item.path for item in agenda.items]) as executor:
        conductor = Conductor(tasks, crews.by_hash, settler, executor, noting, limits)
        conductor.run()
    for video in conductor.left:
        noting.summary.left.append({"source": video.task.source, "reason": "not finished before --until"})


def _limits(options: RunOptions, held: Held) -> Limits:
    return Limits(options.stall_s, options.until.timestamp() if options.until else None, held.check)


@contextmanager
def _executor(options: RunOptions, task: VideoTask | None, videos: Sequence[Footage]) -> Iterator[Executor]:
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

    if options.scheduler is not None and task is not None:
        with scheduler_executor(options.scheduler) as executor:
            shake_hands(executor.client, task, [video for video in videos if isinstance(video, Path)])
            yield executor
        return
    tiny = len(videos) == 1 and exists(videos[0]) and facts_of(videos[0]).size < _HARDLY_ANYTHING
    with local_executor(options.workers or (1 if tiny else cores()), options.dashboard) as executor:
        yield executor


def _conclude(options: RunOptions, settings_hash: str, summary: RunSummary, gone: frozenset[str]) -> None:
    """Keep the record and draw the pages, which tell of it."""
    with disk_errors_told(options.out):
        write_record(options, settings_hash, summary)
        try:
            write_site(options.out, link_footage=options.link_footage, in_bucket=options.url is not None, gone=gone)
        except UnreadableTablesError as error:
            summary.failures += [{"source": as_text(file), "reason": as_text(why)} for file, why in error.files.items()]
            write_record(options, settings_hash, summary)
