"""emobatch.toml, the environment and the command line: which holds, and in which line an error is."""

import os
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

from analytics.errors import UsageError
from jobs.config import CAMERA_SETTINGS, Config, RecorderEntry, cameras_from, read_config
from jobs.config_values import PARSERS, Setting, parser_of
from jobs.options import RunOptions
from tests.clips import write_clip
from tests.command import ENVIRONMENT, ROOT, Finished, emobatch, rows
from tests.footage import Scene
from tests.test_architecture import HEAVY, OF_TRAINING, _imported

SETTINGS: Final = {
    "sources": Setting(kind="texts"),
    "out": Setting(kind="path"),
    "model": Setting(kind="text"),
    "every": Setting(kind="text"),
    "since": Setting(kind="text"),
    "until": Setting(kind="text"),
    "workers": Setting(kind="whole"),
    "stall": Setting(kind="number"),
    "newest_first": Setting(kind="flag"),
}


@pytest.fixture(autouse=True)
def _no_settings_of_whoever_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in ENVIRONMENT if name.startswith("EMOBATCH_")]:
        monkeypatch.delitem(ENVIRONMENT, name)


def _read(text: str, folder: Path) -> Config:
    (folder / "emobatch.toml").write_text(text, encoding="utf-8")
    return read_config(folder / "emobatch.toml", SETTINGS)


def _shown(done: Finished) -> dict[str, tuple[Any, str]]:
    """Setting -> value and source, of `config show --json`."""
    assert (done.code, done.stderr) == (0, "")
    return {one["setting"]: (one["value"], one["source"]) for one in done.json["settings"]}


# === What holds ===


def test_flags_hold_over_environment_over_file_over_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step up takes the setting, and says so."""
    assert _shown(emobatch("config", "show", "--json", cwd=tmp_path))["every"] == ("0.5", "default")
    (tmp_path / "emobatch.toml").write_text("[run]\n\nevery = 2\n")
    assert _shown(emobatch("config", "show", "--json", cwd=tmp_path))["every"] == ("2", "emobatch.toml:3")
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_EVERY", "3")
    assert _shown(emobatch("config", "show", "--json", cwd=tmp_path))["every"] == ("3", "EMOBATCH_EVERY")
    done = emobatch("config", "show", "--json", "--every", "4", cwd=tmp_path)
    assert _shown(done)["every"] == ("4", "--every")


def test_a_run_does_what_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`emobatch run` alone, from another folder: sources and out are relative to the file; then each override."""
    (tmp_path / "archive [1]").mkdir()
    write_clip(Scene(duration_s=4, fps=10), tmp_path / "archive [1]" / "clip.mp4")
    file = tmp_path / "archive [1]" / "night.toml"
    file.write_text('[run]\nsources = ["cl*.mp4"]\nout = "out"\nevery = 2\n')
    out = file.parent / "out"
    (tmp_path / "elsewhere").mkdir()
    done = emobatch("run", "--config", file, cwd=tmp_path / "elsewhere")
    assert done.code == 0, done.stderr
    assert len(rows(out, "samples")) == 2
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_CONFIG", str(file))
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_EVERY", "1")
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_OUT", "mine")
    assert emobatch("run", cwd=tmp_path / "elsewhere").code == 0
    assert len(rows(tmp_path / "elsewhere" / "mine", "samples")) == 4
    assert emobatch("run", "--out", "third", "--every", "4", cwd=tmp_path / "elsewhere").code == 0
    assert len(rows(tmp_path / "elsewhere" / "third", "samples")) == 1


def test_a_flag_of_the_file_can_be_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--no-… for what has no such option of its own, and false in the environment."""
    (tmp_path / "emobatch.toml").write_text("[run]\ndashboard = true\n")
    assert _shown(emobatch("config", "show", "--json", cwd=tmp_path))["dashboard"] == (True, "emobatch.toml:2")
    done = emobatch("config", "show", "--json", "--no-dashboard", cwd=tmp_path)
    assert _shown(done)["dashboard"] == (False, "--dashboard")
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_DASHBOARD", "false")
    assert _shown(emobatch("config", "show", "--json", cwd=tmp_path))["dashboard"] == (False, "EMOBATCH_DASHBOARD")


@pytest.mark.parametrize(
    ("text", "items"),
    [("a", ["a"]), ("a:b c", ["a", "b c"]), ("s3://x/y:/b", ["s3://x/y", "/b"]), ("22:00\n\nb\n", ["22:00", "b"])],
)
def test_a_list_in_the_environment(
    text: str, items: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colons part it, or lines where there are any."""
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_SOURCES", text)
    assert _shown(emobatch("config", "show", "--json", cwd=tmp_path))["sources"] == (items, "EMOBATCH_SOURCES")


