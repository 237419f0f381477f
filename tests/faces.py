"""Tiny data sets with the file names of the literature's, drawn here. Nobody's face is in them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
JAFFE_LETTERS: Final = ("AN", "DI", "FE", "HA", "NE", "SA", "SU")
KDEF_LETTERS: Final = ("AN", "DI", "AF", "HA", "NE", "SA", "SU")
CK_NUMBERS: Final = {"angry": 1, "contempt": 2, "disgust": 3, "fear": 4, "happy": 5, "sad": 6, "surprise": 7}


def drawn(seed: int, size: int = 40) -> NDArray[np.uint8]:
    """A picture of its own: soft blobs, so that no two seeds are nearly equal and copies at other sizes are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (10, 10), np.uint8)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


def write(path: Path, picture: NDArray[np.uint8]) -> Path:
    """A picture file, its folders made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def jaffe(folder: Path, subjects: Sequence[str] = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")) -> Path:
    """KA.AN1.39.tiff and so on: two pictures of each expression of each person."""
    number = 0
    for subject in subjects:
        for letters in JAFFE_LETTERS:
            for take in (1, 2):
                number += 1
                write(folder / f"{subject}.{letters}{take}.{number}.tiff", drawn(number))
    return folder


def kdef(folder: Path, people: Sequence[str] = ("F01", "F02", "M01", "M02")) -> Path:
    """AF01/AF01ANS.JPG and so on: both sessions, straight and from the left, and one of the two that are misnamed."""
    for place, person in enumerate(people):
        for session in "AB":
            name = f"{session}{person}"
            for k, letters in enumerate(KDEF_LETTERS):
                for angle in ("S", "HL"):
                    seed = 1000 + 100 * place + 10 * k + 2 * "AB".index(session) + (angle == "HL")
                    write(folder / name / f"{name}{letters}{angle}.JPG", drawn(seed))
    write(folder / "AM31" / "AM31H.JPG", drawn(1999))
    return folder


def ckplus(folder: Path, subjects: int = 7, frames: int = 6) -> Path:
    """S001/001/S001_001_00000001.png and so on, label files beside them; one sequence a person has none."""
    for k in range(subjects):
        subject = f"S{k + 5:03}"
        for s, number in enumerate((*CK_NUMBERS.values(), None), start=1):
            for frame in range(1, frames + 1):
                name = f"{subject}_{s:03}_{frame:08}"
                path = folder / "cohn-kanade-images" / subject / f"{s:03}" / f"{name}.png"
                write(path, drawn(5000 + 100 * k + 10 * s + frame))
            labels = folder / "Emotion" / subject / f"{s:03}"
            labels.mkdir(parents=True)
            if number is not None:
                (labels / f"{name}_emotion.txt").write_text(f"   {number}.0000000e+00\n", encoding="utf-8")
    return folder


def class_folders(folder: Path, classes: Sequence[str] = CLASSES, each: int = 10, first: int = 20_000) -> Path:
    """A folder for each class with so many pictures."""
    for place, name in enumerate(classes):
        for k in range(each):
            write(folder / name / f"{k}.png", drawn(first + 100 * place + k))
    return folder


def fer_csv(folder: Path, votes: bool = True) -> Path:
    """FER2013's csv of 70 rows, 42 of them for training, and the votes of FER+, all of ten for the label."""
    folder.mkdir(parents=True, exist_ok=True)
    usages = ["Training"] * 42 + ["PublicTest"] * 14 + ["PrivateTest"] * 14
    lines, voted = ["emotion,pixels,Usage"], []
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    order = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
    for k, usage in enumerate(usages):
        lines.append(f"{k % 7},{' '.join(map(str, drawn(40_000 + k, 48).ravel()))},{usage}")
        row = [10 if name == names[k % 7] else 0 for name in order]
        voted.append(f"{usage},fer{k:07}.png,{','.join(map(str, row))}")
    (folder / "fer2013.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if votes:
        header = f"Usage,Image name,{','.join(order)}"
        (folder / "fer2013new.csv").write_text("\n".join([header, *voted]) + "\n", encoding="utf-8")
    return folder / "fer2013.csv"
