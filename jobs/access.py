"""Who did what with an OUT, and when: OUT/access.jsonl, to which lines are added and from which none is ever taken.

    {"time": "2026-11-30T22:00:00+00:00", "action": "run", "user": "recorder", "host": "vault", "pid": 4711,
     "command": ["emobatch", "run", "/archive"], "folder": "/home/recorder", "emobatch": "0.1.0",
     "purpose": {"setting": "retail", …}}

Objects in a bucket cannot be added to: there each line is an object of its own, below access/. No line says anything of a face,
nor what somebody wrote about people: nobody could take that out again.
"""

import errno
import json
import logging
import os
import platform
import pwd
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from analytics.appending import append_lines
from analytics.errors import EmobatchError
from analytics.footage import is_url
from analytics.purpose import UNDECLARED, Purpose
from emobatch import __version__

_log = logging.getLogger(__name__)

FILE: Final = "access.jsonl"
FOLDER: Final = "access"
"""Of an OUT in a bucket."""
_MOST_WORDS: Final = 200
"""Of a command; a shell may have made thousands of one glob."""
_MODE: Final = 0o660
"""Before the umask, which says whether others of the group may add lines, too; nobody else may read them."""
_UNTOLD: Final = ("--note", "--who")
"""Options that are given names and remarks."""
_HIDDEN: Final = "…"


class ReadOnlyError(EmobatchError):
    """A line cannot be added, as the whole disk is mounted read-only."""


def note_access(out: str | Path, action: str, purpose: Purpose, **facts: Any) -> None:
    """Add a line for something that begins now.

    Args:
        out: the folder, or the s3:// URL, of OUT.
        action: what is done: run, purge, export, …
        purpose: what it is done for: what the run declares, or the last one did (analytics.purpose).
        facts: more to be told: ids and counts, never anything of a face.

    Raises:
        EmobatchError: it cannot be written, and so nothing must be done.
    """
    now = datetime.now(UTC)
    line = _line(now, action, purpose, facts)
    try:
        if is_url(str(out)):
            _put(str(out), now, line)
        else:
            append_lines(Path(out) / FILE, line, _MODE)
    except (OSError, EmobatchError) as error:
        why = getattr(error, "strerror", None) or str(error)
        kind = ReadOnlyError if getattr(error, "errno", None) == errno.EROFS else EmobatchError
        is_none = getattr(error, "errno", None) in (errno.ELOOP, errno.EINVAL, errno.EISDIR)
        remedy = "put the file itself in its place" if is_none else "let this user write there, or free space"
        raise kind(f"{out}/{FILE}: who does what cannot be noted ({why})", remedy) from error


@contextmanager
def noted_if_possible() -> Iterator[None]:
    """For whoever only reads: results on a disk that nobody can write can be read all the same."""
    try:
        yield
    except ReadOnlyError as error:
        _log.warning("%s", error.problem)


def _line(now: datetime, action: str, purpose: Purpose, facts: dict[str, Any]) -> bytes:
    command = [os.fsencode(word).decode("utf-8", "backslashreplace") for word in _without_remarks(sys.argv)]
    if len(command) > _MOST_WORDS:
        command = [*command[:_MOST_WORDS], f"and {len(command) - _MOST_WORDS} more"]
    told = {
        "time": now.isoformat(),
        "action": action,
        "user": _user(),
        "host": platform.node(),
        "pid": os.getpid(),
        "command": command,
        "folder": os.fsencode(Path.cwd()).decode("utf-8", "backslashreplace"),
        "emobatch": __version__,
        "purpose": purpose.told() if purpose else UNDECLARED,
        **facts,
    }
    return f"{json.dumps(told)}\n".encode()


def _without_remarks(words: Sequence[str]) -> Iterator[str]:
    """A command line without what people wrote."""
    is_value = False
    for word in words:
        name, equals, _ = word.partition("=")
        yield _HIDDEN if is_value else f"{name}={_HIDDEN}" if equals and name in _UNTOLD else word
        is_value = not is_value and word in _UNTOLD


def _user() -> str:
    """Who this process belongs to, whatever the environment says; and who became root by sudo, which says so there."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # As in containers.
        name = f"uid {os.getuid()}"
    behind = os.environ.get("SUDO_USER") if os.getuid() == 0 else None  # Anybody else can write there what they like.
    return f"{name} (sudo by {behind})" if behind else name


def _put(out: str, now: datetime, line: bytes) -> None:
    from analytics.store import name, put

    key = f"{FOLDER}/{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}.jsonl"
    put(name(f"{out.rstrip('/')}/{key}"), line)
