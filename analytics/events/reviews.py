"""Verdicts on events: OUT/reviews.jsonl, one JSON object a line, only ever appended to.

A verdict tells what it was about (rule, camera, times) and is matched to the events that there are now, so it outlives
every evaluation of the rules, other sampling and a camera that got another name.
"""

import json
import math
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analytics.appending import append_lines
from analytics.errors import UsageError

FILE: Final = "reviews.jsonl"
USEFUL, FALSE_ALARM, UNCLEAR = "useful", "false-alarm", "unclear"
VERDICTS: Final = (USEFUL, FALSE_ALARM, UNCLEAR)
OPEN: Final = "open"
"""Said in place of a verdict: what was said before of the event is withdrawn."""
OF_EVENT: Final = ("event_id", "rule", "camera", "video_id", "time", "end_time", "start_s", "end_s")
"""Columns of the table `events` that a verdict keeps, and by which it is matched."""
MOST_NOTE: Final = 1000
"""Characters of a note."""

_OVERLAP: Final = 0.5
"""Share of the longer of both: a verdict on ten seconds says nothing about the hour around them."""
_SLACK_S: Final = 1.0
"""Allowed at either end: what lasts a sample or two is elsewhere by half of itself with other sampling."""
_MOST_NAMED: Final = 5
_TEXTS: Final = ("event_id", "rule", "video_id", "verdict", "note", "who")


@dataclass(frozen=True, kw_only=True)
class Review:
    """One line: what somebody said of one event."""

    event_id: str
    """As it was then; other sampling may give the same event another one."""
    rule: str
    camera: str | None
    video_id: str
    time: datetime | None
    end_time: datetime | None
    start_s: float
    end_s: float
    verdict: str
    note: str
    who: str
    when: datetime

    @staticmethod
    def of(event: Mapping[str, Any], verdict: str, note: str, who: str, when: datetime) -> "Review":
        """A verdict on a row of the table `events`."""
        told = {name: event[name] for name in OF_EVENT}
        return Review(**told, verdict=verdict, note=note, who=who, when=when)

    def to_json(self) -> dict[str, Any]:
        """With stable keys; times are ISO 8601, UTC as in the tables."""
        told = dict(vars(self))
        for name in ("time", "end_time", "when"):
            told[name] = told[name].isoformat() if told[name] else None
        return told

    @staticmethod
    def from_json(told: Any) -> "Review":
        """From a line of the file.

        Raises:
            ValueError: it is none, and why.
        """
        if (why := _why_none(told)) is not None:
            raise ValueError(why)
        when = _moment(told.get("when"))
        if when is None:
            raise ValueError("has no when")
        facts = {name: told[name] for name in (*_TEXTS, "start_s", "end_s")}
        time, end_time = (_moment(told.get(name)) for name in ("time", "end_time"))
        return Review(**facts, time=time, end_time=end_time, camera=told.get("camera"), when=when)


@dataclass(frozen=True)
class Stored:
    """What reviews.jsonl holds."""

    path: Path
    reviews: tuple[Review, ...] = ()
    """In the order in which they were given."""
    damaged: Mapping[int, str] = field(default_factory=dict)
    """Why lines, by number from 1, are none."""

    def need_whole(self) -> "Stored":
        """This, where every line can be read.

        Raises:
            UsageError: one cannot.
        """
        if self.damaged:
            told = "; ".join(f"line {n} {why}" for n, why in list(self.damaged.items())[:_MOST_NAMED])
            more = f"; and {len(self.damaged) - _MOST_NAMED} more lines" if len(self.damaged) > _MOST_NAMED else ""
            raise UsageError(f"{self.path}: {told}{more}", "mend or remove it in an editor; all other lines stand")
        return self


def read_reviews(out: Path) -> Stored:
    """All verdicts below OUT, and what cannot be read as one.

    Raises:
        OSError: the file is there and cannot be read.
    """
    path = out / FILE
    reviews: list[Review] = []
    damaged: dict[int, str] = {}
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Stored(path)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            reviews.append(Review.from_json(json.loads(line)))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            damaged[number] = "is no JSON"
        except ValueError as error:
            damaged[number] = str(error)
    return Stored(path, tuple(reviews), damaged)


