"""emobatch.toml: read and checked, each value known by its line. It knows nothing of the command line."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from analytics.errors import UsageError
from jobs.config_values import PARSERS, Setting, as_option, nearest, parser_of
from jobs.mistakes import Tell, raised, telling
from jobs.toml_lines import Key, lines_of, occurrences

if TYPE_CHECKING:  # emobatch.toml is also read to be shown, which needs no recorder.
    from analytics.recorders import Recorder

NAME: Final = "emobatch.toml"
"""Read from the current folder where no other is named."""
_LARGEST: Final = 2**20
"""Bytes. More is no configuration, but a video named by mistake."""
_SECTIONS: Final = {
    "run": "[run]",
    "recorder": "[[recorder]]",
    "camera": '[camera."NAME"]',
    "zone": "[[zone]]",
    "rule": "[[rule]]",
    "events": "[events]",
    "purpose": "[purpose]",
}
_LISTS: Final = ("recorder", "zone", "rule")
_OF_EVENTS: Final = ("zone", "rule", "events")
"""Sections that jobs/config_events.py looks into, where a command has to do with events."""

CAMERA_SETTINGS: Final = {
    "exclude": Setting(kind="flag"),
    "every": Setting(kind="text"),
    "gate": Setting(kind="text"),
    "keyframes": Setting(kind="flag"),
    "detector": Setting(kind="text"),
    "min_face": Setting(kind="whole", least=1),
    "min_score": Setting(kind="number", least=0, most=1),
    "long_side": Setting(kind="whole", least=32),
    "masks": Setting(kind="masks"),
}
"""What [camera."NAME"] may hold: the fields of RunOptions that decide rows, and exclude."""
PURPOSE_SETTINGS: Final = dict.fromkeys(
    ("setting", "basis", "notice", "exception", "reason", "retention"), Setting(kind="words")
)
"""What [purpose] may hold; what it means, jobs.purpose knows."""
Settings = Mapping[str, Setting]
_RECORDER_SETTINGS: Final = dict.fromkeys(("pattern", "preset", "timezone", "camera"), Setting(kind="text"))


@dataclass(frozen=True, kw_only=True)
class RecorderEntry:
    """One [[recorder]] as it stands in the file."""

    number: int
    """From 0, in the order of the file."""
    pattern: str | None = None
    preset: str | None = None
    timezone: str | None = None
    camera: str | None = None


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a configuration file holds; nothing where there is none. Relative paths stand as seen from here."""

    path: Path | None = None
    run: Mapping[str, Any] = field(default_factory=dict)
    """Setting -> value as the option of `emobatch run` takes it."""
    recorders: tuple[RecorderEntry, ...] = ()
    cameras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Camera -> setting -> value; see cameras_from()."""
    of_events: Mapping[str, Any] = field(default_factory=dict)
    """Section -> what stands in it, unchecked; see jobs/config_events.py."""
    purpose: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[Key, int] = field(default_factory=dict)

    def place(self, *key: str | int) -> str:
        """The file and the line of a value, such as `emobatch.toml:7`; of what it stands in, where it has none."""
        known = next((key[:end] for end in range(len(key), 0, -1) if key[:end] in self.lines), None)
        return str(self.path) if known is None else f"{self.path}:{self.lines[known]}"

    def error(self, key: Key, problem: str, remedy: str) -> UsageError:
        """An error that tells the line of a key. Of [run] the key alone is named, of others the section, too."""
        return UsageError(f"{self.place(*key)}: {named(key)}: {problem}", remedy)


def named(key: Key) -> str:
    """A key as the file may have it: `every`, `camera."Tor 3".every`, `recorder.pattern`."""
    names = [part for part in key if isinstance(part, str)]
    shown = [name if re.fullmatch(r"[\w-]+", name) else json.dumps(name, ensure_ascii=False) for name in names]
    return ".".join(shown[1:] if shown[0] == "run" and len(shown) > 1 else shown)


def read_config(path: Path, settings: Mapping[str, Setting], tell: Tell = raised) -> Config:
    """Read a file and check all that can be checked before anything else is looked at.

    Args:
        path: the file; relative paths in it are relative to its folder.
        settings: what [run] may hold.
        tell: what is done about a name, type or value that cannot be.

    Raises:
        UsageError: it cannot be read, is no TOML, or has a name, type or value that cannot be; with the line.
    """
    text = _text_of(path)
    tables = _parsed(text, path)
    config = Config(path=path, lines=lines_of(text))
    found: dict[str, Any] = {}
    for name, table in tables.items():
        with telling(tell):
            _check_section(config, name, table, settings)
            found[name] = table if name in _OF_EVENTS else _SECTION_READERS[name](config, table, settings, tell)
    return Config(
        path=path,
        lines=config.lines,
        run=found.get("run", {}),
        recorders=found.get("recorder", ()),
        cameras=found.get("camera", {}),
        of_events={name: found[name] for name in _OF_EVENTS if name in found},
        purpose=found.get("purpose", {}),
    )


def _check_section(config: Config, name: str, table: Any, settings: Mapping[str, Setting]) -> None:
    if name not in _SECTIONS:
        problem = "no such section" if isinstance(table, dict | list) else "stands in no section"
        belongs = name in settings and not isinstance(table, dict | list)
        raise config.error((name,), problem, "put it below [run]" if belongs else nearest(name, _SECTIONS))
    if not isinstance(table, list if name in _LISTS else dict):
        raise config.error((name,), _another_kind(name, table), f"write {_SECTIONS[name]}")


def _another_kind(name: str, table: Any) -> str:
    """What is wrong with a section that is none of its kind."""
    if name in _LISTS and isinstance(table, dict):
        return "has one pair of brackets, and takes two"
    if name not in _LISTS and isinstance(table, list):
        return "has two pairs of brackets, and takes one"
    return "is no section"


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"{path}: larger than a mebibyte, no configuration", "name a file in TOML")
        return data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            line = error.object.count(b"\n", 0, error.start) + 1
            raise UsageError(f"{path}:{line}: is no UTF-8", "save the file as UTF-8") from None
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: cannot be read ({reason})", "name a configuration in TOML that is there") from None


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{path}: lists in lists without end", "write what docs/configuration.md shows") from None
    except ValueError as error:  # Usually TOMLDecodeError; a number of thousands of digits is a plain one.
        problem, _, place = str(error).partition(" (at ")
        known = re.match(r"line (\d+)", place)
        line = int(known[1]) if known else text.rstrip().count("\n") + 1 if place else None
        if problem.startswith(("Cannot", "Duplicate")) and (twice := _twice(text)):
            key, first, line = twice
            raise UsageError(f"{path}:{line}: {named(key)}: already in line {first}", "keep one of them") from None
        remedy = 'mend the TOML; texts stand in quotes, as in out = "night"'
        raise UsageError(f"{path}{f':{line}' if line else ''}: {problem[:1].lower()}{problem[1:]}", remedy) from None


def _twice(text: str) -> tuple[Key, int, int] | None:
    """The first key that is given twice, with both lines."""
    seen: dict[Key, int] = {}
    for key, line in occurrences(text):
        if key in seen:
            return key, seen[key], line
        seen[key] = line
    return None


def _run_section(config: Config, table: dict[str, Any], settings: Settings, tell: Tell) -> dict[str, Any]:
    return _values(config, ("run",), table, settings, tell)


def _cameras(config: Config, tables: dict[str, Any], _: Settings, tell: Tell) -> dict[str, dict[str, Any]]:
    cameras = {}
    for name, table in tables.items():
        key: Key = ("camera", name)
        with telling(tell):
            if not isinstance(table, dict):
                raise config.error(key, "is no camera", f"write {_SECTIONS['camera']} above the settings of one")
            cameras[name] = _values(config, key, table, CAMERA_SETTINGS, tell)
    return cameras


def _purpose(config: Config, table: dict[str, Any], _: Settings, tell: Tell) -> dict[str, Any]:
    return _values(config, ("purpose",), table, PURPOSE_SETTINGS, tell)


def _recorders(config: Config, tables: list[Any], _: Settings, tell: Tell) -> tuple[RecorderEntry, ...]:
    entries = []
    for number, table in enumerate(tables):
        key: Key = ("recorder", number)
        with telling(tell):
            if not isinstance(table, dict):
                raise config.error(key, "is another kind of section", f"write {_SECTIONS['recorder']}")
            values = _values(config, key, table, _RECORDER_SETTINGS, tell)
            if ("pattern" in values) != ("preset" in values):
                entries.append(RecorderEntry(number=number, **values))
            elif values.keys() == table.keys():  # Else what is wrong with it was told.
                both = "pattern and preset" if "pattern" in values else "neither pattern nor preset"
                raise config.error(key, both, "give one of the two, see docs/cameras.md")
    return tuple(entries)


_SECTION_READERS: Final[Mapping[str, Callable[[Config, Any, Settings, Tell], Any]]] = {
    "run": _run_section,
    "recorder": _recorders,
    "camera": _cameras,
    "purpose": _purpose,
}


def _values(config: Config, section: Key, table: dict[str, Any], known: Settings, tell: Tell) -> dict[str, Any]:
    values = {}
    for name, value in table.items():
        key = (*section, name)
        with telling(tell):
            if name not in known:
                raise config.error(key, "no such setting", nearest(name, known))
            values[name] = _value(config, key, value, known[name])
    return values


def _value(config: Config, key: Key, value: Any, setting: Setting) -> Any:
    assert config.path is not None
    name = next(part for part in reversed(key) if isinstance(part, str))
    try:
        value = as_option(name, value, setting, config.path.parent)
    except UsageError as error:
        raise config.error(key, error.problem, error.remedy) from None
    if setting.kind == "masks":
        from jobs.config_masks import masks_as_given

        return masks_as_given(config, key, value)
    if setting.kind != "texts":
        return value
    return [_value(config, (*key, number), item, Setting(kind="text")) for number, item in enumerate(value)]


def cameras_from(config: Config) -> dict[str, dict[str, Any]]:
    """Camera -> fields of RunOptions with their values, for dataclasses.replace(); and `exclude`, a bool."""
    return {
        camera: {name: parser_of(name)(value) if name in PARSERS else value for name, value in values.items()}
        for camera, values in config.cameras.items()
    }


def recorders_from(config: Config, tell: Tell = raised) -> "tuple[Recorder, ...]":
    """The recorders of the file, in its order.

    Raises:
        UsageError: one that cannot be, with its line.
    """
    if not config.recorders:
        return ()
    from analytics.recorders import Recorder

    recorders: list[Recorder] = []
    for entry in config.recorders:
        try:
            if entry.pattern is not None:
                recorders.append(Recorder(pattern=entry.pattern, timezone=entry.timezone, camera=entry.camera))
            else:
                recorders.extend(_of_preset(entry))
        except UsageError as error:
            # The problem names what it is about, if anything, first.
            about = re.split(r"\W", error.problem.replace("time zone", "timezone", 1), maxsplit=1)[0]
            place = config.place("recorder", entry.number, about)
            tell(UsageError(f"{place}: recorder: {error.problem}", error.remedy))
    return tuple(recorders)


def _of_preset(entry: RecorderEntry) -> "tuple[Recorder, ...]":
    from analytics.recorder_presets import PRESETS
    from analytics.recorders import recorders_of

    assert entry.preset is not None
    if entry.preset.strip().lower() not in PRESETS:  # recorders_of() would take some for patterns.
        raise UsageError(f"preset {entry.preset!r} is unknown", f"use {', '.join(sorted(PRESETS))}, or give a pattern")
    return recorders_of(entry.preset, timezone=entry.timezone, camera=entry.camera)
