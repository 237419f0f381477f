"""OUT of one run: made, held alone, followed by its bucket where it has one, and prepared."""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.commit import HALF
from analytics.errors import EmobatchError, UsageError
from analytics.paths import is_folder
from analytics.tables import classes_of, need_our_schema, prepare
from jobs.filing import metadata_of
from jobs.lock import Lock, locked
from jobs.mirror import Follower, claimed, following
from jobs.options import RunOptions
from jobs.outcome import RUNS
from jobs.pipeline import Engines
from jobs.record import logged
from jobs.writing import cannot_write, disk_errors_told
from models.catalogue import card_of
from reports.cards import FOLDER as CARDS
from reports.files import write_whole

_OF_THE_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors that another run may not meet; with others OUT is the wrong place."""


@dataclass(frozen=True)
class Held:
    """The lock of OUT, and the bucket that follows, if OUT is in one."""

    lock: Lock
    follower: Follower

    def is_ours(self) -> bool:
        """Whether no other run has taken OUT meanwhile."""
        try:
            self.lock.check()
        except (EmobatchError, OSError):
            return False
        return True

    def check(self) -> None:
        """Raises where the run must not go on."""
        self.lock.check()
        self.follower.check()


@contextmanager
def held_alone(options: RunOptions) -> Iterator[Held]:
    """Hold OUT for one run.

    Raises:
        LockedError: another run holds it.
        EmobatchError: it cannot be written.
    """
    out, command = options.out, "emobatch run"
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(locked(out, command))
            follower = stack.enter_context(following(options.url, out, command))
        except OSError as error:
            raise _no_folder(out, error) from error
        yield Held(lock, follower)


@contextmanager
def followed(out: Path, follower: Follower) -> Iterator[None]:
    """However it ends: the bucket gets the record and the pages, too."""
    try:
        yield
    finally:
        with disk_errors_told(out):
            follower.conclude()


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Everything that is logged also goes into a file.

    Raises:
        EmobatchError: it cannot be written.
    """
    with ExitStack() as stack:
        with disk_errors_told(path.parent):
            stack.enter_context(logged(path))
        yield


def make_folder(options: RunOptions) -> None:
    """Make OUT, so that it can be locked.

    Raises:
        UsageError: it is a file, or cannot be made.
    """
    out = options.out
    if os.path.lexists(out) and not is_folder(out):
        raise UsageError(f"--out {out}: is a file", "name a folder, or a name that is not taken")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if options.url is not None:
            claimed(options.url, out)
    except OSError as error:
        raise _no_folder(out, error) from None


def _no_folder(out: Path, error: OSError) -> EmobatchError:
    if error.errno in _OF_THE_DISK:
        return cannot_write(out, error.strerror or str(error))
    return UsageError(f"--out {out}: cannot be written ({error.strerror})", "name another folder")


def prepare_tables(options: RunOptions, engines: Engines) -> None:
    """Make the empty tables, and leave the card of the classifier in OUT, which the pages link to.

    Raises:
        UsageError: OUT holds tables of other classes, or of another layout.
        EmobatchError: it cannot be written.
    """
    out = options.out
    try:
        need_our_schema(out)
        earlier, facts = classes_of(out), engines.classifier.facts
        if earlier is not None and earlier != facts.known:
            raise UsageError(
                f"--out {out}: holds tables of the classes {', '.join(earlier)}, and the model has {', '.join(facts.known)}",
                "name another --out, or a --model of the same classes",
            )
        prepare(out, metadata_of(engines), facts.known)
        for half in out.glob(f"{RUNS}/*{HALF}"):  # Of a run that was killed as it wrote its record.
            half.unlink(missing_ok=True)
        write_whole(out / CARDS / f"{engines.classifier.facts.sha256[:12]}.md", card_of(options.model))
    except OSError as error:
        raise _no_folder(out, error) from None
