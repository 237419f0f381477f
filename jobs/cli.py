"""The command line. Nothing heavy is imported before a command is known: --help answers at once."""

import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Final

import typer

from analytics.errors import EmobatchError
from emobatch import __version__
from jobs import (
    cli_archive,
    cli_compare,
    cli_config_show,
    cli_dataset,
    cli_doctor,
    cli_events,
    cli_explain,
    cli_export,
    cli_models,
    cli_predict,
    cli_redact,
    cli_results,
    cli_review,
    cli_run,
    cli_schedule,
    cli_train,
)
from jobs.cli_config import Configured
from jobs.cli_options import Debug, debugging, left_by_interrupt, log_to_stderr

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
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup has it ignored. A terminal that is closed sends it.
        signal.signal(signal.SIGHUP, signal.default_int_handler)
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
        _screen_error(f"interrupted: {left_by_interrupt()}")
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


app.command(cls=Configured)(cli_run.run)
app.command()(cli_results.report)
app.command()(cli_results.status)
app.command()(demo)
app.command(context_settings=cli_doctor.PASSING_ON)(cli_doctor.doctor)
app.command()(cli_archive.compact)
app.command()(cli_archive.purge)
app.command()(cli_export.export)
app.command()(cli_events.events)
app.command()(cli_review.review)
app.command()(cli_schedule.schedule)
app.command()(cli_predict.predict)
app.command()(cli_redact.redact)
app.command()(cli_redact.annotate)
app.command()(cli_models.evaluate)
app.command()(cli_dataset.dataset)
app.command()(cli_train.train)
app.command()(cli_explain.explain)
app.add_typer(cli_models.models, name="models")
app.add_typer(cli_compare.compare, name="compare")
app.add_typer(cli_config_show.config_commands, name="config")