def need_file(out: Path) -> None:
    """See that verdicts can be appended to what is there, before anything is noted of them.

    Raises:
        UsageError: there is a link, which would lead them elsewhere, or else no file.
    """
    path = out / FILE
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(mode := path.lstat().st_mode):
            what = "is a link, which would lead verdicts elsewhere" if stat.S_ISLNK(mode) else "is no regular file"
            raise UsageError(f"{path}: {what}", "put the file itself in its place")


def lines_of(reviews: Iterable[Review]) -> bytes:
    """Verdicts as they stand in the file."""
    return "".join(f"{json.dumps(one.to_json(), ensure_ascii=False)}\n" for one in reviews).encode()


def append_reviews(out: Path, reviews: Sequence[Review]) -> None:
    """Append verdicts. Needs no lock of OUT: a run may be at work, and others may review.

    Raises:
        OSError: the file cannot be written; what then becomes of a part of them tells analytics.appending.
    """
    if data := lines_of(reviews):
        append_lines(out / FILE, data)


class Matcher:
    """Finds the events that a verdict is about.

    Those are of the same rule, and overlap what was reviewed by at least half of the longer of both, give or take a
    second at either end: on the clock of the same camera, or by the seconds of the same video.
    """

    def __init__(self, events: Sequence[Mapping[str, Any]]) -> None:
        """From rows of the table `events`."""
        self._ids = [str(event["event_id"]) for event in events]
        spans: dict[tuple[str, ...], list[tuple[int, float, float]]] = defaultdict(list)
        for place, event in enumerate(events):
            for key, begin, end in _spans(event):
                spans[key].append((place, begin, end))
        self._columns = {key: np.array(rows, np.float64).T for key, rows in spans.items()}

    def about(self, review: Review) -> set[str]:
        """Ids of the events that it is about."""
        found: set[str] = set()
        for key, begin, end in _spans(vars(review)):
            if key in self._columns:
                places, begins, ends = self._columns[key]
                found.update(self._ids[int(place)] for place in places[_alike(begins, ends, begin, end)])
        return found

    def verdicts(self, reviews: Iterable[Review]) -> tuple[dict[str, Review], int]:
        """The verdict on each event that has one, by event_id: the last that was given, unless it was withdrawn.

        And how many verdicts are about no event.
        """
        found, n_lost = self.last(reviews)
        return {event_id: review for event_id, review in found.items() if review.verdict != OPEN}, n_lost

    def last(self, reviews: Iterable[Review]) -> tuple[dict[str, Review], int]:
        """The same, with what withdrew the verdict on an event that has none any more."""
        found: dict[str, Review] = {}
        n_lost = 0
        for review in reviews:
            ids = self.about(review)
            n_lost += not ids and review.verdict != OPEN
            found.update(dict.fromkeys(ids, review))
        return found, n_lost


def _why_none(told: Any) -> str | None:
    if not isinstance(told, dict):
        return "is no JSON object"
    for name in _TEXTS:
        if not isinstance(told.get(name), str):
            return f"has no {name}"
    if told["verdict"] not in (*VERDICTS, OPEN):
        return f"has a verdict that is none: {told['verdict'][:40]!r}"
    if not isinstance(told.get("camera"), str | None):
        return "has a camera that is no text"
    if not all(isinstance(told.get(name), int | float) and math.isfinite(told[name]) for name in ("start_s", "end_s")):
        return "has no start_s and end_s"
    return None


def _spans(told: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], float, float]]:
    """Rule and camera with seconds of the clock, if they are known, and rule and video with seconds of that video."""
    yield ("video", told["rule"], told["video_id"]), told["start_s"], told["end_s"]
    if told["camera"] is not None and told["time"] is not None and told["end_time"] is not None:
        yield ("camera", told["rule"], told["camera"]), told["time"].timestamp(), told["end_time"].timestamp()


def _alike(begins: NDArray[np.float64], ends: NDArray[np.float64], begin: float, end: float) -> NDArray[np.bool_]:
    common = np.minimum(ends, end) - np.maximum(begins, begin) + 2 * _SLACK_S
    longer = np.maximum(ends - begins, end - begin) + 2 * _SLACK_S
    alike: NDArray[np.bool_] = common >= _OVERLAP * longer
    return alike


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError("has a time without a time zone, or none that can be read")
    return moment
