"""`emobatch compact` and `emobatch purge`: keep an archive of results in shape."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from analytics.errors import EmobatchError
from jobs.cli_options import Debug, Json, log_to_stderr

Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder of an earlier run.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]


def compact(out: Out, dry_run: DryRun = False, as_json: Json = False, debug: Debug = False) -> int:
    """Put the tables of many videos into one file a table, day and camera."""
    log_to_stderr()
    from jobs.compact import compact_days

    with _alone(out, "compact"):
        done = compact_days(out, None, least=2, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"partitions": done.partitions, "videos": done.videos}))
    else:
        would = "would be put" if dry_run else "put"
        typer.echo(f"{done.videos:,} videos {would} together in {done.partitions:,} folders of a day and camera")
    return 0


def purge(
    out: Out,
    older_than: Annotated[
        str, typer.Option(metavar="30d", help="Age of a recording; of its processing where the start is unknown.")
    ],
    dry_run: DryRun = False,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Remove tables, pages and state of old videos; never footage. They do not come back with the next run."""
    log_to_stderr()
    from jobs.moments import parse_span
    from jobs.purge import purge as purge_all
    from jobs.screen import printable
    from reports.site import write_site

    before = datetime.now(UTC) - timedelta(seconds=parse_span("--older-than", older_than))
    with _alone(out, "purge"):
        done = purge_all(out, before, dry_run)
        if done.log:
            write_site(out)
    if as_json:
        typer.echo(json.dumps(done.to_json()))
        return 0
    for one in done.videos:
        typer.echo(printable(f"{'would remove' if dry_run else 'removed'} {one.video_id} {one.source}"))
    typer.echo(f"{len(done.videos):,} videos" + (f"; log: {done.log}" if done.log else ""))
    return 0


@contextmanager
def _alone(out: Path, command: str) -> Iterator[None]:
    """Hold the lock of OUT, in which results must be; complete what was interrupted."""
    from analytics.commit import complete
    from jobs.lock import locked
    from jobs.results import Results

    Results.opened(out)
    try:
        with locked(out, f"emobatch {command}"):
            complete(out)
            yield
    except OSError as error:
        where = error.filename or out
        raise EmobatchError(
            f"{where}: {error.strerror or error}", "free or mend the disk and run again; nothing is half-written"
        ) from error