def test_without_a_source_the_remedy_names_the_file(tmp_path: Path) -> None:
    """A source may be left out only where the file or the environment gives one."""
    (tmp_path / "emobatch.toml").write_text("[run]\nevery = 1\n")
    done = emobatch("run", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error() == (
        "emobatch: Missing argument 'SOURCE…': name it, or give sources in emobatch.toml; see emobatch run --help"
    )


def test_show_for_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file, a line a setting, cameras, and variables that were misspelt."""
    done = emobatch("config", "show", cwd=tmp_path)
    assert done.stdout.splitlines()[0] == "no emobatch.toml here, and none named"
    (tmp_path / "emobatch.toml").write_text(
        '[run]\nsources = ["a", "b"]\n[camera."Tor 3"]\nevery = "1/3"\nexclude=true'
    )
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_EVREY", "1")
    done = emobatch("config", "show", "-o", "night", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert lines[:3] == [
        ["emobatch.toml"],
        ["sources", "emobatch.toml:2", "a, b"],
        ["out", "--out", "night"],
    ]
    assert ["workers", "default", "one a core"] in lines
    assert 'camera."Tor 3".every    emobatch.toml:4  1/3\n' in done.stdout
    assert 'camera."Tor 3".exclude  emobatch.toml:5  true\n' in done.stdout
    assert done.stdout.endswith("EMOBATCH_EVREY is in the environment and no setting: did you mean EMOBATCH_EVERY?\n")


def test_show_names_every_option_of_run(tmp_path: Path) -> None:
    """And takes them; its JSON has stable keys."""
    done = emobatch("config", "show", "footage", "--json", "--debug", "-q", "--camera=door", cwd=tmp_path)
    assert set(done.json) == {"file", "settings", "unknown_variables"}
    assert done.json["file"] is None
    shown = _shown(done)
    help_of_run = emobatch("run", "--help", cwd=tmp_path).stdout
    assert {f"--{name.replace('_', '-')}" for name in shown if name != "sources"} | {"--config", "--help"} == {
        word for word in help_of_run.split() if word.startswith("--") and len(word) > 2
    } - {"--no-debug"}
    assert shown["sources"] == (["footage"], "command line")
    assert shown["quiet"] == (True, "--quiet")
    assert shown["camera"] == ("door", "--camera")


def test_show_loads_nothing_heavy(tmp_path: Path) -> None:
    """It answers as fast as --help."""
    (tmp_path / "emobatch.toml").write_text('[run]\nsources = ["a"]\nworkers = 2\n[camera.door]\nmin_face = 12\n')
    code = "import sys, emobatch\nsys.argv = ['emobatch', 'config', 'show']\ntry:\n    emobatch.main()\nexcept SystemExit:\n    pass"
    assert not _imported(code, tmp_path) & {*HEAVY, *OF_TRAINING}


# === Errors ===


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[run]\nevery = x\n", '2: invalid value: mend the TOML; texts stand in quotes, as in out = "night"'),
        ("[run]\nout = 'a\n", "2: "),
        ("[run\n", "1: "),
        ("[run]\nevery = 1\nstall = 60\nevery = 2\n", "4: every: already in line 2: keep one of them"),
        ('[camera.a]\n\n[run]\n[camera."a"]\n', "4: camera.a: already in line 1: keep one of them"),
        ("[run]\n[ruin]\n", "2: ruin: no such section: did you mean run?"),
        ("\nevery = 1\n", "2: every: stands in no section: put it below [run]"),
        ("[[run]]\n", "1: run: has two pairs of brackets, and takes one: write [run]"),
        ("[recorder]\n", "1: recorder: has one pair of brackets, and takes two: write [[recorder]]"),
        ("[run]\ndash-board = 1\n", "2: dash-board: no such setting: did you mean dashboard?"),
        ('[run]\n"evry" = 1\n', "2: evry: no such setting: did you mean every?"),
        ("[run]\nzzz = 1\n", "2: zzz: no such setting: known are sources, out, every, "),
        ("[run]\nconfig = 'a'\n", "2: config: no such setting: "),
        ("[run]\n# €\nevery = [\n1]\n", "3: every: is a list: give a text in quotes"),
        ("[run]\nworkers = '2'\n", "2: workers: is a text: give a whole number"),
        ("[run]\nworkers = true\n", "2: workers: is true or false: give a whole number"),
        ("run.workers = 1.5\n", "1: workers: is a number, date or time: give a whole number"),
        ("[run]\nstall.x = 1\n", "2: stall: is a table: give a number"),
        ("[run]\ndashboard = 'yes'\n", "2: dashboard: is a text: give true or false"),
        ("[run]\nsources = 'a'\n", "2: sources: is a text: give a list of texts"),
        ("[run]\nsources = [\n 'a',\n [],\n]\n", "4: sources: is a list: give a text in quotes"),
        ("[run]\nsources = ['']\n", "2: sources: is empty: "),
        ('[run]\nout = "a\\u0000b"\n', "2: out: holds a NUL character: leave it out"),
        ("[run]\nevery = 'abc'\n", "2: every: abc: not a number of seconds: give seconds between 0.001 and 3600"),
        ("[run]\nevery = 0\n", "2: every: 0: out of range: give seconds between 0.001 and 3600"),
        ("[run]\nsegment = 15\n", "2: segment: 15: not a whole number of tens of seconds: "),
        ("[run]\nstall = 0.5\n", "2: stall: 0.5: input should be greater than or equal to 1: see emobatch run --help"),
        ("[run]\nstall = nan\n", "2: stall: nan: "),
        ("[run]\nworkers = -1\n", "2: workers: -1: input should be greater than or equal to 0: "),
        ("[camera]\nevery = 1\n", '2: camera.every: is no camera: write [camera."NAME"] above '),
        ("[camera.'Tor 3']\nevry = 1\n", '2: camera."Tor 3".evry: no such setting: did you mean every?'),
        ("[camera.'Tor 3']\nevery = 'x'\n", '2: camera."Tor 3".every: x: not a number of seconds: '),
        ("camera = {a = {min_face = 0}}\n", "1: camera.a.min_face: 0 is out of range: give a whole number from 1"),
        ("[camera.a]\nmin_score = nan\n", "2: camera.a.min_score: nan is out of range: give a number from 0 to 1"),
        ("\n\n[[recorder]]\npattern='{camera}'\npreset='x'\n", "3: recorder: pattern and preset: give one"),
        ("[[recorder]]\ntimezone = 'UTC'\n", "1: recorder: neither pattern nor preset: give one of the two"),
        ("[[recorder]]\npatern = 'x'\n", "2: recorder.patern: no such setting: did you mean pattern?"),
        ("[[recorder]]\npattern = 1.5\npreset = ['x']\n", "3: recorder.preset: is a list: give a text"),
        ("[[recorder]]\npattern = '{camera}'\ntimezone = 'x'\n", "3: recorder.timezone: time zone 'x' is unknown: "),
        ("[[recorder]]\ntimezone = 'UTC'\npattern = '{nope}'\n", "3: recorder: pattern '{nope}'"),
        ("[[recorder]]\npreset = '{camera}'\n", "2: recorder: preset '{camera}' is unknown: use "),
        ("recorder = [1]\n", "1: recorder: is another kind of section: write [[recorder]]"),
    ],
)
def test_an_error_tells_its_line(text: str, error: str, tmp_path: Path) -> None:
    """Exit 2, one line, before anything is looked at."""
    (tmp_path / "emobatch.toml").write_text(text, encoding="utf-8")
    done = emobatch("config", "show", cwd=tmp_path)
    assert done.code == 2, done
    assert done.only_error().startswith(f"emobatch: emobatch.toml:{error}")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[run]\nevry = 1\n", "2: evry: no such setting: did you mean every?"),
        ("[run]\n\ndetector = 'nope'\n", "3: detector: nope: no such detector: choose one of: yunet"),
        ("[run]\nmodel = 'a/b.tflite'\n", "2: model: "),
        (f"[run]\ncamera = '{'x' * 300}'\n", "2: camera: xxx"),
        ("[run]\nout = 'clip.mp4'\n", "2: out: clip.mp4: is a file"),
    ],
)
def test_a_run_tells_the_line_of_what_it_alone_can_check(text: str, error: str, tmp_path: Path) -> None:
    """The same form, and nothing is written."""
    (tmp_path / "emobatch.toml").write_text(text, encoding="utf-8")
    (tmp_path / "clip.mp4").touch()
    done = emobatch("run", "clip.mp4", cwd=tmp_path)
    assert done.code == 2, done
    assert done.only_error().startswith(f"emobatch: emobatch.toml:{error}")
    assert {path.name for path in tmp_path.iterdir()} == {"emobatch.toml", "clip.mp4"}


def test_an_error_in_the_environment_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever parses the value: Typer, the options, or the engines; a run and config show alike."""
    for name, value, error in (
        ("EMOBATCH_STALL", "0", "0: input should be greater than or equal to 1: see emobatch run --help"),
        ("EMOBATCH_EVERY", "x", "x: not a number of seconds: give seconds between 0.001 and 3600, such as 0.5"),
        ("EMOBATCH_DASHBOARD", "maybe", "maybe: "),
    ):
        with monkeypatch.context() as patched:
            patched.setitem(ENVIRONMENT, name, value)
            for command in (("run", "x"), ("config", "show")):
                done = emobatch(*command, cwd=tmp_path)
                assert done.code == 2
                assert done.only_error().startswith(f"emobatch: {name}: {error}")
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_DETECTOR", "nope")
    assert emobatch("run", "x", cwd=tmp_path).only_error().startswith("emobatch: EMOBATCH_DETECTOR: nope: no such ")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing one that was named, a folder, a link to nowhere, no UTF-8, a video; --help answers all the same."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.toml").write_bytes(b"[run]\n# caf\xe9\n")
    (tmp_path / "large.toml").write_bytes(b"#" * (2**20 + 1))
    for name, problem in (
        ("gone.toml", "gone.toml: cannot be read (No such file or directory): name a configuration in TOML"),
        ("folder", "folder: cannot be read (Is a directory): "),
        ("latin.toml", "latin.toml:2: is no UTF-8: save the file as UTF-8"),
        ("large.toml", "large.toml: larger than a mebibyte, no configuration: "),
    ):
        for command in (("run", "x"), ("config", "show")):
            done = emobatch(*command, "--config", name, cwd=tmp_path)
            assert done.code == 2
            assert done.only_error().startswith(f"emobatch: {problem}")
    (tmp_path / "emobatch.toml").symlink_to("gone.toml")
    done = emobatch("run", "x", cwd=tmp_path)
    assert (done.code, "emobatch.toml: cannot be read" in done.only_error()) == (2, True)
    assert emobatch("run", "--help", cwd=tmp_path).code == 0
    assert emobatch("config", "show", "--config", "/dev/null", cwd=tmp_path).code == 0


