"""`emobatch doctor`: what would break a run is named with its remedy; each fault here is a real one."""

from functools import partial
from pathlib import Path
from typing import Final

import pytest

from jobs.cli_doctor import mistakes
from jobs.config import read_config
from jobs.config_values import Setting
from tests.command import ENVIRONMENT, ROOT, Finished, emobatch


def problems(done: Finished) -> dict[str, tuple[str, str]]:
    """What was found and its remedy, by what was looked at."""
    levels = {finding["level"] for finding in done.json["findings"]}
    assert levels <= {"ok", "warning", "problem"}
    return {f["what"]: (f["found"], f["remedy"]) for f in done.json["findings"] if f["level"] == "problem"}


@pytest.fixture(name="shadow")
def _shadow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages that stands before the installed ones."""
    folder = tmp_path / "shadow"
    folder.mkdir()
    monkeypatch.setitem(ENVIRONMENT, "PYTHONPATH", f"{folder}:{ROOT}")
    return folder


def install(folder: Path, name: str, version: str) -> None:
    """What pip leaves of a release."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_a_machine_that_is_well(tmp_path: Path) -> None:
    """Exit code 0, a line for each thing, a clip that was really run, and nothing left behind."""
    done = emobatch("doctor", "--out", tmp_path / "new" / "out", cwd=tmp_path)
    assert done.code == 0, done.stdout
    lines = done.stdout.splitlines()
    for what in ("versions", "OpenCV", "codecs", "disk", "memory", "models", "run of the demo clip"):
        assert any(f" {what}: " in line for line in lines), what
    assert list(tmp_path.iterdir()) == []


def test_two_wheels_of_opencv(shadow: Path) -> None:
    """They overwrite each other's cv2; both are named, and how to get back to one."""
    install(shadow, "opencv-python", "4.12.0.88")
    done = emobatch("doctor", "--json", cwd=shadow)
    assert done.code == 2
    found, remedy = problems(done)["OpenCV"]
    assert found == "opencv-python and opencv-python-headless overwrite each other"
    assert remedy.startswith("pip uninstall -y opencv-python opencv-python-headless; pip install ")


def test_a_wrong_release(shadow: Path) -> None:
    """Named with the one that is wanted."""
    install(shadow, "av", "9.0.0")
    done = emobatch("doctor", "--json", cwd=shadow)
    assert done.code == 2
    found, remedy = problems(done)["av"]
    assert "9.0.0" in found and ">=15" in found
    assert remedy.startswith("pip install 'av")


def test_models_that_are_not_there(tmp_path: Path) -> None:
    """Exit code 2, with the names that there are."""
    done = emobatch("doctor", "--model", "gone.tflite", "--json", cwd=tmp_path)
    assert done.code == 2
    assert list(problems(done)) == ["models"]  # And not once more for the run, which would fail for them.
    found, remedy = problems(done)["models"]
    assert found == "--model gone.tflite: no such model"
    assert "default" in remedy


def test_a_scheduler_that_is_not_there(tmp_path: Path) -> None:
    """The address is named."""
    done = emobatch("doctor", "--scheduler", "tcp://127.0.0.1:1", "--json", cwd=tmp_path)
    assert done.code == 2
    found, _ = problems(done)["run of the demo clip"]
    assert found.startswith("--scheduler tcp://127.0.0.1:1: cannot be reached")


def test_an_out_that_cannot_be_written() -> None:
    """Nobody may write there, not even root."""
    done = emobatch("doctor", "--out", "/proc/emobatch", "--json", cwd=ROOT)
    assert done.code == 2
    found, remedy = problems(done)["run of the demo clip"]
    assert found.startswith("/proc: cannot be written")
    assert remedy == "name another --out"


RULES = """[run]
sources = ["archive"]
timezone = "UTC"
since = 2026-03-01
[[recorder]]
pattern = "{camera}/{start:%Y%m%d_%H%M%S}.*"
[[recorder]]
pattern = "{camera}/odd*.*"
"""


def found(done: Finished) -> dict[str, tuple[str, str, str]]:
    """Level, words and remedy by what was looked at."""
    return {f["what"]: (f["level"], f["found"], f["remedy"]) for f in done.json["findings"]}


def test_the_configuration_and_its_camera_rules_are_tried(tmp_path: Path) -> None:
    """On what the sources hold now: how many files match which rule, and which match none or tell no time."""
    names = ("door/20260301_220000.mp4", "door/20260301_230000.mp4", "gate/odd1.mp4", "gate/nothing.mp4")
    for name in names:
        (tmp_path / "archive" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "archive" / name).touch()
    (tmp_path / "emobatch.toml").write_text(RULES)
    done = emobatch("doctor", "--json", cwd=tmp_path)
    assert done.code == 0, done.stdout
    assert found(done)["settings"] == ("ok", "emobatch.toml, every line of it", "")
    assert found(done)["sources"] == ("ok", "4 files", "")
    assert found(done)["purpose"][:2] == (
        "ok",
        "undeclared, which all pages will say; docs/privacy.md tells how to declare it",
    )
    level, words, remedy = found(done)["camera rules"]
    assert level == "warning" and "docs/cameras.md" in remedy
    assert words == (
        "of 4 files 2 match {camera}/{start:%Y%m%d_%H%M%S}.*, 1 match {camera}/odd*.*; "
        f"1 match none, such as {tmp_path}/archive/gate/nothing.mp4; "
        f"1 that match tell no time, such as {tmp_path}/archive/gate/odd1.mp4"
    )
    assert found(done)["run of the demo clip"][0] == "ok"  # --since would have left it out.
    for name in names[2:]:
        (tmp_path / "archive" / name).unlink()
    with (tmp_path / "emobatch.toml").open("a") as more:  # Settings of cameras mean nothing to the demo clip.
        more.write("[camera.door]\nmasks = [[[0, 0], [0.5, 0], [0, 0.5]]]\n")
    again = found(emobatch("doctor", "--json", cwd=tmp_path))
    assert again["camera rules"][0] == again["run of the demo clip"][0] == "ok"


