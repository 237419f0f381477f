"""`emobatch predict`: expressions of still pictures, for people, for programs, and as a contact sheet."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from analytics.expressions import EXPRESSIONS
from reports.contact_sheet import Tile, sheet_of, tile_of
from tests.command import emobatch


@pytest.fixture(name="portrait")
def _portrait() -> NDArray[np.uint8]:
    """A smiling face in the upper half of a picture of 512x512, blue-green-red."""
    return np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])  # type: ignore[no-untyped-call]


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, portrait: NDArray[np.uint8]) -> Path:
    """Three pictures: a face, two faces, none; and a text that bears the name of one."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), portrait)
    cv2.imwrite(str(folder / "b.jpg"), np.hstack([portrait, portrait[:, ::-1]]))
    cv2.imwrite(str(folder / "c.png"), np.full((200, 300, 3), 120, np.uint8))
    (folder / "d.png").write_text("no picture")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def test_a_folder_for_programs(folder: Path) -> None:
    """Boxes, usability and seven probabilities of each face; what cannot be read is told and costs no other picture."""
    done = emobatch("predict", folder, "--json", cwd=folder)
    assert done.code == 3
    pictures = done.json["pictures"]
    assert [Path(picture["source"]).name for picture in pictures] == ["a.png", "b.jpg", "c.png"]
    assert [len(picture["faces"]) for picture in pictures] == [1, 2, 0]
    (face,) = pictures[0]["faces"]
    assert face["expression"] == "happy" and face["usable"] and face["confidence"] > 0.9
    assert list(face["probabilities"]) == list(EXPRESSIONS)
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert 150 < face["x"] < 210 and 30 < face["y"] < 90 and 70 < face["w"] < 130
    left, right = pictures[1]["faces"]
    assert left["x"] < 512 < right["x"]
    (failure,) = done.json["failures"]
    assert failure == {"source": str(folder / "d.png"), "reason": "cannot be read as a picture"}


def test_a_folder_of_folders(folder: Path) -> None:
    """Pictures are found at any depth, as videos are."""
    done = emobatch("predict", folder.parent, "--json", cwd=folder)
    assert [Path(picture["source"]).name for picture in done.json["pictures"]] == ["a.png", "b.jpg", "c.png"]


def test_a_picture_for_people(folder: Path) -> None:
    """Its name, how many faces, and a line for each; nothing on stderr, nothing written."""
    before = set(folder.iterdir())
    done = emobatch("predict", "a.png", "c.png", cwd=folder)
    assert (done.code, done.stderr) == (0, "")
    first, face, none = done.stdout.splitlines()
    assert (first, none) == ("a.png: 1 face", "c.png: no face")
    assert face.split()[:2] == ["1", "happy,"]
    assert set(folder.iterdir()) == before


def test_a_face_that_fills_its_picture_is_found(tmp_path: Path, portrait: NDArray[np.uint8]) -> None:
    """In coordinates of the picture, though it was searched in a larger one."""
    cv2.imwrite(str(tmp_path / "tight.png"), portrait[75:170, 185:265])
    (picture,) = emobatch("predict", "tight.png", "--json", cwd=tmp_path).json["pictures"]
    (face,) = picture["faces"]
    assert face["expression"] == "happy"
    assert -20 < face["x"] < 15 and -30 < face["y"] < 15 and 60 < face["w"] < 110


def test_contact_sheet(folder: Path) -> None:
    """One tile a face and one for the picture without; the strip has the colour of the label."""
    done = emobatch("predict", folder, "--sheet", "sheet.png", cwd=folder.parent)
    assert done.code == 3 and done.stderr.splitlines()[-1] == "sheet: sheet.png"
    sheet = cv2.imread(str(folder.parent / "sheet.png"))
    assert sheet is not None and sheet.shape == (228, 712, 3)  # Four tiles in a row.
    happy = (0x00, 0x9F, 0xE6)  # #E69F00, blue first.
    assert [tuple(sheet[200, 10 + k * 176].tolist()) == happy for k in range(4)] == [True, True, True, False]


def test_tiles_fill_rows_of_six() -> None:
    """Whatever the shape of the pictures and the letters of their names."""
    wide, high = np.zeros((10, 400, 3), np.uint8), np.zeros((400, 3, 3), np.uint8)
    tiles = [tile_of(Tile(picture, None, "no face", "Tür 3/Süd 📷" * 9)) for picture in (wide, high)]
    beyond = tile_of(Tile(wide, (-50.0, -40.0, 30.0, 30.0), "sad", "box outside the picture"))
    assert {tile.shape for tile in (*tiles, beyond)} == {(212, 168, 3)}
    assert sheet_of([*tiles, beyond] * 3).shape == (448, 1064, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gone.png",), "gone.png: cannot be read (No such file or directory)"),
        (
            ("empty",),
            "empty: holds no pictures: known kinds: .bmp, .jpeg, .jpg, .png, .tif, .tiff, .webp; emobatch run takes videos",
        ),
        (("a.png", "--sheet", "sheet.pdf"), "--sheet sheet.pdf: is no name of a picture: end it in .png or .jpg"),
        (("a.png", "--sheet", "no/sheet.png"), "--sheet no/sheet.png: cannot be written"),
        (("a.png", "--detector", "eyes"), "--detector eyes: no such detector"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, portrait: NDArray[np.uint8], arguments: tuple[str, ...], said: str
) -> None:
    """In one line with the remedy, exit code 2."""
    (tmp_path / "empty").mkdir()
    cv2.imwrite(str(tmp_path / "a.png"), portrait)
    done = emobatch("predict", *arguments, cwd=tmp_path)
    assert done.code == 2
    assert done.stderr.splitlines()[-1].startswith(f"emobatch: {said}")
