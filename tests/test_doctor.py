"""`emobatch doctor`: what would break a run is named with its remedy; each fault here is a real one."""

from pathlib import Path

import pytest

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
    assert found(emobatch("doctor", "--json", cwd=tmp_path))["camera rules"][0] == "ok"


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
