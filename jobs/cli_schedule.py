"""The command that has emobatch started every night."""

import getpass
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from analytics.errors import UsageError
from analytics.footage import is_url
from analytics.paths import absolute, exists, is_file, is_folder
from analytics.whole import whole
from jobs.cli_options import Debug, log_to_stderr

if TYPE_CHECKING:
    from jobs.schedule import Night

_SYSTEM: Final = Path("/etc/systemd/system")


def schedule(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE…]", help="What to run over, as of `emobatch run`.")
    ] = None,
    systemd: Annotated[bool, typer.Option("--systemd", help="Write a service and a timer.")] = False,
    cron: Annotated[bool, typer.Option("--cron", help="Print a line for a crontab.")] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="DIR", help="Folder for tables and reports.")
    ] = None,
    at: Annotated[str, typer.Option(metavar="HH:MM", help="When the run starts.")] = "22:00",
    until: Annotated[
        str | None, typer.Option(metavar="HH:MM", help="When it ends.", show_default="when all is done")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration of the run.", show_default="emobatch.toml, if there is one here")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Use the workers of this Dask scheduler.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Folder for the units; - prints them.", show_default="systemd's own")
    ] = None,
    system: Annotated[bool, typer.Option("--system/--user", help="Units of the machine, or of this user.")] = False,
    name: Annotated[str, typer.Option(help="Name of the units.")] = "emobatch",
    force: Annotated[bool, typer.Option("--force", help="Write over units of somebody else.")] = False,
    debug: Debug = False,
) -> int:
    """Have a run started every night, by systemd or cron."""
    log_to_stderr()
    from jobs.cli_config import config_of
    from jobs.schedule import Night, cron_line, service, timer

    if systemd == cron:
        raise UsageError("schedule: which scheduler", "give --systemd or --cron")
    told = config_of(ctx, config)  # As a run that is started here would read it.
    place = _place(out or told.run.get("out"))
    configured = () if sources else tuple(_fixed(one) for one in told.run.get("sources", ()))
    if not sources and not configured:
        raise UsageError("schedule: names nothing to run over", "name sources, or a --config that does")
    named = tuple(_fixed(source) for source in sources or ())
    everything = [*named, *configured, scheduler or told.run.get("scheduler", "")]
    detectors = [settings.get("detector") for settings in (told.run, *told.cameras.values())]
    night = Night(
        command=_command(),
        sources=named,
        out=place,
        at=at,
        until=until or told.run.get("until"),
        says_until=until is not None,
        says_out=out is not None,
        config=absolute(told.path) if told.path else None,
        configured=configured,
        scheduler=scheduler,
        name=name,
        system=system,
        user=_owner(place) if system else None,
        network=any("://" in text for text in everything),
        compiles="mtcnn" in detectors,
    )
    if cron:
        typer.echo(cron_line(night), nl=False)
        return 0
    units = {f"{name}.service": service(night), f"{name}.timer": timer(night)}
    if to == "-":
        typer.echo("\n".join(f"# {unit}\n{text}" for unit, text in units.items()), nl=False)
        return 0
    usual = _SYSTEM if system else _user_folder()
    folder = absolute(Path(to)) if to else usual
    _write(folder, units, force)
    _tell(night, folder, usual)
    return 0


def _command() -> tuple[str, ...]:
    """What starts the emobatch of this environment from any folder."""
    script = Path(sys.executable).with_name("emobatch")
    return (str(script),) if is_file(script) and os.access(script, os.X_OK) else (sys.executable, "-m", "emobatch")


def _place(out: str | None) -> Path:
    if out is None:
        raise UsageError("schedule: names no OUT", "give --out, or a --config that does")
    if is_url(out):
        raise UsageError(
            f"schedule: {out}: what is written here may write into OUT alone",
            "name a folder as OUT, or start `emobatch run` by a unit or a crontab of your own",
        )
    return absolute(Path(out))


def _fixed(source: str) -> str:
    """The source as it is named from any folder."""
    if "://" in source:
        return source
    if source.startswith("@") and not exists(Path(source)):
        _check_list(Path(source[1:]))
        return f"@{absolute(Path(source[1:]))}"
    return str(absolute(Path(source)))


def _check_list(path: Path) -> None:
    """Its lines are read in another folder than this one."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, ValueError):  # It may come later; the run tells what is wrong with it.
        return
    relative = [line.strip() for line in lines if line.strip() and not line.startswith("#") and "://" not in line]
    if relative := [line for line in relative if not line.startswith("/")]:
        raise UsageError(f"@{path}: names {relative[0]}, which depends on the folder", "write whole paths into it")


def _owner(out: Path) -> str | None:
    """Who owns OUT, or else who calls; None for root, whom nothing is to run as."""
    try:
        owner = out.owner() if is_folder(out) else os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # A number without a name.
        return None
    return owner if owner != "root" else None


def _user_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _write(folder: Path, units: dict[str, str], force: bool) -> None:
    """Write all units or, if one of them is somebody else's, none."""
    from jobs.schedule import MARK

    try:
        for name in units:
            path = folder / name
            if not force and os.path.lexists(path) and not path.read_bytes().startswith(MARK.encode()):
                raise UsageError(f"{path}: was not written by emobatch", "give another --name, or --force")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            with whole(folder / name) as file:
                file.write(text.encode())
    except OSError as error:
        remedy = "name another folder with --to" + (", or run it as root" if folder == _SYSTEM else "")
        raise UsageError(f"{folder}: cannot be written ({error.strerror})", remedy) from None


def _tell(night: "Night", folder: Path, usual: Path) -> None:
    """What was written, and what is left to do."""
    import shlex

    from jobs.screen import printable

    files = [str(folder / f"{night.name}.{kind}") for kind in ("service", "timer")]
    systemctl = night.systemctl()
    for file in files:
        typer.echo(printable(f"wrote {file}"))
    steps = [] if is_folder(night.out) else [f"mkdir -p {shlex.quote(str(night.out))}"]
    # A folder that systemd does not search is told to it file by file.
    steps.append(f"{systemctl} daemon-reload" if folder == usual else f"{systemctl} link {shlex.join(files)}")
    steps.append(f"{systemctl} enable --now {night.name}.timer")
    if not night.system:
        steps.append("loginctl enable-linger    # else only while you are logged in")
    typer.echo("now run:")
    for step in steps:
        typer.echo(printable(f"  {step}"))
    if night.system and night.user is None:
        typer.echo("note: it would run as root; name who owns OUT as User= with `systemctl edit`", err=True)
    for path in night.local_paths()[1:]:
        if not exists(path) and not any(sign in str(path) for sign in "*?["):
            typer.echo(printable(f"note: {path} is not there now"), err=True)
    if shutil.which("systemctl") is None:
        typer.echo("note: this machine has no systemd", err=True)
