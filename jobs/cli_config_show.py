"""`emobatch config show`: the settings that hold, and where each came from."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from analytics.errors import UsageError
from jobs.cli_config import PREFIX, SHOWING, Configured, PassedOn, configured, place_of, run_command
from jobs.cli_options import Json
from jobs.config import NAME, Config, named, recorders_from
from jobs.config_events import rules_from
from jobs.config_values import PARSERS, nearest, option_of, parser_of
from jobs.toml_lines import Key

config_commands = typer.Typer(help="See the settings that hold.", no_args_is_help=True)


@dataclass(frozen=True)
class Held:
    """One line of `emobatch config show`."""

    setting: str
    value: Any
    source: str
    shown: str
    """The value as text for a person."""

    def to_json(self) -> dict[str, Any]:
        """With stable keys."""
        return {"setting": self.setting, "value": self.value, "source": self.source}


@config_commands.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def show(
    ctx: typer.Context,
    config: PassedOn = None,
    as_json: Json = False,
) -> int:
    """Print what `emobatch run` with the same options would do, and where each value came from.

    Takes all options of `emobatch run`.
    """
    ctx.meta[SHOWING] = True
    given = [*(() if config is None else ("--config", str(config))), *ctx.args]
    command = run_command(ctx)
    with command.make_context("run", given, parent=ctx.find_root()) as run:
        held = [*_held(command, run), *_held_below(configured(run)), *_held_of_events(configured(run))]
        unknown = _unknown_variables(command)
        path = configured(run).path
    if as_json:
        found = {"file": None if path is None else str(path), "settings": [one.to_json() for one in held]}
        typer.echo(json.dumps({**found, "unknown_variables": unknown}))
        return 0
    from jobs.screen import printable

    typer.echo(printable(f"{path}" if path else f"no {NAME} here, and none named"))
    width = max(len(one.setting) for one in held)
    source_width = max(len(one.source) for one in held)
    for one in held:
        typer.echo(printable(f"{one.setting:{width}}  {one.source:{source_width}}  {one.shown}"))
    for name, remedy in unknown.items():
        typer.echo(printable(f"{name} is in the environment and no setting: {remedy}"))
    return 0


def _held(command: Configured, ctx: Any) -> Iterator[Held]:
    for name, parameter in command.settings():
        value = ctx.params.get(parameter.name)
        source = ctx.get_parameter_source(parameter.name)
        # The file's values were checked as it was read, and the defaults are right.
        if name in PARSERS and source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT"):
            _check(name, value, place_of(ctx, parameter))
        if isinstance(value, tuple | list):
            value = [str(item) for item in value]
        elif isinstance(value, Path):
            value = str(value)
        default = parameter.show_default if isinstance(parameter.show_default, str) else None
        yield Held(name, value, place_of(ctx, parameter), _shown(value) or default or "-")


def _check(name: str, value: str, source: str) -> None:
    """As a run does after the command line was parsed."""
    try:
        parser_of(name)(value)
    except UsageError as error:
        if source.startswith("--"):
            raise
        problem = error.problem.removeprefix(f"{option_of(name)} ")
        raise UsageError(f"{source}: {problem}", error.remedy) from None


def _held_below(config: Config) -> Iterator[Held]:
    """Recorders and cameras."""
    recorders_from(config)
    for entry in config.recorders:
        for field in ("pattern", "preset", "timezone", "camera"):
            if (value := getattr(entry, field)) is not None:
                place = config.place("recorder", entry.number, field)
                yield Held(f"recorder.{entry.number}.{field}", value, place, value)
    for name, value in config.purpose.items():
        yield Held(named(("purpose", name)), value, config.place("purpose", name), value)
    for camera, values in config.cameras.items():
        for name, value in values.items():
            key = ("camera", camera, name)
            yield Held(named(key), value, config.place(*key), _shown(value))


def _held_of_events(config: Config) -> Iterator[Held]:
    """Zones, rules, and what is said of emobatch's own, as it stands in the file."""
    rules_from(config)
    for section in ("zone", "rule"):
        for number, table in enumerate(config.of_events.get(section, ())):
            for name, value in table.items():
                yield _as_it_stands(config, f"{section}.{number}.{name}", (section, number, name), value)
    for name, value in config.of_events.get("events", {}).items():
        if isinstance(value, dict):
            for of_it, its in value.items():
                yield _as_it_stands(config, f"events.{name}.{of_it}", ("events", name, of_it), its)
        else:
            yield _as_it_stands(config, f"events.{name}", ("events", name), value)


def _as_it_stands(config: Config, setting: str, key: Key, value: Any) -> Held:
    return Held(setting, value, config.place(*key), value if isinstance(value, str) else json.dumps(value))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(item if isinstance(item, str) else json.dumps(item) for item in value)
    return "" if value is None else str(value)


def _unknown_variables(command: Configured) -> dict[str, str]:
    """Variables that look as if they were meant for emobatch, with what to do about each."""
    known = [f"{PREFIX}CONFIG", *(PREFIX + name.upper() for name, _ in command.settings())]
    return {name: nearest(name, known) for name in sorted(os.environ) if name.startswith(PREFIX) and name not in known}
