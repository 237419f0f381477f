"""`emobatch run`, and what its options come to, which other commands read in the same way."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli_config import ConfigFile, configured
from jobs.cli_options import Debug, Json, LinkFootage, Quiet, log_to_stderr
from jobs.config import Config, cameras_from, recorders_from

if TYPE_CHECKING:
    from jobs.options import RunOptions


def run(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE…", help="Files, folders, globs, s3:// URLs, or @lists with one source a line."),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR|s3://…", help="Folder for tables and reports, or a URL.")
    ] = "out",
    every: Annotated[str, typer.Option(help="Seconds between sampled frames.")] = "0.5",
    gate: Annotated[
        str, typer.Option(metavar="on|off", help="Search only what has changed, and everything every ten seconds.")
    ] = "on",
    keyframes: Annotated[
        bool, typer.Option("--keyframes", help="Decode keyframes alone: many times as fast, and coarser.")
    ] = False,
    detector: Annotated[str, typer.Option(help="Face detector: yunet, haar, mtcnn.")] = "yunet",
    model: Annotated[str, typer.Option(help="Classifier: a shipped name or a .tflite file.")] = "default",
    camera: Annotated[str | None, typer.Option(help="Name of the camera that recorded all sources.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 works in this one.", show_default="one a core")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Use the workers of this Dask scheduler.")
    ] = None,
    segment: Annotated[str, typer.Option(help="Seconds of footage in one task; a multiple of 10.")] = "300",
    stall: Annotated[float, typer.Option(min=1, help="Give a video up after so many seconds without progress.")] = 600,
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Dask's dashboard, on this machine alone.")] = False,
    mirror: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", readable=False, help="Where an s3:// --out is worked on here.", show_default="in your cache"
        ),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Time zone of the cameras' clocks, such as Europe/Berlin.")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only files whose path ends like this; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="No files whose path ends like this; may be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only what was recorded since: YYYY-MM-DD, or 7d for a week.")
    ] = None,
    hours: Annotated[
        str | None, typer.Option(metavar="22:30-06", help="Only what began in these hours of the camera's day.")
    ] = None,
    newest_first: Annotated[bool, typer.Option("--newest-first", help="Begin with the latest recordings.")] = False,
    stable_for: Annotated[
        str, typer.Option(help="Leave files that changed within this time for later, as they may still be written.")
    ] = "2m",
    until: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="Begin nothing more after this time of day.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try videos again that failed or are partial.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Decode again what changed settings ask for, however much it is.")
    ] = False,
    link_footage: LinkFootage = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="Keep a small picture of each track, faces blurred, for the pages.")
    ] = False,
    clear_faces: Annotated[bool, typer.Option("--clear-faces", help="With thumbnails: do not blur the faces.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Process recorded video into tables and reports."""
    log_to_stderr(quiet)
    options = options_of(ctx.params, configured(ctx))
    from jobs.run import plan as plan_all
    from jobs.run import run as run_all
    from jobs.screen import Screen

    if dry_run:
        agenda = plan_all(options)
        if as_json:
            typer.echo(json.dumps(agenda.to_json()))
        elif not quiet:
            Screen().agenda(agenda)
        return 0
    with Screen(quiet=quiet) as screen:
        summary = run_all(options, screen)
    screen.summary(summary, f"{options.named_out}/reports/index.html")
    if as_json:
        typer.echo(json.dumps(summary.to_json()))
    return summary.exit_code


def options_of(given: Mapping[str, Any], configuration: Config) -> "RunOptions":
    """What the parameters of the command, as its context has them, and the configuration come to.

    Raises:
        UsageError: a value that cannot be.
    """
    from jobs.config_events import rules_from
    from jobs.masked import check_names
    from jobs.moments import next_time, parse_date, parse_every, parse_gate, parse_hours, parse_segment, parse_span
    from jobs.options import RunOptions, placed
    from jobs.purpose import purpose_from

    folder, url = placed(given["out"], given["mirror"])
    since, hours, until = given["since"], given["hours"], given["until"]
    options = RunOptions(
        sources=tuple(given["sources"] or ()),
        out=folder,
        url=url,
        every=parse_every(given["every"]),
        gate=parse_gate(given["gate"]),
        keyframes=given["keyframes"],
        detector=given["detector"],
        model=given["model"],
        camera=given["camera"] or None,
        workers=given["workers"],
        scheduler=given["scheduler"],
        segment=parse_segment(given["segment"]),
        stall_s=given["stall"],
        dashboard=given["dashboard"],
        recorders=recorders_from(configuration),
        cameras=cameras_from(configuration),
        events=rules_from(configuration),
        timezone=given["timezone"],
        include=tuple(given["include"] or ()),
        exclude=tuple(given["exclude"] or ()),
        since=parse_date("--since", since) if since else None,
        hours=parse_hours("--hours", hours) if hours else None,
        newest_first=given["newest_first"],
        stable_for_s=parse_span("--stable-for", given["stable_for"]),
        until=next_time("--until", until) if until else None,
        retry_failed=given["retry_failed"],
        force=given["force"],
        link_footage=given["link_footage"],
        thumbnails=given["thumbnails"],
        clear_faces=given["clear_faces"],
        purpose=purpose_from(configuration),
    )
    check_names(options, lambda camera: f"{configuration.place('camera', camera, 'masks')}: camera {camera}")
    return options
