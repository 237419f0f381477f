"""Review the events of an OUT: which are open, a verdict on one, and verdicts that were copied out of the page."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from analytics.commit import commit, half_of, is_under_way
from analytics.errors import UsageError
from analytics.events.precision import precision_by_rule
from analytics.events.reviews import FILE, MOST_NOTE, OPEN, VERDICTS, Matcher, Review, lines_of, read_reviews
from analytics.events.store import read_events
from analytics.schema import SEVERITIES
from analytics.whole import whole
from jobs.events import time_zones_of, told
from reports.clock import local

Row = Mapping[str, Any]
NEEDED: Final = ("event_id", "verdict")
_CHANGE: Final = "reviews"
_MOST_NAMED: Final = 5
_MOST_BYTES: Final = 64 << 20
_KEPT_FROM_FORMULAS: Final = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 As verdicts.js does it.


@dataclass(frozen=True)
class Reviewed:
    """The events of an OUT, and what was said of them."""

    out: Path
    events: tuple[Row, ...]
    reviews: tuple[Review, ...]
    """All that was ever said, in that order."""
    matcher: Matcher
    verdicts: Mapping[str, Review]
    """By event_id."""
    n_lost: int
    """Verdicts that are about no event that there is now."""

    @staticmethod
    def read(out: Path) -> "Reviewed":
        """What is there now.

        Raises:
            UsageError: one of the files cannot be read.
        """
        events = read_events(out)
        stored = read_reviews(out).need_whole()
        matcher = Matcher(events)
        return Reviewed(out, tuple(events), stored.reviews, matcher, *matcher.verdicts(stored.reviews))

    def need_events(self) -> "Reviewed":
        """Itself.

        Raises:
            UsageError: there are no events.
        """
        if not self.events:
            remedy = "`emobatch events` evaluates rules: see docs/events.md"
            raise UsageError(f"{self.out}: holds no events: the rules found none, or were not evaluated", remedy)
        return self

    @property
    def open(self) -> list[Row]:
        """Events without a verdict: the severest first, of those the newest."""
        found = [event for event in self.events if event["event_id"] not in self.verdicts]
        return sorted(found, key=in_queue)

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        counts = Counter(review.verdict for review in self.verdicts.values())
        zones = time_zones_of(self.out)
        rows = []
        for event in self.events:
            review = self.verdicts.get(event["event_id"])
            day = local(event["time"], zones.get(event["video_id"])).date() if event["time"] else None
            rows.append((event, review.verdict if review else None, day))
        return {
            "events": len(self.events),
            "verdicts": {name: counts[name] for name in VERDICTS},
            "open": [told(event) for event in self.open],
            "rules": {one.rule: one.whole.to_json() for one in precision_by_rule(rows)},
            "without_event": self.n_lost,
        }

    def find(self, event_id: str) -> Row:
        """The event of an id, or of what one begins with.

        Raises:
            UsageError: there is none, or there are several.
        """
        found = [event for event in self.events if event["event_id"].startswith(event_id.lower())] if event_id else []
        if not found:
            raise UsageError(
                f"{self.out}: no event is called {event_id}", "`emobatch review OUT` lists those that are open"
            )
        if len(found) > 1:
            raise UsageError(f"{event_id}: so begin the ids of {len(found)} events", "give more of its digits")
        return found[0]


def in_queue(event: Row) -> tuple[int, bool, float, str]:
    """What events are sorted by: the severest first, of those the newest; unknown times last."""
    severity = SEVERITIES.index(event["severity"]) if event["severity"] in SEVERITIES else -1
    time = event["time"]
    return -severity, time is None, -time.timestamp() if time else event["start_s"], event["event_id"]


def review_of(event: Row, verdict: str, note: str, who: str, known: Reviewed | None = None) -> Review:
    """A verdict given now, or withdrawn, where it is OPEN.

    Raises:
        UsageError: it is none, or the note is too long; or there is none to be withdrawn among those that are known.
    """
    if problem := _problem(verdict, note):
        raise UsageError(*problem)
    if verdict == OPEN and known is not None and event["event_id"] not in known.verdicts:
        raise UsageError(f"{event['event_id']}: has no verdict", "it is open as it stands")
    return Review.of(event, verdict, note.strip(), who, datetime.now(UTC))


def send_reviews(mirror: Path, reviews: Sequence[Review]) -> None:
    """Append verdicts in the mirror of a bucket, as a change that the bucket gets even if it cannot be reached now.

    For whoever holds the lock of the bucket.

    Raises:
        OSError: the mirror cannot be written; the file is as it was.
    """
    if not reviews:
        return
    path = mirror / FILE
    before = path.read_bytes() if path.exists() else b""
    with whole(half := half_of(path)) as file:
        file.write(before + (b"\n" if before and not before.endswith(b"\n") else b"") + lines_of(reviews))
    try:
        commit(mirror, _CHANGE, [(half, path)])
    finally:
        if not is_under_way(mirror, _CHANGE):
            half.unlink(missing_ok=True)


def imported(path: Path, known: Reviewed, who: str) -> list[Review]:
    """The verdicts of a CSV file that say anything new. Columns `event_id` and `verdict` are needed.

    `note`, `who` and `when` are taken where they are there. A verdict that was said then and there already says nothing
    new, also where it was withdrawn or another one was given since. An event_id that is not known any more, as the rules were
    evaluated again since, is told by `rule`, `camera`, `video_id` and its times, which the page writes, too.

    Raises:
        UsageError: the file cannot be read, or any row is wrong: nothing of it counts then.
    """
    rows = _rows(path)
    found: list[Review] = []
    wrong: list[str] = []
    now = datetime.now(UTC)
    verdicts = dict(known.verdicts)
    said = {
        (event_id, one.verdict, one.note, one.when) for one in known.reviews for event_id in known.matcher.about(one)
    }
    for line, row in rows:
        try:
            review = _review(row, known, who, now)
        except UsageError as error:
            wrong.append(f"line {line}: {error.problem}{f': {error.remedy}' if error.remedy else ''}")
            continue
        if (review.event_id, review.verdict, review.note, review.when) in said:
            continue
        before = verdicts.get(review.event_id)
        if review.verdict == OPEN:
            is_new = verdicts.pop(review.event_id, None) is not None
        else:
            is_new = before is None or (before.verdict, before.note) != (review.verdict, review.note)
            verdicts[review.event_id] = review
        if is_new:
            found.append(review)
    if wrong:
        more = f"; and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
        raise UsageError(
            f"{path}: {'; '.join(wrong[:_MOST_NAMED])}{more}",
            "mend or remove these lines and import it again; nothing was imported",
        )
    return found


def _review(row: Mapping[str, str], known: Reviewed, who: str, now: datetime) -> Review:
    # The page shows "false alarm", and so does a table that somebody typed from it.
    verdict, note = "-".join(row["verdict"].lower().split()), row.get("note", "").strip()
    if problem := _problem(verdict, note):
        raise UsageError(*problem)
    event = next((one for one in known.events if one["event_id"] == row["event_id"].strip()), None)
    event = event or _alike(row, known)
    if event is None:
        raise UsageError(f"no event is called {row['event_id'].strip()[:40] or '(nothing)'}", "")
    when = _moment(row.get("when", "")) or now
    return Review.of(event, verdict, note, row.get("who", "").strip() or who, min(when, now))


def _alike(row: Mapping[str, str], known: Reviewed) -> Row | None:
    """The event that a row tells of in other words than its id."""
    try:
        spoken = Review(
            event_id="", rule=row["rule"], camera=row["camera"] or None, video_id=row["video_id"],
            time=_moment(row["time"]), end_time=_moment(row["end_time"]), start_s=float(row["start_s"]),
            end_s=float(row["end_s"]), verdict="", note="", who="", when=datetime.now(UTC),
        )  # fmt: skip
    except (KeyError, ValueError):
        return None
    found = known.matcher.about(spoken)
    return next((event for event in known.events if event["event_id"] in found), None)


def _problem(verdict: str, note: str) -> tuple[str, str] | None:
    if verdict not in (*VERDICTS, OPEN):
        return f"{verdict[:40] or '(nothing)'!r} is no verdict", f"say {', '.join(VERDICTS)}, or {OPEN} to withdraw one"
    if len(note) > MOST_NOTE:
        return f"a note of {len(note):,} characters is too long", f"shorten it to {MOST_NOTE:,}"
    return None


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Rows by name of their columns, with the lines on which they end; empty ones are left out."""
    remedy = "name a CSV file that was copied out of events.html, or write one with the columns event_id and verdict"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path}: is too large for a list of verdicts", remedy)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no UTF-8"
        raise UsageError(f"{path}: cannot be read ({why})", remedy) from error
    first = text.partition("\n")[0]
    # Spreadsheets of some countries write semicolons.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        for name in NEEDED:
            if names.count(name) != 1:
                raise UsageError(f"{path}: its first line names no column {name}, or more than one", remedy)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                cells += [""] * (len(names) - len(cells))
                told = dict(zip(names, map(_plain, cells), strict=False))
                rows.append((reader.line_num, told))
    except csv.Error as error:
        raise UsageError(f"{path}: line {reader.line_num} is no CSV ({error})", remedy) from error
    if not rows:
        raise UsageError(f"{path}: holds no verdict", remedy)
    return rows


def _plain(cell: str) -> str:
    """A text as it was before it was kept from being taken for a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_KEPT_FROM_FORMULAS) else cell


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else None
