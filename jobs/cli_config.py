"""The command line over the environment over emobatch.toml over defaults."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

from analytics.errors import UsageError
from analytics.footage import is_url
from jobs.config import NAME, Config, read_config
from jobs.config_values import Kind, Setting, option_of
from jobs.mistakes import Tell, raised

PREFIX: Final = "EMOBATCH_"
"""Of the environment variables: EMOBATCH_NEWEST_FIRST is --newest-first."""
_NO_SETTING: Final = ("config", "help")
_CONFIG: Final = "emobatch.config"
"""Key of a context's meta: the Config that was read."""
SHOWING: Final = "emobatch.showing"
"""Key of a context's meta: nothing will be done, so nothing is missing."""
_KINDS: Final[dict[Any, Kind]] = {bool: "flag", int: "whole", float: "number", str: "text", Path: "path"}

Parameter = TyperOption | TyperArgument


def configured(ctx: Any) -> Config:
    """What the configuration file of this command holds; nothing where there is none.

    Args:
        ctx: the command's typer.Context, or the private one that Typer makes of it.
    """
    config = ctx.meta.get(_CONFIG)
    return config if isinstance(config, Config) else Config()


class Configured(TyperCommand):
    """A command whose options may also stand in the environment and in emobatch.toml.

    An error about a value that came from there says from where, as it would name the option otherwise.
    It needs a parameter of the type ConfigFile.
    """

    def __init__(self, *arguments: Any, **named_arguments: Any) -> None:
        super().__init__(*arguments, **named_arguments)
        self.needed = [parameter for _, parameter in self.settings() if parameter.required]
        for name, parameter in self.settings():
            parameter.required = False  # Said by parse_args(), which knows where else it may stand.
            parameter.envvar = PREFIX + name.upper()
            parameter.show_envvar = False  # One sentence in the help of --config says it for all.
            parameter.split_envvar_value = _listed  # type: ignore[assignment]

    def settings(self) -> Iterator[tuple[str, Parameter]]:
        """The names of the settings as the file has them, each with its parameter."""
        for parameter in self.params:
            assert isinstance(parameter, Parameter)
            if (name := _setting_name(parameter)) not in _NO_SETTING:
                yield name, parameter

    def make_parser(self, ctx: Any) -> Any:
        """Adds the negation of each flag: what a file turned on must be possible to turn off."""
        parser = super().make_parser(ctx)
        for name, parameter in self.settings():
            if isinstance(parameter, TyperOption) and parameter.is_flag and not parameter.secondary_opts:
                off = option_of(f"no_{name}")
                parser.add_option(obj=parameter, opts=[off], dest=parameter.name, action="store_const", const=False)
        return parser

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does; the callback of ConfigFile has set the defaults before other values are looked for."""
        try:
            rest = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            origin = error.param and self._origin(ctx, error.param)
            if not origin:
                raise
            given = _raw(ctx, error.param)
            problem = error.message.rstrip(".")
            raise UsageError(
                f"{origin}: {given}: {problem[:1].lower()}{problem[1:]}", f"see {ctx.command_path} --help"
            ) from None
        for parameter in self.needed:
            if not ctx.params.get(parameter.name) and not ctx.resilient_parsing and SHOWING not in ctx.meta:
                raise UsageError(
                    f"Missing argument '{parameter.metavar or parameter.name}'",
                    f"name it, or give {_setting_name(parameter)} in {NAME}; see {ctx.command_path} --help",
                )
        return rest

    def invoke(self, ctx: Any) -> Any:
        """As Typer does; options that are parsed later are told by their origin, too."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            for _, parameter in self.settings():
                for option in parameter.opts:
                    if error.problem.startswith((f"{option} ", f"{option}:")) and (
                        origin := self._origin(ctx, parameter)
                    ):
                        rest = error.problem[len(option) :].lstrip(": ")
                        raise type(error)(f"{origin}: {rest}", error.remedy) from error
            raise

    def _origin(self, ctx: Any, parameter: Any) -> str | None:
        """How an error begins that is about a value which is not of the command line."""
        place = place_of(ctx, parameter)
        source = ctx.get_parameter_source(parameter.name)
        name = _setting_name(parameter)
        return {"DEFAULT_MAP": f"{place}: {name}", "ENVIRONMENT": place}.get(source.name) if source else None


def place_of(ctx: Any, parameter: Parameter) -> str:
    """Where a value came from: `emobatch.toml:7`, `EMOBATCH_EVERY`, `--every`, `default`."""
    name = _setting_name(parameter)
    source = ctx.get_parameter_source(parameter.name)
    if source is not None and source.name == "COMMANDLINE":
        return next((opt for opt in parameter.opts if opt.startswith("--")), "command line")
    if source is not None and source.name == "ENVIRONMENT":
        return PREFIX + name.upper()
    if source is not None and source.name == "DEFAULT_MAP":
        return configured(ctx).place("run", name)
    return "default"


def _raw(ctx: Any, parameter: Any) -> object:
    """A value from the environment or the file as it stands there."""
    name = _setting_name(parameter)
    source = ctx.get_parameter_source(parameter.name)
    if source is not None and source.name == "ENVIRONMENT":
        return os.environ.get(PREFIX + name.upper())
    return configured(ctx).run.get(name)


