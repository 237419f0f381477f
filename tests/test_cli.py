"""The command line: help, wrong usage, settings that cannot be, and being stopped."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from analytics.errors import UsageError
from jobs.cli import app
from jobs.moments import parse_every
from models.classifier import SHIPPED
from tests.clips import write_clip
from tests.command import COMMAND, ENVIRONMENT, ROOT, emobatch, rows, without_override
from tests.footage import Actor, Scene, standing


@pytest.fixture(scope="module", name="clip")
def _clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    write_clip(Scene(duration_s=1, fps=10, actors=(Actor(path=standing(300, 180, 90)),)), path)
    return path


def test_help_names_every_command(tmp_path: Path) -> None:
    """`emobatch` alone and --help list the commands; --version prints one line."""
    done = emobatch("--help", cwd=tmp_path)
    assert done.code == 0
    for command in ("run", "report", "status", "demo", "doctor", "evaluate", "dataset", "train", "models"):
        assert f" {command} " in done.stdout
    assert emobatch(cwd=tmp_path).stdout.strip() == done.stdout.strip()
    assert emobatch("--version", cwd=tmp_path).stdout.startswith("emobatch 0.")


@pytest.mark.parametrize("command", ["run", "report", "status", "demo", "doctor", "evaluate", "train", "models"])
def test_each_command_explains_itself(command: str, tmp_path: Path) -> None:
    """The help of a command answers on stdout and calls the command by its name."""
    done = emobatch(command, "--help", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert f"Usage: emobatch {command} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "problem", "remedy"),
    [
        (("run",), "Missing argument 'SOURCE…'", "see emobatch run --help"),
        (("run", "x", "--nope"), "No such option: --nope", "see emobatch run --help"),
        (("nope",), "No such command 'nope'", "see emobatch --help"),
        (("report", "nothing-here"), "nothing-here", "name the --out folder of an earlier run"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    arguments: tuple[str, ...], problem: str, remedy: str, tmp_path: Path
) -> None:
    """The line says what is wrong and where to look."""
    done = emobatch(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert problem in done.only_error()
    assert done.only_error().endswith(remedy)


@pytest.mark.parametrize("every", ["0", "-1", "abc", "nan", "1/0"])
def test_an_every_that_is_no_interval_is_refused(every: str, clip: Path, tmp_path: Path) -> None:
    """The error quotes the value and gives the range; nothing is written."""
    done = emobatch("run", clip, f"--every={every}", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error().startswith(f"emobatch: --every {every}: ")
    assert done.only_error().endswith("give seconds between 0.001 and 3600, such as 0.5")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("every", ["inf", "1e999999999", "0.0001", "3601", "", " ", "1/2/3", "٣"])
def test_what_reads_as_a_number_elsewhere_is_no_interval(every: str) -> None:
    """Out of range, an exponent that would take hours to write out, digits of another script."""
    with pytest.raises(UsageError, match=r"--every .*: give seconds between 0\.001 and 3600"):
        parse_every(every)


@pytest.mark.parametrize(
    ("option", "remedy"), [("--detector", "choose one of: yunet, haar, mtcnn"), ("--model", "name one of: default")]
)
def test_an_unknown_engine_is_refused_with_the_known_ones(option: str, remedy: str, clip: Path, tmp_path: Path) -> None:
    """A detector or model that is none: the names that are."""
    done = emobatch("run", clip, option, "nope", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error().startswith(f"emobatch: {option} nope: no such ")
    assert remedy in done.only_error()
    assert not any(tmp_path.iterdir())


def test_a_model_without_its_facts_is_refused(clip: Path, tmp_path: Path) -> None:
    """A .tflite file alone says neither its input nor its threshold, so the .json beside it is asked for."""
    shutil.copy(SHIPPED["default"], tmp_path / "mine.tflite")
    done = emobatch("run", clip, "--model", "mine.tflite", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error().startswith("emobatch: mine.json: cannot read the facts of the model")
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
    done = emobatch("run", clip, "--model", "mine.tflite", cwd=tmp_path)
    assert (done.code, "mine.json: does not describe a model" in done.only_error()) == (2, True)


def test_a_model_file_that_was_changed_is_refused(clip: Path, tmp_path: Path) -> None:
    """One byte more than the SHA-256 in the .json knows of."""
    facts = json.loads(SHIPPED["default"].with_suffix(".json").read_text(encoding="utf-8"))
    (tmp_path / "mine.json").write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "mine.tflite").write_bytes(SHIPPED["default"].read_bytes() + b"\0")
    done = emobatch("run", clip, "--model", "mine.tflite", cwd=tmp_path)
    assert done.code == 2
    assert done.only_error().startswith("emobatch: mine.tflite: not the expected weights, SHA-256 is ")


def test_an_out_that_is_a_file_is_refused(clip: Path, tmp_path: Path) -> None:
    """OUT itself, a parent of it, or a link to nowhere; the file stays as it was."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    for out, problem in (("file", "is a file"), ("file/below", "Not a directory"), ("link", "is a file")):
        done = emobatch("run", clip, "--out", out, cwd=tmp_path)
        assert done.code == 2
        assert done.only_error().startswith(f"emobatch: --out {out}: ")
        assert problem in done.only_error()
    assert (tmp_path / "file").read_text() == "mine"