def test_text_that_no_parser_survives(tmp_path: Path) -> None:
    """Lists in lists, and a number of more digits than Python reads: an error, whatever its line."""
    for text in (f"a = {'[' * 50_000}", f"a = {'9' * 10_000}"):
        with pytest.raises(UsageError, match=r"emobatch\.toml"):
            _read(text, tmp_path)


# === The record ===


def test_paths_of_the_file_are_relative_to_it(tmp_path: Path) -> None:
    """Sources, out, and a model that is a path; names and addresses stay."""
    folder = tmp_path / "a[b]"
    folder.mkdir()
    (folder / "@real").touch()
    config = _read(
        '[run]\nsources = ["x", "/abs", "s3://b/k", "@list.txt", "@real", "*.mp4", "~/y"]\nout = "out"\n'
        'model = "own.tflite"',
        folder,
    )
    glob = str(tmp_path / "a[[]b]" / "*.mp4")
    home = os.path.expanduser("~/y")  # noqa: PTH111
    expected = [str(folder / "x"), "/abs", "s3://b/k", f"@{folder}/list.txt", str(folder / "@real"), glob, home]
    assert config.run["sources"] == expected
    assert config.run["out"] == str(folder / "out")
    assert config.run["model"] == str(folder / "own.tflite")
    assert _read('run = {model = "small"}', folder).run["model"] == "small"