def _setting_name(parameter: Any) -> str:
    options = [option for option in parameter.opts if option.startswith("--")]
    return options[0].removeprefix("--").replace("-", "_") if options else str(parameter.name)


def _listed(text: str) -> list[str]:
    """A list in an environment variable: one item a line, or between colons where there is but one line.

    The colon of s3://… is none, and text that has both must end with a line break.
    """
    if "\n" in text:
        return [line for line in text.split("\n") if line]
    items: list[str] = []
    for part in text.split(os.pathsep):
        if part.startswith("//") and items:
            items[-1] += os.pathsep + part
        elif part:
            items.append(part)
    return items


def run_command(ctx: typer.Context) -> Configured:
    """`emobatch run`, whose options are what [run] may hold, whichever command reads it."""
    command = getattr(ctx.find_root().command, "commands", {}).get("run", ctx.command)
    assert isinstance(command, Configured)
    return command


def _kind(parameter: Parameter) -> Setting:
    if parameter.nargs == -1 or getattr(parameter, "multiple", False):
        return Setting(kind="texts")
    return Setting(kind=_KINDS.get(parameter.type_descriptor.annotation, "text"))


def config_of(ctx: typer.Context, path: Path | None, tell: Tell = raised) -> Config:
    """What the named file holds, or else the one in this folder; nothing where there is none.

    Raises:
        UsageError: it cannot be read, or holds what cannot be, of which `tell` is told.
    """
    if path is None and os.path.lexists(NAME):  # A broken link is told, not passed over.
        path = Path(NAME)
    if path is None:
        return Config()
    return read_config(path, {name: _kind(parameter) for name, parameter in run_command(ctx).settings()}, tell)


def out_named(ctx: typer.Context, out: str | None, config: Path | None) -> str:
    """OUT as it was given, or else as a run that is started here has it from the environment or emobatch.toml.

    Raises:
        UsageError: nothing names it, or the configuration cannot be read.
    """
    if out is not None:
        return out
    if named := os.environ.get(f"{PREFIX}OUT"):
        return named
    named_file = os.environ.get(f"{PREFIX}CONFIG")
    if named := config_of(ctx, config or (Path(named_file) if named_file else None)).run.get("out"):
        return str(named)
    raise UsageError("Missing argument 'OUT'", f"name it, or give out in {NAME}; see {ctx.command_path} --help")


def config_for(ctx: typer.Context, out: str, config: Path | None) -> Config:
    """The configuration that says how OUT is made: the one that is named, or else the one here, if OUT is its own.

    Nothing where there is none. Results can be looked at whatever is wrong with a file that nobody named.

    Raises:
        UsageError: the configuration that is named cannot be read.
    """
    if config is not None:
        return config_of(ctx, config)
    named_file = os.environ.get(f"{PREFIX}CONFIG")
    try:
        found = config_of(ctx, Path(named_file) if named_file else None)
    except UsageError:
        return Config()
    own = os.environ.get(f"{PREFIX}OUT") or str(found.run.get("out", "out"))
    if is_url(own) or is_url(out):
        return found if own.rstrip("/") == out.rstrip("/") else Config()
    return found if os.path.realpath(own) == os.path.realpath(out) else Config()


def need_allowed(ctx: typer.Context, config: Path | None) -> Config:
    """Refuse for a command without settings of its own what a run that is started here would refuse; the configuration.

    Raises:
        UsageError: the purpose that is declared is forbidden, or the configuration cannot be read.
    """
    from jobs.purpose import purpose_from

    named_file = os.environ.get(f"{PREFIX}CONFIG")
    found = config_of(ctx, config or (Path(named_file) if named_file else None))
    purpose_from(found)
    return found


def _read(ctx: typer.Context, path: Path | None) -> Path | None:
    if ctx.resilient_parsing:
        return path
    config = config_of(ctx, path)
    if config.path is not None:
        path = config.path
        ctx.meta[_CONFIG] = config
        assert isinstance(ctx.command, Configured)
        ctx.default_map = {
            str(parameter.name): config.run[name] for name, parameter in ctx.command.settings() if name in config.run
        }
    return path


_HELP: Final = f"Settings in TOML; each may also stand in the environment, as {PREFIX}EVERY=1 for --every 1."
_SHOWN_DEFAULT: Final = f"{NAME}, where there is one"
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        envvar=f"{PREFIX}CONFIG",
        show_envvar=False,
        readable=False,
        is_eager=True,
        callback=_read,
        show_default=_SHOWN_DEFAULT,
        help=_HELP,
    ),
]
"""The option of a Configured command; its callback reads the file before other options are looked at."""
PassedOn = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", readable=False, show_default=_SHOWN_DEFAULT, help=_HELP),
]
"""The same of a command that hands it to `emobatch run`."""
OutOfRun = Annotated[
    str | None,
    typer.Argument(
        metavar="OUT",
        help="Folder of an earlier run, or its s3:// URL.",
        show_default=f"out of {NAME}, if it is there",
    ),
]
"""The argument of a command that looks at what runs have left; out_named() tells what it is."""
ConfigOfOut = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", readable=False, show_default=_SHOWN_DEFAULT, help="Configuration that names OUT."
    ),
]
ConfigOfPurpose = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", readable=False, show_default=_SHOWN_DEFAULT, help="Configuration with the purpose."
    ),
]
"""The option of a command that asks need_allowed()."""
