"""`emobatch models`: what comes with emobatch, its cards, and whether its weights are intact."""

import json
import shutil
from pathlib import Path

import pytest

from models.classifier import SHIPPED, model_path
from models.detectors import DETECTORS
from models.weights import sha256_of
from tests.command import emobatch


def test_all_are_listed(tmp_path: Path) -> None:
    """One line each for people, one object for programs."""
    lines = emobatch("models", "list", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*SHIPPED, *DETECTORS]
    listed = emobatch("models", "list", "--json", cwd=tmp_path).json["models"]
    assert [entry["name"] for entry in listed] == [*SHIPPED, *DETECTORS]
    assert {entry["kind"] for entry in listed} == {"classifier", "detector"}


def test_the_card_is_shown(tmp_path: Path) -> None:
    """The card in full for people, the facts for programs."""
    card = model_path("default", "MODEL").with_suffix(".md").read_text(encoding="utf-8")
    assert emobatch("models", "show", "default", cwd=tmp_path).stdout.strip() == card.strip()
    facts = emobatch("models", "show", "default", "--json", cwd=tmp_path).json
    assert facts["sha256"] == sha256_of(Path(facts["path"]))
    assert facts["size_bytes"] == Path(facts["path"]).stat().st_size


def test_intact_weights_pass(tmp_path: Path) -> None:
    """Classifier and light detectors load, fit their SHA-256 and work."""
    for name in ("default", "yunet", "haar"):
        done = emobatch("models", "verify", name, cwd=tmp_path)
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{name}: as it should be, SHA-256 ")


@pytest.fixture(name="copy")
def _copy(tmp_path: Path) -> Path:
    path = model_path("default", "MODEL")
    shutil.copy(path.with_suffix(".json"), tmp_path / "own.json")
    return Path(shutil.copy(path, tmp_path / "own.tflite"))


def test_a_file_of_the_user_is_shown_and_verified(copy: Path) -> None:
    """By its path; without a card its facts are what there is to show."""
    assert "- threshold: " in emobatch("models", "show", copy, cwd=copy.parent).stdout
    assert emobatch("models", "verify", copy, cwd=copy.parent).code == 0


def test_changed_weights_fail(copy: Path) -> None:
    """With the file and the remedy, and the exit code of a wrong setting."""
    with copy.open("r+b") as file:
        file.seek(1000)
        file.write(b"emobatch")
    done = emobatch("models", "verify", copy, "--json", cwd=copy.parent)
    assert done.code == 2
    (entry,) = json.loads(done.stdout)["models"]
    assert str(copy) in entry["problem"] and "not the expected weights" in entry["problem"]


@pytest.mark.parametrize("command", ["show", "verify"])
def test_an_unknown_name_is_an_error(command: str, tmp_path: Path) -> None:
    """The names that there are stand in it."""
    done = emobatch("models", command, "nope", cwd=tmp_path)
    assert done.code == 2
    assert "nope" in done.only_error() and "default" in done.only_error()
