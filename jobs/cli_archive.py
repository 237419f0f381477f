"""`emobatch compact` and `emobatch purge`: keep an archive of results in shape."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from analytics.footage import is_url
from jobs.cli_config import ConfigOfOut, OutOfRun, out_named
from jobs.cli_options import Debug, Json, log_to_stderr

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]


def compact(
    ctx: typer.Context,
    out: OutOfRun = None,
    config: ConfigOfOut = None,
    dry_run: DryRun = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Put the tables of many videos into one file a table, day and camera."""
    log_to_stderr()
    from analytics.purpose import purpose_at, purposes_below
    from jobs.access import note_access
    from jobs.compact import compact_days
    from jobs.opened import alone
    from jobs.screen import printable

    out = out_named(ctx, out, config)
    with alone(out, "emobatch compact") as folder:
        if not dry_run:
            note_access(out, "compact", purpose_at(purposes_below(folder)))
        done = compact_days(folder, None, least=2, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"partitions": done.partitions, "videos": done.videos, "damaged": list(done.damaged)}))
    else:
        would = "would be put" if dry_run else "put"
        typer.echo(f"{done.videos:,} videos {would} together in {done.partitions:,} folders of a day and camera")
    for problem in done.damaged:
        typer.echo(f"emobatch: {printable(problem)}", err=True)
    return 3 if done.damaged else 0


def purge(
    ctx: typer.Context,
    older_than: Annotated[
        str, typer.Option(metavar="30d", help="Age of a recording; of its processing where the start is unknown.")
    ],
    out: OutOfRun = None,
    config: ConfigOfOut = None,
    force: Annotated[
        bool, typer.Option("--force", help="Remove all there is, even if the last run is as old.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Remove tables, pages and state of old videos; never footage. They do not come back with the next run."""
    log_to_stderr()
    from analytics.purpose import purpose_at, purposes_below
    from jobs.access import note_access
    from jobs.moments import moment_before
    from jobs.opened import alone
    from jobs.purge import FINISHED_AT
    from jobs.purge import purge as purge_all
    from jobs.screen import printable
    from reports.site import write_site

    before = moment_before(datetime.now(UTC), older_than)
    out = out_named(ctx, out, config)
    with alone(out, "emobatch purge") as folder:
        if not dry_run:
            note_access(out, "purge", purpose_at(purposes_below(folder)), older_than=older_than)
        done = purge_all(folder, before, dry_run, force)
        if done.log or done.pages_left:
            write_site(folder, in_bucket=is_url(out), gone=done.gone)
    told = done.to_json()
    if told["log"] and is_url(out):
        told["log"] = told["log"].replace(str(folder), out.rstrip("/"), 1)
    if as_json:
        typer.echo(json.dumps(told))
        return 0
    for one in done.videos:
        moment, decided_by = done.decided(one)
        known = decided_by != FINISHED_AT
        why = (
            f"recorded {moment:%Y-%m-%d %H:%M} UTC ({decided_by})"
            if known
            else f"start unknown, processed {moment:%Y-%m-%d %H:%M} UTC"
        )
        typer.echo(printable(f"{'would remove' if dry_run else 'removed'} {one.video_id} {one.source}: {why}"))
    typer.echo(f"{len(done.videos):,} videos" + (f"; log: {told['log']}" if told["log"] else ""))
    return 0
