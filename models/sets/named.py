"""Sets whose file names say who shows what: CK+, JAFFE and KDEF.

CK+ is Lucey et al. (2010), "The Extended Cohn-Kanade Dataset (CK+)"; JAFFE is Lyons et al. (1998), "Coding Facial
Expressions with Gabor Wavelets"; KDEF is Lundqvist, Flykt and Öhman (1998), "The Karolinska Directed Emotional Faces".
"""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Final

from analytics.errors import UsageError
from models.listed import walk_pictures
from models.pictures import PictureFiles
from models.sets.records import Item, ReadOptions, SourceSet

_CK_FRAME: Final = re.compile(r"(S\d{3})_(\d{3})_(\d{8})\.\w+", re.IGNORECASE)
_CK_LABEL: Final = re.compile(r"(S\d{3})_(\d{3})_\d{8}_emotion\.txt", re.IGNORECASE)
_CK_NAMES: Final = ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""By the number in a label file, 0 to 7, as the distribution's own readme has them."""
_CONTEMPT: Final = "contempt"
_JAFFE: Final = re.compile(r"([A-Z]{2})\.(AN|DI|FE|HA|NE|SA|SU)\d+\.\d+\.\w+", re.IGNORECASE)
"""KA.AN1.39.tiff: subject, expression and which of her pictures of it, number of the picture."""
_KDEF: Final = re.compile(r"[AB]([FM]\d{2})(AF|AN|DI|HA|NE|SA|SU)(S|HL|HR|FL|FR)\.\w+", re.IGNORECASE)
"""AF01ANS.JPG: session, sex and number of the person, expression, angle (straight, half or full, left or right)."""
KDEF_ANGLES: Final = ("S", "HL", "HR", "FL", "FR")
_LETTERS: Final = {
    "AF": "fear",
    "AN": "angry",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happy",
    "NE": "neutral",
    "SA": "sad",
    "SU": "surprise",
}
_MOSTLY: Final = 0.9
"""Share of the picture names that must be of a kind for a folder to be of it."""


def is_ckplus(folder: Path) -> bool:
    """Whether there are label files of CK+ in a folder."""
    return any(_CK_LABEL.fullmatch(path.name) for path in folder.rglob("*_emotion.txt"))


def is_jaffe(folder: Path) -> bool:
    """Whether most picture names are those of JAFFE."""
    return _mostly(folder, _JAFFE)


def is_kdef(folder: Path) -> bool:
    """Whether most picture names are those of KDEF."""
    return _mostly(folder, _KDEF)


def _mostly(folder: Path, pattern: re.Pattern[str]) -> bool:
    names = [Path(file).name for file in walk_pictures(folder)]
    return bool(names) and sum(pattern.fullmatch(name) is not None for name in names) >= _MOSTLY * len(names)


def read_ckplus(folder: Path, options: ReadOptions) -> SourceSet:
    """The last frames of each labelled sequence of CK+ with its label, and its first ones as neutral.

    Sequences go from a neutral face to the peak of an expression; those without a label file have no label and are left
    out, as is contempt unless it is asked for.

    Raises:
        UsageError: a label file without a number from 0 to 7, or without frames.
    """
    frames: dict[tuple[str, str], list[str]] = defaultdict(list)
    unnamed = 0
    for file in walk_pictures(folder):
        if match := _CK_FRAME.fullmatch(Path(file).name):
            frames[match[1].upper(), match[2]].append(file)
        else:
            unnamed += 1
    items: list[Item] = []
    files: list[str] = []
    unlabelled = set(frames)
    for path in sorted(folder.rglob("*_emotion.txt"), key=lambda path: path.name):
        if not (match := _CK_LABEL.fullmatch(path.name)):
            continue
        sequence = (match[1].upper(), match[2])
        label = _ck_label(path)
        if sequence not in frames:
            remedy = "put the folder cohn-kanade-images beside that of the labels, and name the folder that holds both"
            raise UsageError(f"{path}: has no frames in {folder}", remedy)
        unlabelled.discard(sequence)
        ordered = sorted(frames[sequence], key=lambda file: Path(file).name)
        shown = ordered[-options.last :] if options.last else []
        chosen = [(file, "neutral") for file in ordered[: options.first] if file not in shown]
        for file, name in (*chosen, *((file, label) for file in shown)):
            items.append(Item(label=name, name=_below(file, folder), subject=sequence[0]))
            files.append(file)
    left_out = {"sequences without a label": len(unlabelled), "names that are not CK+'s": unnamed}
    return replace(_named("ckplus", folder, items, files, left_out), spare=(_CONTEMPT,))


def _ck_label(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        number = float(text)
        if number != int(number) or number < 0:
            raise ValueError
        return _CK_NAMES[int(number)]
    except (ValueError, IndexError, OverflowError):
        problem = f"{path}: '{text[:20]}' is no label of CK+"
        raise UsageError(problem, f"it holds a number from 0 to {len(_CK_NAMES) - 1}; copy it again") from None


def read_jaffe(folder: Path, options: ReadOptions) -> SourceSet:
    """All pictures of JAFFE; whoever shows them and what is in their names."""
    del options
    items, files = [], []
    unnamed = 0
    for file in walk_pictures(folder):
        if match := _JAFFE.fullmatch(Path(file).name):
            label = _LETTERS[match[2].upper()]
            items.append(Item(label=label, name=_below(file, folder), subject=match[1].upper()))
            files.append(file)
        else:
            unnamed += 1
    return _named("jaffe", folder, items, files, {"names that are not JAFFE's": unnamed})


def read_kdef(folder: Path, options: ReadOptions) -> SourceSet:
    """The pictures of KDEF from the asked-for angles. A person of both sessions is one subject.

    Raises:
        UsageError: an unknown angle.
    """
    angles = [angle.upper() for angle in options.angles]
    if unknown := set(angles) - set(KDEF_ANGLES):
        raise UsageError(f"--angles {min(unknown)}: no such angle", f"choose of: {', '.join(KDEF_ANGLES)}")
    items, files = [], []
    unnamed = turned = 0
    for file in walk_pictures(folder):
        match = _KDEF.fullmatch(Path(file).name)
        if match is None:
            unnamed += 1  # The distribution has two itself: AF31V.JPG and AM31H.JPG.
        elif match[3].upper() not in angles:
            turned += 1
        else:
            label = _LETTERS[match[2].upper()]
            items.append(Item(label=label, name=_below(file, folder), subject=match[1].upper()))
            files.append(file)
    return _named("kdef", folder, items, files, {"other angles": turned, "names that are not KDEF's": unnamed})


def _named(kind: str, folder: Path, items: list[Item], files: list[str], left_out: dict[str, int]) -> SourceSet:
    return SourceSet(
        kind=kind,
        items=items,
        pictures=PictureFiles(folder, files),
        left_out={reason: n for reason, n in left_out.items() if n},
    )


def _below(file: str, folder: Path) -> str:
    return Path(file).relative_to(folder).as_posix()
