"""A run every night: the units of systemd and the line of cron that start it, as text.

Both start emobatch by its path, and name sources and OUT by theirs: a scheduler has another folder, PATH and shell.
The reasons of the hardening stand in the unit itself, where an operator looks for them.
"""

import re
import shlex
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analytics.errors import UsageError

MARK: Final = "# Written by `emobatch schedule`"
"""First line of a unit; a file without it is somebody else's."""
_LONGEST_LINE: Final = 998
"""Characters. Debian's cron drops lines with longer commands."""
_TEMPORARY: Final = (Path("/tmp"), Path("/var/tmp"))


@dataclass(frozen=True, kw_only=True)
class Night:
    """What is to run every night. Paths are absolute.

    Raises:
        UsageError: a time or name that cannot be, or a path with characters that no unit or crontab can hold.
    """

    command: tuple[str, ...]
    """What starts emobatch."""
    sources: tuple[str, ...]
    """Named on the command line."""
    out: Path
    at: str
    """When it starts, HH:MM."""
    until: str | None = None
    """When it ends, HH:MM."""
    config: Path | None = None
    configured: tuple[str, ...] = ()
    """Sources that the configuration names; empty where others are named."""
    scheduler: str | None = None
    name: str = "emobatch"
    """Of the units."""
    system: bool = False
    """Whether the units are the machine's, not a user's."""
    user: str | None = None
    """Whom a unit of the machine runs as; root where none is given."""
    network: bool = False
    """Whether the run talks to other machines."""
    compiles: bool = False
    """Whether the run makes machine code while it runs."""
    says_until: bool = True
    """Whether --until is given on the command line; it may stand in the configuration."""
    says_out: bool = True
    """Whether --out is: what stands in the configuration alone is left to it, which somebody may change."""

    def __post_init__(self) -> None:
        check_time("--at", self.at)
        if self.until is not None:
            check_time("--until", self.until)
            if self.until == self.at:
                raise UsageError(f"--until {self.until}: is --at, too", "give the night some hours, such as 06:00")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", self.name):
            raise UsageError(f"--name {self.name[:40]}: is no name of a unit", "give letters, digits, - and _")
        for word in [*self.words(), *map(str, self.local_paths())]:
            if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in word):
                raise UsageError(f"{word!r}: has a line break or another character that is none", "rename it")

    def words(self) -> list[str]:
        """The command line of a run."""
        words = [*self.command, "run"]
        words += ["--config", str(self.config)] if self.config else []
        words += ["--out", str(self.out)] if self.says_out else []
        words += ["--until", self.until] if self.until and self.says_until else []
        words += ["--scheduler", self.scheduler] if self.scheduler else []
        return [*words, *self.sources]

    def systemctl(self) -> str:
        """The command that knows these units."""
        return "systemctl" if self.system else "systemctl --user"

    def local_paths(self) -> list[Path]:
        """Files and folders that the run reads or writes, as far as they are known."""
        named = [source.removeprefix("@") for source in (*self.sources, *self.configured) if "://" not in source]
        return [self.out, *([self.config] if self.config else []), *map(Path, named), Path(self.command[0])]


def check_time(option: str, text: str) -> None:
    """Raises: UsageError: the text is no time of day, HH:MM."""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise UsageError(f"{option} {text[:20]}: is no time of day", "give hours and minutes, such as 22:00 or 06:30")


def cron_line(night: Night) -> str:
    """The line of a crontab, with its line end.

    Raises:
        UsageError: it is longer than cron takes.
    """
    hour, minute = night.at.split(":")
    command = " ".join(["nice", "-n", "10", *map(_cron_word, night.words())])
    if len(command) > _LONGEST_LINE:
        problem = f"{len(night.sources)} sources: make a line of {len(command)} characters, more than cron takes"
        raise UsageError(problem, "write them into a file, one a line, and name it as @FILE")
    return f"{int(minute)} {int(hour)} * * * {command}\n"


def _cron_word(word: str) -> str:
    # An unquoted \% is % for cron and for the shell, whichever of them sees the backslash.
    quoted = shlex.quote(word)
    return quoted.replace("%", r"'\%'" if quoted.startswith("'") else r"\%")


