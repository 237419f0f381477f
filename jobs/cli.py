"""The command line. Nothing heavy is imported before a command is known: --help answers at once."""

import json
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Final

import typer

from analytics.errors import EmobatchError
from emobatch import __version__
from jobs import cli_archive, cli_config_show, cli_export, cli_models, cli_predict, cli_results, cli_schedule
from jobs.cli_config import ConfigFile, Configured, configured
from jobs.cli_options import Debug, Json, Quiet, debugging, log_to_stderr
from jobs.config import cameras_from, recorders_from

app = typer.Typer(
    name="emobatch",
    help="Batch video analytics: faces, tracks and apparent expressions of recorded video, as Parquet tables and "
    "HTML reports. An apparent expression is what a face looks like; it proves nothing about feelings or intent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

EXIT_INTERRUPTED: Final = 130


def run_command_line() -> None:
    """Run the command line and exit: the only place that prints errors."""
    # Schedulers send SIGTERM; scripts that start a command with & leave SIGINT ignored. Both end a run.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.default_int_handler)
    try:
        code = app(standalone_mode=False, prog_name="emobatch")
    except (typer.Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    except EmobatchError as error:
        if debugging():
            traceback.print_exc()
        _screen_error(str(error))
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        if problem := error.format_message():  # There is none where the help was asked for by giving no command.
            context = getattr(error, "ctx", None)
            _screen_error(f"{problem.rstrip('.')}: see {context.command_path if context else 'emobatch'} --help")
        sys.exit(error.exit_code)
    except Exception as error:
        if debugging():
            raise
        _screen_error(f"internal error, {type(error).__name__}: {error}: run again with --debug and report it")
        sys.exit(1)
    # Typer takes Ctrl-C for itself and returns this code instead.
    if code == EXIT_INTERRUPTED:
        _screen_error("interrupted: what was finished is kept")
    sys.exit(code if isinstance(code, int) else 0)


def _screen_error(text: str) -> None:
    from jobs.screen import Screen

    Screen().error(text)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"emobatch {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(cls=Configured)
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
        str | None, typer.Option(metavar="22-06", help="Only what began in these hours of the camera's day.")
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
    config: ConfigFile = None,
    as_json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> int:
    """Process recorded video into tables and reports."""
    log_to_stderr(quiet)
    from jobs.moments import next_time, parse_date, parse_every, parse_hours, parse_segment, parse_span
    from jobs.options import RunOptions, placed

    configuration = configured(ctx)
    folder, url = placed(out, mirror)
    options = RunOptions(
        sources=tuple(sources),
        out=folder,
        url=url,
        every=parse_every(every),
        detector=detector,
        model=model,
        camera=camera or None,
        workers=workers,
        scheduler=scheduler,
        segment=parse_segment(segment),
        stall_s=stall,
        dashboard=dashboard,
        recorders=recorders_from(configuration),
        cameras=cameras_from(configuration),
        timezone=timezone,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        since=parse_date("--since", since) if since else None,
        hours=parse_hours("--hours", hours) if hours else None,
        newest_first=newest_first,
        stable_for_s=parse_span("--stable-for", stable_for),
        until=next_time("--until", until) if until else None,
        retry_failed=retry_failed,
        force=force,
    )
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


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", readable=False, help="Folder for clip, tables and reports.")
    ] = Path("out/demo"),
    debug: Debug = False,
) -> int:
    """Run a short built-in clip, offline, and print the path of its report."""
    log_to_stderr()
    from jobs.demo_clip import copy_demo_clip
    from jobs.options import RunOptions
    from jobs.run import run as run_all
    from jobs.screen import Screen

    clip = copy_demo_clip(out / "footage")
    with Screen() as screen:
        summary = run_all(RunOptions(sources=(str(clip),), out=out, workers=0), screen)
    index = out / "reports" / "index.html"
    screen.summary(summary)
    typer.echo(index.absolute())
    return summary.exit_code


@app.command()
def doctor(
    out: Annotated[Path, typer.Option("--out", "-o", readable=False, help="Folder that the run will write.")] = Path(
        "out"
    ),
    detector: Annotated[str, typer.Option(help="Face detector that the run will use.")] = "yunet",
    model: Annotated[str, typer.Option(help="Classifier that the run will use.")] = "default",
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Dask scheduler that the run will use.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Tell what would break tonight: versions, codecs, models, disk, workers; each with its remedy."""
    log_to_stderr()
    from jobs.doctor import examine
    from jobs.options import RunOptions
    from jobs.screen import printable

    options = RunOptions(sources=(), out=out, detector=detector, model=model, scheduler=scheduler)
    findings = []
    for finding in examine(options):
        findings.append(finding)
        if not as_json:
            typer.echo(printable(f"{finding.level:8} {finding.what}: {finding.found}"))
            if finding.remedy:
                typer.echo(printable(f"{'':8} remedy: {finding.remedy}"))
    if as_json:
        typer.echo(json.dumps({"findings": [finding.to_json() for finding in findings]}))
    return 2 if any(finding.level == "problem" for finding in findings) else 0


app.command()(cli_results.report)
app.command()(cli_results.status)
app.command()(cli_archive.compact)
app.command()(cli_archive.purge)
app.command()(cli_export.export)
app.command()(cli_schedule.schedule)
app.command()(cli_predict.predict)
app.command()(cli_models.evaluate)
app.command()(cli_models.train)
app.add_typer(cli_models.models, name="models")
app.add_typer(cli_config_show.config_commands, name="config")
