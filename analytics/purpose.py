"""What an archive is analysed for, as whoever runs it declares; and OUT/purpose/history.jsonl, which keeps it.

    {"since": "2026-11-30T22:00:00+00:00", "purpose": {"setting": "retail", "basis": "…", "notice": "…", …}}

A line for each run that declared another purpose than the one before. Nothing here is legal advice: docs/privacy.md.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from analytics.appending import append_lines
from analytics.errors import EmobatchError, UsageError

FOLDER: Final = "purpose"
_HISTORY: Final = "history.jsonl"
UNDECLARED: Final = "undeclared"
SETTINGS: Final = (
    "retail", "hospitality", "transport", "public-space", "healthcare", "research", "home", "workplace", "education",
    "other",
)  # fmt: skip
"""Where the cameras are, and who is before them."""
FORBIDDEN: Final = ("workplace", "education")
"""Where inferring emotions is forbidden in the European Union, but for medical or safety reasons: Regulation (EU)
2024/1689, Article 5(1)(f)."""
EXCEPTIONS: Final = ("medical", "safety")
_LEAST_WORDS: Final = 3
_LONGEST: Final = 2000
_SHOWN: Final = 40


@dataclass(frozen=True, kw_only=True)
class Purpose:
    """What is declared; None for what is not.

    Raises:
        UsageError: a value that cannot be, whose name the problem begins with; or a setting in which this is forbidden.
    """

    setting: str | None = None
    """One of SETTINGS."""
    basis: str | None = None
    """On what legal basis, in words."""
    notice: str | None = None
    """Where and since when those before the cameras are told, in words."""
    exception: str | None = None
    """One of EXCEPTIONS, for one of FORBIDDEN."""
    reason: str | None = None
    """Why the exception holds, in words."""
    retention: str | None = None
    """How long results are kept, such as 30d."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not (isinstance(value, str) and value.strip() and len(value) <= _LONGEST):
                raise UsageError(
                    f"{field.name}: is no text of 1 to {_LONGEST} characters", "write it in words, or leave it out"
                )
        self._check_choice("setting", self.setting, SETTINGS)
        self._check_choice("exception", self.exception, EXCEPTIONS)
        if self.exception is not None and self.setting not in FORBIDDEN:
            raise UsageError(
                f"exception: is for the settings {' and '.join(FORBIDDEN)} alone", "leave it out, or give the setting"
            )
        if self.setting not in FORBIDDEN:
            return
        where = f"setting: {self.setting}: inferring emotions there is forbidden in the EU (AI Act, Article 5(1)(f))"
        remedy = 'do not run it there; give exception = "medical" or "safety", and a reason, only where that is why'
        if self.exception is None:
            raise UsageError(f"{where} but for medical or safety reasons, and no exception is given", remedy)
        if len((self.reason or "").split()) < _LEAST_WORDS:
            raise UsageError(f"{where}, and the exception has no written reason", "give reason, in a sentence")

    def _check_choice(self, name: str, value: str | None, known: tuple[str, ...]) -> None:
        if value is not None and value not in known:
            raise UsageError(f"{name}: {value[:_SHOWN]}: is unknown", f"give one of {', '.join(known)}")

    def __bool__(self) -> bool:
        return self != Purpose()

    def told(self) -> dict[str, str]:
        """With stable keys, `undeclared` for what is not declared; exception and reason where there is one."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: given.get(name, UNDECLARED) for name in ("setting", "basis", "notice", "retention")} | {
            name: given[name] for name in ("exception", "reason") if name in given
        }

    def in_words(self) -> str:
        """As one line, for pages and screens."""
        if not self:
            return UNDECLARED
        # Sentences become parts of one.
        return "; ".join(f"{name} {value.strip().rstrip('.')}" for name, value in self.told().items())

    @staticmethod
    def of(values: Mapping[str, Any]) -> "Purpose":
        """From a table of a configuration.

        Raises:
            UsageError: as the constructor; or a name that is none.
        """
        names = [field.name for field in fields(Purpose)]
        if unknown := sorted(set(values) - set(names)):
            raise UsageError(f"{unknown[0]}: is nothing that a purpose declares", f"give {', '.join(names)}")
        return Purpose(**values)


@dataclass(frozen=True)
class Declared:
    """A purpose, and since when it is declared."""

    since: datetime
    purpose: Purpose


def note_purpose(out: Path, now: datetime, purpose: Purpose) -> None:
    """Keep what a run declares, where it is another purpose than that of the run before.

    Raises:
        EmobatchError: what was declared before cannot be read.
        OSError: OUT cannot be written.
    """
    history = _lines_below(out)
    last = history[-1] if history else Declared(now, Purpose())
    if last is not None and purpose == last.purpose:
        return
    path = out / FOLDER / _HISTORY
    path.parent.mkdir(exist_ok=True)
    given = {name: value for name, value in asdict(purpose).items() if value is not None}
    append_lines(path, (json.dumps({"since": now.isoformat(), "purpose": given}) + "\n").encode())


def purposes_below(out: Path) -> tuple[Declared, ...]:
    """All that was declared for an OUT, as it was noted: the last line is what is declared now, whatever clocks said.

    A line that cannot be understood is passed over.

    Raises:
        EmobatchError: the file cannot be read.
    """
    return tuple(one for one in _lines_below(out) if one is not None)


def _lines_below(out: Path) -> list[Declared | None]:
    """A line each; None for one that cannot be understood, as it was cut off or is of a later release."""
    path = out / FOLDER / _HISTORY
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise EmobatchError(
            f"{path}: what was declared cannot be read ({error.strerror or error})",
            "mend the disk, or let this user read it",
        ) from error
    return [_declared(line) for line in lines]


def _declared(line: bytes) -> Declared | None:
    with suppress(ValueError, KeyError, TypeError, UsageError):  # That it is no UTF-8 is a ValueError, too.
        told = json.loads(line)
        return Declared(datetime.fromisoformat(told["since"]).astimezone(UTC), Purpose.of(told["purpose"]))
    return None


def purpose_at(history: Sequence[Declared], moment: datetime | None = None) -> Purpose:
    """What was declared at a moment, aware; the last of all unless it is said."""
    so_far = [one.purpose for one in history if moment is None or one.since <= moment]
    return so_far[-1] if so_far else Purpose()
