"""Labelled stretches of video, scored by seconds through the whole pipeline."""

from pathlib import Path

import pytest

from analytics.expressions import EXPRESSIONS
from tests.clips import write_clip
from tests.command import emobatch
from tests.footage import Actor, Scene, standing


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of six seconds: a smiling face for the first four, then nobody."""
    folder = tmp_path_factory.mktemp("labelled")
    smiling = Actor(standing(160, 90, 90), hidden=((4.0, 9.0),))
    write_clip(Scene(320, 180, 10.0, 6.0, 3, (smiling,)), folder / "clip.mp4")
    return folder


def write_list(folder: Path, *lines: str) -> Path:
    """A list of stretches."""
    path = folder / "stretches.csv"
    path.write_text("\n".join(["file,start_s,end_s,label", *lines]) + "\n", encoding="utf-8")
    return path


def test_seconds_are_scored(folder: Path) -> None:
    """Three happy seconds are right, one labelled sad is wrong, and two have no face; each counted to the tenth."""
    path = write_list(folder, "clip.mp4,0,3,happy", "clip.mp4,3.0,4.0,Sadness", "clip.mp4,4,6,neutral")
    done = emobatch("evaluate", "default", path, "--json", cwd=folder)
    assert done.code == 0, done.stderr
    found = done.json
    assert found["seconds"] == pytest.approx(6, abs=0.1)
    assert found["no_face"] == pytest.approx(2 / 6, abs=0.02)
    assert found["accuracy"] == pytest.approx(3 / 4, abs=0.03)
    assert found["classes"]["happy"]["recall"] == 1.0
    assert found["classes"]["happy"]["precision"] == pytest.approx(3 / 4, abs=0.03)
    assert found["classes"]["sad"] == {"precision": None, "recall": 0.0, "seconds": pytest.approx(1, abs=0.05)}
    assert found["confusion"][EXPRESSIONS.index("sad")][EXPRESSIONS.index("happy")] == pytest.approx(1, abs=0.05)
    assert found["uncertain"] == {"share": 0.0, "accuracy_of_accepted": pytest.approx(3 / 4, abs=0.03)}
    assert list(found["files"]) == [str(folder / "clip.mp4")]


def test_seconds_without_a_label_count_nothing(folder: Path) -> None:
    """Only what was labelled is scored; for people it is a table."""
    path = write_list(folder, "clip.mp4,1.2,1.7,happy")
    assert emobatch("evaluate", "default", path, "--json", cwd=folder).json["seconds"] == pytest.approx(0.5)
    words = emobatch("evaluate", "default", path, cwd=folder).stdout
    assert words.startswith("0.5 labelled seconds, without a face to judge 0.000 of them\n")
    assert "clip.mp4: 0.5 s, accuracy 1.000" in words


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("gone.mp4,0,1,happy", "line 3: {folder}/gone.mp4: no such video"),
        ("clip.mp4,4,5,joyful", "line 3: 'joyful' is no class"),
        ("clip.mp4,5,4,happy", "line 3: is no stretch of time"),
        ("clip.mp4,x,4,happy", "line 3: is no stretch of time"),
        ("clip.mp4,nan,4,happy", "line 3: is no stretch of time"),
        ("clip.mp4", "line 3: '' is no class"),
        ("clip.mp4,0.5,4,happy", "line 3: overlaps another stretch of {folder}/clip.mp4"),
        ("stretches.csv,0,1,happy", "{folder}/stretches.csv"),
    ],
)
def test_lines_that_cannot_be_scored_are_named(folder: Path, line: str, said: str) -> None:
    """In one line with the file, its line and the remedy, exit code 2."""
    path = write_list(folder, "clip.mp4,0,1,happy", line)
    done = emobatch("evaluate", "default", path, cwd=folder)
    assert done.code == 2
    assert said.format(folder=folder) in done.only_error()


def test_a_list_without_lines_is_an_error(folder: Path) -> None:
    """It says what a line looks like."""
    done = emobatch("evaluate", "default", write_list(folder), cwd=folder)
    assert done.code == 2 and "file,start_s,end_s,label" in done.only_error()


def test_groups_of_seconds_are_told_apart(folder: Path) -> None:
    """By camera and by any column that is one of groups; what no column tells was never tested."""
    path = folder / "groups.csv"
    path.write_text(
        "file,start_s,end_s,label,camera,group_age,light\n"
        "clip.mp4,0,2,happy,door,old,day\nclip.mp4,2,3,sad,yard,old,night\nclip.mp4,3,4,happy,yard,,night\n",
        encoding="utf-8",
    )
    done = emobatch("evaluate", "default", path, "--group", "light", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    groups = done.json["groups"]
    assert {column: list(found) for column, found in groups.items()} == {
        "camera": ["door", "yard"], "group_age": ["old"], "light": ["day", "night"]
    }  # fmt: skip
    assert groups["camera"]["door"]["accuracy"] == 1.0
    assert groups["camera"]["yard"]["accuracy"] == pytest.approx(0.5, abs=0.05)
    assert groups["group_age"]["old"]["seconds"] == pytest.approx(3, abs=0.05)
    assert done.json["not_tested"] == ["culture", "skin_tone"]