def test_an_out_that_cannot_be_written_is_refused(clip: Path, tmp_path: Path) -> None:
    """A folder that may not be written in, may not be entered, or has no possible name."""
    for name, mode, out in (("readonly", 0o500, "readonly"), ("closed", 0o000, "closed/out")):
        (tmp_path / name).mkdir(mode)
        done = emobatch("run", clip, "--out", out, cwd=tmp_path, before=without_override())
        assert done.code == 2, done
        assert done.only_error() == f"emobatch: --out {out}: cannot be written (Permission denied): name another folder"
        (tmp_path / name).chmod(0o700)
        assert not any((tmp_path / name).iterdir())
    done = emobatch("run", clip, "--out", "x" * 300, cwd=tmp_path)
    assert (done.code, "File name too long" in done.only_error()) == (2, True)


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """With --debug, and only then, an error comes with where it arose."""
    arguments = [*COMMAND, "run", "nothing", "--debug"]
    done = subprocess.run(arguments, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "nothing: does not exist" in done.stderr


@pytest.mark.parametrize(
    "before",
    [(), pytest.param(("sh", "-c", 'trap "" INT; exec "$0" "$@"'), marks=pytest.mark.slow)],
    ids=["", "ignoring SIGINT"],
)
def test_a_run_that_is_interrupted_keeps_the_finished_videos(
    before: tuple[str, ...], clip: Path, tmp_path: Path
) -> None:
    """Ctrl-C after the first video: exit 130, one line that says so, its rows whole, and a rerun does the rest.

    A script that starts it with & has it ignore the signal, if it lets it.
    """
    write_clip(Scene(duration_s=120, fps=5, seed=1), tmp_path / "long.mp4")
    arguments = [*before, *COMMAND, "run", str(clip), "long.mp4", "--out", "out", "--every", "0.2", "--gate", "off"]
    process = subprocess.Popen(arguments, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("[1/2] done ")
    os.kill(process.pid, signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert rest == "emobatch: interrupted: what was finished is kept\n"
    (video,) = rows(tmp_path / "out", "videos")
    assert (video["source"], video["status"]) == (str(clip), "done")
    assert len(rows(tmp_path / "out", "faces")) == video["n_faces"] == 5
    assert not list((tmp_path / "out").rglob("*.tmp"))
    assert emobatch("run", clip, "long.mp4", "--out", "out", "--every", "30", cwd=tmp_path).code == 0
    assert len(rows(tmp_path / "out", "videos")) == 2


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from _commands(below)


OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
ROOMS: Final = ("analytics", "jobs", "models", "reports")
OF_OTHERS: Final = {"--force-reinstall", "--no-deps", "--now"}
"""Options of pip and systemctl."""


def _options() -> dict[str, set[str]]:
    """The options of every command, by its name."""
    return {
        command.name: {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        for command in _commands(typer.main.get_command(app))
    }


def test_every_option_that_a_message_names_exists() -> None:
    """A remedy that cannot be typed is none."""
    known = set().union(*_options().values()) | {"--help"} | OF_OTHERS
    modules = [ROOT / "emobatch.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
    assert len(modules) > 50
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                unknown = set(OPTION.findall(node.value)) - known
                assert not unknown, f"{path.name}:{node.lineno}"


def test_the_readme_lists_the_options_of_run() -> None:
    """All of them, and no other."""
    table = re.search(r"\n\| option \|.*?\n\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert table
    listed = {name for row in table[0].splitlines() for name in OPTION.findall(row.split(" | ")[0])}
    assert listed == {name for name in _options()["run"] if name.startswith("--")}