def unit_word(text: str) -> str:
    """A word of a unit's setting: quoted where needed, % doubled; `$` stands for itself after `ExecStart=:`."""
    doubled = text.replace("%", "%%")
    if re.fullmatch(r"[\w@%+=:,./-]+", doubled, re.ASCII):
        return doubled
    escaped = doubled.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def service(night: Night) -> str:
    """The unit that runs emobatch once, shut off from all that a run does not need.

    Raises:
        UsageError: systemd starts no program of this name.
    """
    if re.search(r"[\"'\\]", night.command[0]):
        problem = f"{night.command[0]}: systemd starts nothing with quotes or backslashes in its path"
        raise UsageError(problem, "install emobatch elsewhere")
    start = " ".join([unit_word(f":{night.command[0]}"), *map(unit_word, night.words()[1:])])
    network = night.system and night.network
    lines = [
        f"{MARK}, which writes it anew; own settings belong into `{night.systemctl()} edit {night.name}`.",
        "[Unit]",
        "Description=emobatch, every night: recorded video into tables and reports",
        *(["Wants=network-online.target", "After=network-online.target"] if network else []),
        *_mounts(night),
        "",
        "[Service]",
        "Type=oneshot",
        *_user(night),
        *_condition(night),
        "# The colon: no variable of the environment is put in for $.",
        f"ExecStart={start}",
        "# 130: was stopped. 3, some videos failed or are partial, makes the unit fail: somebody shall look at them.",
        "SuccessExitStatus=130",
        "# Ctrl-C to emobatch alone: it ends its workers, draws the pages and keeps the record.",
        "KillMode=mixed",
        "KillSignal=SIGINT",
        "TimeoutStopSec=5min",
        "",
        "# Whatever else this machine does goes first: recording above all.",
        "Nice=10",
        "IOSchedulingClass=idle",
        "# MemoryMax=8G",
        "",
        "# Reads what it may, writes into OUT alone, which must be there before: mkdir.",
        "ProtectSystem=strict",
        f"ReadWritePaths={unit_word(str(night.out))}",
        "ProtectHome=read-only",
        *_temporary(night),
        "UMask=0027",
        *_network(night),
        *_ALWAYS,
        *(["CapabilityBoundingSet="] if night.system else ["PrivateUsers=yes"]),
        "# Nothing in emobatch makes code while it runs, but the detector mtcnn.",
        f"MemoryDenyWriteExecute={'no' if night.compiles else 'yes'}",
    ]
    return "\n".join(lines) + "\n"


_ALWAYS: Final = (
    "",
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "LockPersonality=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RemoveIPC=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
)


def timer(night: Night) -> str:
    """The unit that starts the service every night."""
    lines = [
        f"{MARK}, which writes it anew; own settings belong into `{night.systemctl()} edit {night.name}.timer`.",
        "[Unit]",
        f"Description=emobatch, every night at {night.at}",
        "",
        "[Timer]",
        f"OnCalendar=*-*-* {night.at}:00",
        "# A night for which the machine was off is made up for when it is on again.",
        "Persistent=true",
        "RandomizedDelaySec=2min",
        f"Unit={night.name}.service",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _mounts(night: Night) -> list[str]:
    """A disk that is not mounted shall fail the unit, and not look like an empty archive."""
    if not night.system:
        return []
    # The fixed part of a pattern is enough to tell the disk.
    fixed = [re.split(r"[*?\[]", str(path))[0] for path in night.local_paths()]
    return [f"RequiresMountsFor={' '.join(unit_word(path) for path in dict.fromkeys(fixed))}"]


def _user(night: Night) -> list[str]:
    if not night.system:
        return []
    return (
        [f"User={night.user}"]
        if night.user
        else ["# Root reads no more than others here. Name who owns OUT:", "# User="]
    )


def _condition(night: Night) -> list[str]:
    if night.until is None:
        return []
    at, until = night.at.replace(":", ""), night.until.replace(":", "")
    inside = f'[ "$$now" -ge {at} ] {"&&" if at < until else "||"} [ "$$now" -lt {until} ]'
    return [
        "# A night that is made up for in the day would go on until the next one's end.",
        f"ExecCondition=/bin/sh -c 'now=$$(date +%%H%%M); {inside}'",
    ]


def _temporary(night: Night) -> list[str]:
    if any(path.is_relative_to(place) for path in night.local_paths() for place in _TEMPORARY):
        return ["# Some of the named paths lie in the common temporary folder.", "PrivateTmp=no", "ReadWritePaths=/tmp"]
    return ["PrivateTmp=yes"]


def _network(night: Night) -> list[str]:
    families = [
        "",
        "# Workers of this machine talk over 127.0.0.1. Names of other machines may be asked for through netlink.",
        f"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6{' AF_NETLINK' if night.network else ''}",
    ]
    # The manager of a user cannot filter addresses.
    if night.network or not night.system:
        return families
    return [*families, "IPAddressDeny=any", "IPAddressAllow=localhost"]
