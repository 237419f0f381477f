"""`emobatch review`: verdicts of people on events, and what is still open."""

import getpass
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analytics.errors import UsageError
from analytics.footage import is_url
from jobs.cli_config import ConfigOfOut, OutOfRun, out_named
from jobs.cli_options import Debug, Json, log_to_stderr

if TYPE_CHECKING:
    from analytics.events.reviews import Review
    from jobs.reviews import Reviewed

_SAY = "say useful, false-alarm, unclear, or open to withdraw one"


def review(
    ctx: typer.Context,
    out: OutOfRun = None,
    event: Annotated[
        str | None,
        typer.Argument(metavar="EVENT", help="Id of an event, or what no other begins with.", show_default="list them"),
    ] = None,
    verdict: Annotated[
        str | None,
        typer.Argument(
            metavar="useful|false-alarm|unclear|open",
            help="What came of it; open withdraws what was said before.",
            show_default=False,
        ),
    ] = None,
    note: Annotated[str | None, typer.Option(help="A remark; leave names of people out.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE.csv", readable=False, help="Take the verdicts copied out of the page."),
    ] = None,
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Who says so.", show_default="your login")] = None,
    config: ConfigOfOut = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Say of events whether they were worth a look; without EVENT, list those that nobody has reviewed.

    Verdicts are kept in OUT/reviews.jsonl and survive every run and evaluation.
    """
    log_to_stderr()
    from analytics.events.reviews import OPEN, VERDICTS

    if file is not None and (event is not None or note is not None):
        raise UsageError("--import takes the verdicts of a file", "leave EVENT, its verdict and --note out")
    if verdict is None and event in (*VERDICTS, OPEN):
        out, event, verdict = None, out, event  # As without OUT elsewhere, it is the one that the configuration names.
    if event is not None and verdict is None:
        raise UsageError(f"{event}: no verdict is given", _SAY)
    if event is None and note is not None:
        raise UsageError("--note belongs to a verdict", "name an event and a verdict")
    out = out_named(ctx, out, config)
    if file is None and (event is None or verdict is None):
        return _list(out, as_json)
    from jobs.reviews import Reviewed, imported, review_of

    name = who or _login()

    def given(known: Reviewed) -> list["Review"]:
        if file is not None:
            return imported(file, known, name)
        assert event is not None
        assert verdict is not None
        return [review_of(known.find(event), verdict, note or "", name, known)]

    told = _appended(out, given)
    if as_json:
        typer.echo(json.dumps({"out": out, "reviews": [one.to_json() for one in told]}))
        return 0
    for line in _said(told):
        typer.echo(line)
    return 0


def _appended(out: str, given: Callable[["Reviewed"], list["Review"]]) -> list["Review"]:
    """Append what `given` makes of the events that are there. In a folder a run may be at work meanwhile."""
    from analytics.events.reviews import append_reviews, need_file
    from analytics.purpose import purpose_at, purposes_below
    from jobs.access import note_access
    from jobs.opened import alone
    from jobs.results import Results
    from jobs.reviews import Reviewed, send_reviews
    from jobs.writing import disk_errors_told

    if is_url(out):
        with alone(out, "emobatch review") as folder:
            told: list[Review] = given(Reviewed.read(folder).need_events())
            note_access(out, "review", purpose_at(purposes_below(folder)), verdicts=len(told))
            send_reviews(folder, told)
            return told
    folder = Path(out)
    Results.opened(folder)
    told = given(Reviewed.read(folder).need_events())
    need_file(folder)
    note_access(out, "review", purpose_at(purposes_below(folder)), verdicts=len(told))
    with disk_errors_told(out, "no verdict is sure to be written"):
        append_reviews(folder, told)
    return told


def _list(out: str, as_json: bool) -> int:
    from analytics.events.reviews import FILE
    from analytics.listing import EVENTS
    from jobs.cli_events import line_of
    from jobs.events import time_zones_of
    from jobs.opened import for_reading
    from jobs.results import Results
    from jobs.reviews import Reviewed
    from jobs.screen import printable

    folder = for_reading(out, ("videos", EVENTS, FILE))
    Results.opened(folder)
    known = Reviewed.read(folder)
    zones = time_zones_of(folder)
    told = known.to_json()
    if as_json:
        typer.echo(json.dumps({"out": out, **told}))
        return 0
    for event in known.open:
        typer.echo(printable(f"{event['event_id']} {line_of(event, zones.get(event['video_id']))}"))
    for line in _counted(told):
        typer.echo(printable(line))
    if not known.events:
        typer.echo("the rules found none, or were not evaluated: `emobatch events` does it")
    return 0


def _counted(told: dict[str, Any]) -> Iterator[str]:
    from jobs.screen import count

    verdicts = ", ".join(f"{n:,} {name}" for name, n in told["verdicts"].items())
    are = "is" if len(told["open"]) == 1 else "are"
    yield f"{len(told['open']):,} of {count(told['events'], 'event')} {are} open; reviewed: {verdicts}"
    for rule, one in told["rules"].items():
        judged = one["useful"] + one["false_alarms"]
        if one["precision"] is not None:
            low, high = one["precision_low"], one["precision_high"]
            yield f"{rule}: {one['precision']:.0%} of {judged:,} judged were useful (95 %: {low:.0%} to {high:.0%})"
    if n := told["without_event"]:
        yield f"{count(n, 'verdict')} {'is' if n == 1 else 'are'} about events that are not there any more"


def _said(told: list["Review"]) -> Iterator[str]:
    from analytics.events.reviews import OPEN
    from jobs.screen import count, printable

    for one in told:
        yield printable(f"{one.verdict} {one.event_id} {one.rule} {one.camera or f'video {one.video_id}'}")
    if not told:
        yield "nothing new: all of it is known"
    else:
        withdrawn = sum(one.verdict == OPEN for one in told)
        numbers = ((len(told) - withdrawn, "written"), (withdrawn, "withdrawn"))
        done = ", ".join(f"{count(n, 'verdict')} {what}" for n, what in numbers if n)
        yield f"{done}; the next report shows {'it' if len(told) == 1 else 'them'}"


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # A user without a name, as in some containers.
        return "unknown"
