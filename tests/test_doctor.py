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