def test_values_of_toml_are_what_options_take(tmp_path: Path) -> None:
    """Numbers, dates and times stand as text where the option parses text."""
    config = _read(
        "\ufeff[run]\r\nevery = 0.5\r\nsince = 2026-07-01\r\nworkers = 0\r\nstall = 60\r\nnewest_first = true", tmp_path
    )
    assert config.run == {"every": "0.5", "since": "2026-07-01", "workers": 0, "stall": 60, "newest_first": True}
    assert _read("[run]\nuntil = 06:00:00", tmp_path).run == {"until": "06:00"}
    assert config.place("run", "since") == f"{tmp_path}/emobatch.toml:3"


def test_cameras_come_ready_for_the_options(tmp_path: Path) -> None:
    """every as a Fraction, so that dataclasses.replace() takes the rest as it is."""
    config = _read(
        "[camera.'Tor 3']\nevery = '1/3'\nmin_face = 12\nexclude = true\n[camera.b]\nlong_side=480", tmp_path
    )
    assert cameras_from(config) == {
        "Tor 3": {"every": Fraction(1, 3), "min_face": 12, "exclude": True},
        "b": {"long_side": 480},
    }


def test_cameras_take_fields_of_the_options_within_their_bounds() -> None:
    """The file refuses what the options would refuse later, and nothing else."""
    fields = {name for name in CAMERA_SETTINGS if name != "exclude"}
    assert fields <= set(RunOptions.__dataclass_fields__)
    for name, setting in CAMERA_SETTINGS.items():
        for bound, step in ((setting.least, -1), (setting.most, 1)):
            if bound is not None:
                within: dict[str, Any] = {name: bound}
                RunOptions(sources=(), out=Path("out"), **within)
                beyond: dict[str, Any] = {name: bound + step}
                with pytest.raises(UsageError):
                    RunOptions(sources=(), out=Path("out"), **beyond)