WRONG: Final = """\
[run]
every = 0
wrokers = 2
since = 2026-03-01
until = "late"
[[recorder]]
patern = "{camera}/*.mp4"
[[recorder]]
preset = "unheard-of"
[[recorder]]
pattern = "{camera}/*.mp4"
timezone = "Europe/Nowhere"
[camera.door]
min_face = 0
masks = [[[0, 0], [2, 0], [0, 1]]]
[purpose]
setting = 3
retention = "1m"
[[rule]]
name = "long"
dwell = "soon"
[[rule]]
name = "crowd"
people = 0
[events]
use = ["nothing"]
[watch]
every = 1
"""


def test_all_mistakes_of_a_configuration_are_told_at_once(tmp_path: Path) -> None:
    """Each with its line, and once; what is right is not told."""
    (tmp_path / "emobatch.toml").write_text(WRONG)
    done = emobatch("doctor", "--json", cwd=tmp_path)
    assert done.code == 2
    problems = [one["found"] for one in done.json["findings"] if one["level"] == "problem"]
    wanted = (
        "emobatch.toml:2: every: 0: out of range",
        "emobatch.toml:3: wrokers: no such setting",
        "emobatch.toml:5: until: late: no time of day",
        "emobatch.toml:7: recorder.patern: no such setting",
        "emobatch.toml:12: recorder.timezone: ",
        "emobatch.toml:14: camera.door.min_face: 0 is out of range",
        "emobatch.toml:15: camera.door.masks: ",
        "emobatch.toml:17: purpose.setting: is a number",
        "emobatch.toml:27: watch: no such section",
        "emobatch.toml:9: recorder: preset 'unheard-of' is unknown",
        "emobatch.toml:26: events: use: 'nothing': is none of emobatch's own rules",
        'emobatch.toml:21: rule "long": dwell: ',
        'emobatch.toml:24: rule "crowd": people: 0 is no number of people',
    )
    assert len(problems) == len(wanted)
    assert all(problem.startswith(words) for problem, words in zip(problems, wanted, strict=True))


def test_no_mistake_is_told_that_follows_from_another_one(tmp_path: Path) -> None:
    """Nor anything behind a TOML that cannot be read."""
    file = tmp_path / "emobatch.toml"

    def told(text: str) -> list[str]:
        file.write_text(text)
        found = mistakes(partial(read_config, file, {"every": Setting(kind="text")}))
        return [one.problem.removeprefix(str(file)) for one in found]

    # Rules may name the zone that is wrong: they are looked at once it is mended.
    zone = '[[zone]]\nname = "shelf"\ncamera = "door"\n'
    assert told(zone + '[[rule]]\nname = "a"\nzone = "shelf"\ndwell = "1m"\n') == [':1: zone "shelf": has no points']
    reason = '[purpose]\nsetting = "workplace"\nexception = "medical"\nreason = 5\n'
    assert told(reason) == [":4: purpose.reason: is a number"]
    assert told('[[recorder]]\npattern = ["a"]\n[[recorder]]\npreset = ["a"]\n') == [
        ":2: recorder.pattern: is a list", ":4: recorder.preset: is a list",
    ]  # fmt: skip
    assert told("[events]\nuse = 5\nloitering = 3\n") == [":3: events: loitering: is no section"]
    assert told("[run]\nevery = 0\nworkers = \n") == [":3: invalid value"]
    assert told("[run]\nevery = 1\n") == []


@pytest.mark.slow
def test_a_configuration_that_cannot_be_is_a_problem_among_others(tmp_path: Path) -> None:
    """Named with its line; the machine is looked at all the same. So is a source that is not there."""
    (tmp_path / "night.toml").write_text("[run]\nevery = 0\n")
    done = emobatch("doctor", "--config", "night.toml", "--json", cwd=tmp_path)
    assert done.code == 2
    ((what, (words, remedy)),) = problems(done).items()
    assert (what, words.startswith("night.toml:2: every: "), bool(remedy)) == ("settings", True, True)
    assert found(done)["run of the demo clip"][0] == "ok"
    done = emobatch("doctor", "gone", "--every", "1", "--json", cwd=tmp_path)
    assert list(problems(done)) == ["sources"]
    assert "gone: does not exist" in problems(done)["sources"][0]
