"""The page of events: the queue that people review, and how often each rule was right."""

from typing import Any, Final

from analytics.events.precision import LEAST
from analytics.events.reviews import MOST_NOTE, VERDICTS
from analytics.schema import SEVERITIES
from reports.archive import Archive
from reports.cards import Cards
from reports.events import Event, Queue
from reports.render import json_block, render
from reports.text import visible

MOST: Final = 10_000
"""Events that the page lists: open ones before others."""
STATIC: Final = 50
"""Those that stand in the page itself, for a browser that runs no script."""
_MOST_PERIODS: Final = 26
_MOST_DAMAGED: Final = 10


def events_html(queue: Queue, archive: Archive, cards: Cards) -> str:
    """The page as HTML."""
    listed = _listed(queue)
    return render(
        "events.html",
        queue=queue,
        static=listed[:STATIC],
        n_listed=len(listed),
        data=json_block(_rows(listed)),
        damaged=[f"line {number} {visible(why)}" for number, why in list(queue.damaged.items())[:_MOST_DAMAGED]],
        least=LEAST,
        most_periods=_MOST_PERIODS,
        most_note=MOST_NOTE,
        models=archive.models,
        detectors=archive.detectors,
        cards=cards,
        purposes=archive.purposes,
        root=".",
    )


def _listed(queue: Queue) -> list[Event]:
    if len(queue.events) <= MOST:
        return list(queue.events)
    kept = sorted(queue.events, key=lambda event: event.review is not None)[:MOST]
    ids = {event.event_id for event in kept}
    return [event for event in queue.events if event.event_id in ids]


def _rows(events: list[Event]) -> dict[str, Any]:
    """What events.js lists. Texts that are shown are visible() already; `told` is as the table has it, for the CSV."""
    return {
        "severities": list(reversed(SEVERITIES)),
        "verdicts": list(VERDICTS),
        "most_note": MOST_NOTE,
        "events": [_row(event) for event in events],
    }


def _row(event: Event) -> dict[str, Any]:
    row, review = event.row, event.review
    given = review.when if review else event.withdrawn
    times = {name: row[name].isoformat() if row[name] else None for name in ("time", "end_time")}
    return {
        "id": event.event_id,
        "rule": visible(row["rule"]),
        "camera": None if row["camera"] is None else visible(row["camera"]),
        "severity": row["severity"],
        "at": event.at,
        "when": event.when,
        "day": event.day,
        "length": round(event.length_s, 1),
        "evidence": visible(row["evidence"]),
        "page": f"videos/{event.video.page}#{event.fragment}" if event.video and event.video.page else None,
        "file": visible(event.video.name) if event.video else None,
        "verdict": review.verdict if review else None,
        "note": visible(review.note) if review else "",
        "who": visible(review.who) if review else "",
        "given": given.isoformat() if given else None,  # A browser keeps no verdict that is older than that.
        "told": {name: row[name] for name in ("rule", "camera", "video_id", "start_s", "end_s")} | times,
    }
