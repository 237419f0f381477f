"""`emobatch doctor`: whether tonight's run would do what is meant, looked at before it."""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analytics.errors import UsageError
from analytics.footage import is_url
from jobs.cli_config import PREFIX, SHOWING, PassedOn, config_of, configured, run_command
from jobs.cli_options import Debug, Json, log_to_stderr
from jobs.config import NAME, Config, recorders_from
from jobs.mistakes import Tell, telling

if TYPE_CHECKING:
    from jobs.doctor import Finding

PASSING_ON: Final = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Context settings of a command that takes all options of `emobatch run`."""


def doctor(
    ctx: typer.Context,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder that the run will write.", show_default="out"),
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="Face detector that the run will use.", show_default="yunet")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Classifier that the run will use.", show_default="default")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Dask scheduler that the run will use.")
    ] = None,
    config: PassedOn = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Tell what would break tonight: settings, camera rules, versions, codecs, models, disk, workers; with remedies.

    Takes all options and sources of `emobatch run`, and those of emobatch.toml.
    """
    log_to_stderr()
    from jobs.screen import printable

    named = {"--out": out, "--detector": detector, "--model": model, "--scheduler": scheduler}
    given = [word for option, value in named.items() if value is not None for word in (option, value)]
    findings = []
    words = [*(("--config", str(config)) if config else ()), *given, *ctx.args]
    for finding in _findings(ctx, config, words, Path("out") if out is None or is_url(out) else Path(out)):
        findings.append(finding)
        if not as_json:
            typer.echo(printable(f"{finding.level:8} {finding.what}: {finding.found}"))
            if finding.remedy:
                typer.echo(printable(f"{'':8} remedy: {finding.remedy}"))
    if as_json:
        typer.echo(json.dumps({"findings": [finding.to_json() for finding in findings]}))
    return 2 if any(finding.level == "problem" for finding in findings) else 0


def _findings(ctx: typer.Context, config: Path | None, given: list[str], out: Path) -> "Iterator[Finding]":
    from jobs.cli_run import options_of
    from jobs.doctor import Finding, examine
    from jobs.options import RunOptions

    ctx.meta[SHOWING] = True
    try:
        with run_command(ctx).make_context("run", given, parent=ctx.find_root()) as run:
            options, path = options_of(run.params, configured(run)), configured(run).path
    except UsageError as error:
        named = config or (Path(file) if (file := os.environ.get(f"{PREFIX}CONFIG")) else None)
        found = mistakes(partial(config_of, ctx, named))
        # It may be of the command line, or of how settings go together.
        for one in found if any(one.problem == error.problem for one in found) else [error, *found]:
            yield Finding("problem", "settings", one.problem, one.remedy)
        # The machine is looked at all the same.
        yield from examine(RunOptions(sources=(), out=out), is_set=False)
    else:
        yield Finding("ok", "settings", f"{path}, every line of it" if path else f"no {NAME} here, and none named")
        yield from examine(options)


def mistakes(read: Callable[[Tell], Config]) -> list[UsageError]:
    """All that is wrong with a configuration, as far as it can be told at once.

    Args:
        read: reads it, and tells what cannot be.
    """
    from jobs.config_events import rules_from
    from jobs.purpose import purpose_from

    found: list[UsageError] = []
    with telling(found.append):
        held = read(found.append)
        recorders_from(held, found.append)
        # What is forbidden may depend on what was left out.
        if {key[1] for key in held.lines if len(key) == 2 and key[0] == "purpose"} == held.purpose.keys():
            with telling(found.append):
                purpose_from(held)
        rules_from(held, found.append)
    return found