def test_recorders_in_their_order(tmp_path: Path) -> None:
    """As they stand in the file, for analytics.recorders to make something of."""
    config = _read('[[recorder]]\npreset = "x"\n[[recorder]]\npattern = "{camera}"\ncamera = "door"', tmp_path)
    assert config.recorders == (
        RecorderEntry(number=0, preset="x"),
        RecorderEntry(number=1, pattern="{camera}", camera="door"),
    )


def test_every_parser_that_is_named_exists() -> None:
    """They are looked up by name, late."""
    for name in PARSERS:
        with pytest.raises(UsageError, match="nonsense"):
            parser_of(name)("nonsense")


def test_the_docs_name_every_setting(tmp_path: Path) -> None:
    """The example in docs/configuration.md is read as it stands; the tables have all settings and no other."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (tmp_path / "emobatch.toml").write_text(page.split("```toml\n", 1)[1].split("```", 1)[0], encoding="utf-8")
    shown = _shown(emobatch("config", "show", "--json", cwd=tmp_path))
    assert shown["until"] == ("06:00", "emobatch.toml:13")
    assert shown["recorder.1.camera"] == ("entrance", "emobatch.toml:23")
    assert shown['camera."Tor 3".every'][0] == "2"
    of_run, of_cameras = (_listed_in(page.split(f"\n### {section}")[1]) for section in ("[run]", "[camera."))
    assert of_run == {name for name in shown if "." not in name}
    assert of_cameras == set(CAMERA_SETTINGS)


def _listed_in(section: str) -> set[str]:
    """The settings in the first column of a section's table."""
    table = [row for row in section.split("\n#", 1)[0].splitlines() if row.startswith("| `")]
    return {name for row in table for name in re.findall(r"`([a-z_]+)`", row.split(" | ")[0])}
