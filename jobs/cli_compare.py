"""The commands that set several classifiers side by side."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jobs import cli_lab
from jobs.cli_options import Debug, Json, log_to_stderr

compare = typer.Typer(help="Set classifiers side by side.", no_args_is_help=True)


@compare.callback()
def _group() -> None:
    """Set classifiers side by side."""


@compare.command()
def evaluations(
    evaluated: Annotated[
        list[Path], typer.Argument(metavar="EVALUATION…", help="Folders that `emobatch evaluate --out` made.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for comparison.html, .csv and .json.")],
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Draw a page that compares evaluations of several classifiers on the same pictures."""
    log_to_stderr()
    from reports.comparison import differences, read_evaluation, write_comparison

    read = [read_evaluation(path) for path in evaluated]
    page = write_comparison(out, read)
    for difference in differences(read):
        typer.echo(f"not comparable: {difference}", err=True)
    typer.echo(json.dumps({"rows": [one.row for one in read]}) if as_json else page)
    return 0


compare.command()(cli_lab.nets)
compare.command()(cli_lab.heads)
