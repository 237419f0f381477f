"""`emobatch events`: the rules of emobatch.toml, evaluated over the tables without the footage."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analytics.errors import UsageError
from jobs.cli_config import PREFIX, OutOfRun, config_of, out_named
from jobs.cli_options import Debug, Json, log_to_stderr
from jobs.config import NAME, Config

if TYPE_CHECKING:
    from analytics.events.rules import EventRules
    from jobs.events import Evaluated

ConfigOfRules = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        readable=False,
        show_default=f"{NAME}, where there is one",
        help="Configuration that holds the rules.",
    ),
]


def events(
    ctx: typer.Context,
    out: OutOfRun = None,
    config: ConfigOfRules = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell which events would come, go or change; write nothing.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Pick out moments worth a look, by the rules of emobatch.toml, over tables that are there.

    An apparent expression is what a face looks like; no event says anything about intent.
    """
    log_to_stderr()
    named = os.environ.get(f"{PREFIX}CONFIG")
    configuration = config_of(ctx, config or (Path(named) if named else None))
    rules = _rules_of(configuration)
    out = out_named(ctx, out, config)
    from analytics.purpose import purpose_at, purposes_below
    from jobs.access import note_access
    from jobs.events import evaluate
    from jobs.opened import alone, for_reading
    from jobs.results import Results
    from jobs.screen import printable

    if dry_run:
        folder = for_reading(out, ("videos", "tracks", "faces", "events"))
        Results.opened(folder)
        done = evaluate(folder, rules, dry_run=True)
    else:
        with alone(out, "emobatch events") as folder:
            note_access(out, "events", purpose_at(purposes_below(folder)))
            done = evaluate(folder, rules)
    if as_json:
        typer.echo(json.dumps({"out": out, "dry_run": dry_run, **done.to_json()}))
    else:
        for line in _lines(done, dry_run):
            typer.echo(printable(line))
    for warning in done.warnings:
        typer.echo(f"emobatch: {printable(warning)}", err=True)
    return 0


def _rules_of(configuration: Config) -> "EventRules":
    from jobs.config_events import rules_from
    from jobs.purpose import purpose_from

    purpose_from(configuration)  # Refused here as it is in a run.
    rules = rules_from(configuration)
    if rules is None:
        problem = f"{configuration.path}: holds no rule" if configuration.path else f"no {NAME} is here, and none named"
        raise UsageError(problem, 'write [[rule]], or [events] with use = ["crowding"]: see docs/events.md')
    return rules


def _lines(done: "Evaluated", dry_run: bool) -> Iterator[str]:
    """What a person reads: first what changes, then what there is."""
    for mark, rows in (("+", done.added), ("-", done.removed), ("~", [after for _, after in done.changed])):
        yield from (f"{mark} {line_of(row, done.time_zones.get(row['video_id']))}" for row in rows)
    from jobs.screen import count, duration

    told = done.to_json()
    counts = ", ".join(f"{n} {rule}" for rule, n in told["by_rule"].items()) or "none"
    would = "would be" if dry_run else "are"
    yield f"{count(told['events'], 'event')} in {duration(told['hours'] * 3600)} of recordings: {counts}"
    numbers = [
        (len(told[name]), what) for name, what in (("added", "new"), ("removed", "gone"), ("changed", "changed"))
    ]
    changes = [f"{n:,} {would if n != 1 else 'would be' if dry_run else 'is'} {what}" for n, what in numbers]
    yield f"{', '.join(changes)}, {told['unchanged']:,} unchanged"
    if done.still:
        yield _left_out(told["still"])


def _left_out(still: Mapping[str, Any]) -> str:
    """Who no rule looked at: an analyst who misses somebody learns why, and what to do."""
    from jobs.screen import count, duration

    longest = still["longest"]
    cameras = ", ".join(f"{named or 'of no known camera'} {of_it:,}" for named, of_it in still["by_camera"].items())
    stays = f"{count(still['stays'], 'stay')}, {count(still['tracks'], 'track')}"
    the_longest = "" if still["stays"] == 1 else "the longest "
    return (
        f"what hardly moves was left out as still pictures, such as posters, at {count(still['places'], 'place')} "
        f"({stays}): {cameras}; {the_longest}from track {longest['track_id']} of video {longest['video_id']} on, "
        f"for {duration(longest['seconds'])}. For people who stand or sit as still, set still below [events]"
    )


def line_of(row: Any, time_zone: str | None) -> str:
    """An event in one line, as a person reads it, with its time by the clock of its camera."""
    from reports.text import moment

    where = row["camera"] or f"video {row['video_id']}"
    when = moment(row["time"], time_zone) if row["time"] else f"at {row['start_s']:.1f} s"
    return f"{row['severity']:6} {row['rule']} {where} {when}: {row['evidence']}"
