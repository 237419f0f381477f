"""`emobatch annotate`: what was found is drawn where it was found, readable, and everything else is as it was."""

import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from analytics.commit import HALF
from analytics.expressions import EXPRESSIONS
from jobs.annotate import Moments
from jobs.known import KnownFaces
from reports.caption import Captions, Picture, Shown
from reports.labels import Labels, Rect, common
from tests.clips import read_times, write_clip
from tests.command import COMMAND, ENVIRONMENT, Finished, emobatch, files_below, rows
from tests.films import kinds, packets, pictures, with_extras
from tests.footage import Actor, Scene

LEAVER = Actor(path=((0.0, 80.0, 90.0, 60.0), (0.9, 130.0, 90.0, 60.0)))
"""A face that is in the picture for less than a second of two."""
FILM = Scene(width=480, height=270, fps=10, duration_s=2.0, actors=(LEAVER,))


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("annotate")
    with_extras(folder / "film.mkv", FILM)
    return folder


@pytest.fixture(name="done", scope="module")
def _done(folder: Path) -> Finished:
    return emobatch("annotate", "film.mkv", "copy.mkv", "--json", cwd=folder)


def _changed(folder: Path, copy: str) -> list[tuple[float, np.ndarray]]:
    """Time of each frame, and where the copy clearly differs, bool (h, w)."""
    pairs = zip(pictures(folder / "film.mkv"), pictures(folder / copy), strict=True)
    return [(t, np.abs(a.astype(int) - b).max(axis=2) > 60) for (t, a), (_, b) in pairs]


def test_a_box_goes_with_the_face(folder: Path, done: Finished) -> None:
    """Its edges are drawn around the face, nothing on it; without a face only the line at the bottom is."""
    assert done.code == 0 and done.json["tracks"] == [1], done.stderr
    assert done.json["frames"] == 20 and done.json["frames_with_faces"] == 8
    for t, changed in _changed(folder, "copy.mkv"):
        assert changed[250:, :100].any()  # The line.
        box = LEAVER.box_at(t)
        if box is None or t > 0.75:  # Half way from the last sample with the face to the first one without.
            assert not changed[:240].any()
            continue
        x, y, w, h = (round(value) for value in box)
        around = changed[y - 8 : y + h + 8, x - 8 : x + w + 8]
        edges = around[:14].mean(), around[-14:].mean(), around[:, :14].mean(), around[:, -14:].mean()
        assert min(edges) > 0.06, (t, edges)
        assert not changed[y + h // 3 : y + 2 * h // 3, x + w // 3 : x + 2 * w // 3].any()


def test_sound_subtitles_and_times_stay(folder: Path, done: Finished) -> None:
    """They are copied as redact copies them."""
    assert done.code == 0
    assert kinds(folder / "copy.mkv") == ["video", "audio", "subtitle"]
    for kind in ("audio", "subtitle"):
        before, after = packets(folder / "film.mkv", kind), packets(folder / "copy.mkv", kind)
        assert [one.content for one in after[0]] == [one.content for one in before[0]]
    assert read_times(folder / "copy.mkv") == pytest.approx(read_times(folder / "film.mkv"), abs=1e-6)


def test_from_tables(folder: Path, done: Finished) -> None:
    """The tables of a run give the same picture as working them out."""
    assert done.code == 0
    assert emobatch("run", "film.mkv", "--out", "out", "--quiet", cwd=folder).code == 0
    again = emobatch("annotate", "film.mkv", "again.mkv", "--tracks", "out", cwd=folder)
    assert (again.code, again.stderr) == (0, "not in the copy: stream 3: a cover picture or thumbnail\n")
    assert again.stdout.startswith(f"again.mkv: 1 track in {done.json['frames_with_faces']} of 20 frames; ")
    assert {row["track_id"] for row in rows(folder / "out", "tracks")} == {1}
    assert '"action": "annotate"' in (folder / "out/access.jsonl").read_text("utf-8").splitlines()[-1]
    pairs = zip(pictures(folder / "copy.mkv"), pictures(folder / "again.mkv"), strict=True)
    assert max(np.abs(a.astype(int) - b).max() for (_, a), (_, b) in pairs) < 4  # Encoders round one way or the other.


def test_masks_that_hold_for_nothing_are_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that is worked out here knows no camera, so what lies under a mask is seen there; whoever named the file."""
    monkeypatch.setitem(ENVIRONMENT, "EMOBATCH_CONFIG", "night.toml")
    shutil.copy(folder / "film.mkv", tmp_path)
    config = '[[recorder]]\npattern = "{camera}.mkv"\n[camera.film]\nmasks = [[[0, 0], [1, 0], [1, 1]]]\n'
    (tmp_path / "night.toml").write_text(config, "utf-8")
    done = emobatch("annotate", "film.mkv", "copy.mkv", cwd=tmp_path)
    assert done.code == 0
    assert "night.toml has masks, which hold for no video by itself: --tracks OUT paints them" in done.stderr


def test_nothing_is_replaced_unasked(folder: Path, done: Finished) -> None:
    """A second time --force is needed."""
    assert done.code == 0
    again = emobatch("annotate", "film.mkv", "copy.mkv", cwd=folder)
    assert again.code == 2 and "copy.mkv: is there already: name another file" in again.only_error()


def _known(times: list[float], lefts: list[float]) -> KnownFaces:
    n = len(times)
    return KnownFaces(
        pts_s=np.array(times),
        boxes=np.array([[x, 10, 20, 20] for x in lefts], np.float32),
        track_id=np.ones(n, np.int32),
        usable=np.ones(n, np.bool_),
        probabilities=np.full((n, 7), 1 / 7, np.float32),
        expression=("happy",) * n,
        confidence=np.full(n, 0.5, np.float32),
        smoothed=("neutral",) + (None,) * (n - 1),
        samples_s=np.arange(0, 6.5, 0.5),
    )


def test_between_samples_a_box_goes_straight_on() -> None:
    """Its label is the nearest sample's; a face is not drawn where it was not sampled."""
    moments = Moments(_known([1.0, 1.5, 2.0], [10.0, 20.0, 40.0]))
    assert moments.at(0.7) == [] and moments.at(2.3) == []
    (shown,) = moments.at(1.1)
    assert shown.box[0] == pytest.approx(12, abs=0.01) and shown.label == "neutral"
    (shown,) = moments.at(1.9)
    assert shown.box[0] == pytest.approx(36, abs=0.01) and shown.label == "happy"
    assert Moments(_known([1.0, 4.0], [10.0, 10.0])).at(2.5) == []


def test_an_eighth_class_has_its_own_share() -> None:
    """A share never stands beside a class that it is not of; bars are of the seven."""
    probabilities = np.full((3, 8), 0.02, np.float32)
    probabilities[:, 4], probabilities[:, 7] = 0.16, 0.70
    known = replace(
        _known([1.0, 1.5, 2.0], [10.0] * 3),
        probabilities=probabilities,
        classes=(*EXPRESSIONS, "contempt"),
        expression=("contempt", "contempt", "uncertain"),
        confidence=np.array([0.7, 0.7, 0.7], np.float32),
        smoothed=("contempt", "neutral", "uncertain"),
    )
    moments = Moments(known)
    shown = [moments.at(time_s)[0] for time_s in (1.0, 1.5, 2.0)]
    assert [face.words for face in shown] == [
        "#1 contempt 70%",
        "#1 neutral (for a moment contempt 70%)",
        "#1 uncertain (likeliest contempt 70%)",
    ]
    assert all(len(face.probabilities or ()) == len(EXPRESSIONS) for face in shown)
    # The label is the face's own, whatever two classes of one share would make of it.
    assert _face((0.0, 0.0, 9.0, 9.0), label="sad", alone="sad", likeliest="happy").words == "#3 sad 90%"


def _face(box: tuple[float, float, float, float], **more: object) -> Shown:
    values = {
        "track_id": 3,
        "label": "happy",
        "alone": "happy",
        "likeliest": "happy",
        "confidence": 0.9,
        "usable": True,
    }
    return Shown(**{**values, "box": box, "probabilities": (0.1,) * 7, **more})  # type: ignore[arg-type]


def test_words() -> None:
    """A share is that of the class beside it; what is uncertain says why, and what cannot be judged is not judged."""
    box = (0.0, 0.0, 9.0, 9.0)
    assert _face(box).words == "#3 happy 90%"
    assert _face(box, alone="uncertain", confidence=0.35).words == "#3 happy 35%"
    unsure = _face(box, label="uncertain", alone="uncertain", confidence=0.41)
    assert unsure.words == "#3 uncertain (likeliest happy 41%)"
    assert _face(box, label="uncertain").words == "#3 uncertain (for a moment happy 90%)"
    assert _face(box, label="sad").words == "#3 sad (for a moment happy 90%)"
    assert _face(box, label="sad", alone="uncertain").words == "#3 sad (for a moment uncertain)"
    assert _face(box, usable=False).words == "#3 hard to judge"
    assert _face(box, track_id=0).words == "no track happy 90%"


@pytest.mark.parametrize(("width", "height"), [(320, 180), (640, 360), (1080, 1920), (1920, 1080)])
@pytest.mark.parametrize("n", [4, 12, 40])
def test_labels_of_a_crowd_lie_over_nothing(width: int, height: int, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """None over another, none beyond the picture; most have one, and of a few faces none is covered."""
    random = np.random.default_rng(n)
    side = min(width, height) / (8 if n < 40 else 16)
    boxes = [(random.uniform(0, width - side), random.uniform(0.3, 0.7) * height, side, side) for _ in range(n)]
    grounds: list[Rect] = []
    ground = Captions._ground

    def noted(self: Captions, picture: Picture, rect: Rect, *rest: object) -> None:
        grounds.append(rect)
        ground(self, picture, rect, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Captions, "_ground", noted)
    faces = [_face(box, track_id=k + 1) for k, box in enumerate(boxes)]
    Captions(height, width).draw(np.full((height, width, 3), 120, np.uint8), faces, "0:00:01.0 apparent expression")
    shared = common(grounds, grounds)
    np.fill_diagonal(shared, 0)
    assert not shared.any()
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in grounds)
    assert len(grounds) - 1 >= (n if n < 40 and width > 320 else 0.4 * n)
    if n == 4 and width > 320:
        assert not common(grounds, [Rect(*(round(v) for v in box)) for box in boxes]).any()


@pytest.mark.parametrize(("width", "height"), [(160, 120), (640, 360), (1080, 1920), (3840, 2160)])
def test_text_is_readable_at_any_size(width: int, height: int) -> None:
    """Letters grow with the picture, panels keep off faces, and nothing is drawn on the face itself."""
    picture = np.full((height, width, 3), 120, np.uint8)
    side = min(width, height) / 6
    boxes = [(width * 0.3, height * 0.4, side, side), (width * 0.3 + side * 1.3, height * 0.4, side, side)]
    captions = Captions(height, width)
    captions.draw(picture, [_face(box) for box in boxes], "0:00:01.0 apparent expression")
    for x, y, w, h in boxes:
        inside = picture[round(y + h * 0.2) : round(y + h * 0.8), round(x + w * 0.2) : round(x + w * 0.8)]
        assert (inside == 120).all()
    line = picture[round(height * 0.93) :, : width // 2]
    letters = np.unique(np.argwhere(np.asarray(line).min(axis=2) > 200)[:, 0])
    assert len(letters) >= max(6, height * 0.012)


def test_bars_are_as_long_as_their_probabilities() -> None:
    """All seven in the colours of the pages."""
    picture = np.full((720, 1280, 3), 120, np.uint8)
    probabilities = (0.0, 0.0, 0.0, 0.5, 0.25, 0.0, 0.0)
    Captions(720, 1280).draw(picture, [_face((500, 200, 150, 200), probabilities=probabilities)], "")
    beside = picture[:, 660:].astype(int)
    happy, neutral = (
        len(np.unique(np.argwhere(np.abs(beside - colour).max(axis=2) < 3)[:, 1]))
        for colour in ((0, 0x9F, 0xE6), (0xE9, 0xB4, 0x56))
    )
    assert len(EXPRESSIONS) == 7
    assert happy / neutral == pytest.approx(2, rel=0.25)


def test_a_face_at_the_edge() -> None:
    """A box that reaches beyond the picture, and more faces than there is room beside: nothing breaks."""
    picture = np.full((120, 160, 3), 120, np.uint8)
    faces = [_face((x, y, 40, 50)) for x in (-20.0, 30.0, 70.0, 140.0) for y in (-20.0, 30.0, 90.0)]
    Captions(120, 160).draw(picture, faces, "0:00:01.0 apparent expression")
    assert cv2.absdiff(picture, np.full_like(picture, 120)).any()


@pytest.mark.parametrize("probabilities", [None, (1 / 7,) * 7])
@pytest.mark.parametrize("tight_for", [3, 40])
def test_a_label_does_not_flicker_where_room_comes_and_goes(
    probabilities: tuple[float, ...] | None, tight_for: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it was small: it grows once there was room for a second, and not between."""
    height, width = 480, 640
    face = _face((280, 200, 60, 60), probabilities=probabilities, usable=probabilities is not None)
    tight = [Rect(0, 0, width, 180), Rect(0, 262, width, height), Rect(0, 0, 278, height), Rect(372, 0, width, height)]
    sizes: list[int] = []
    ground, begin = Captions._ground, Labels.begin

    def noted(self: Captions, picture: Picture, rect: Rect, *rest: object) -> None:
        sizes.append(rect.w)
        ground(self, picture, rect, *rest)  # type: ignore[arg-type]

    def begun(self: Labels, boxes: list[Rect], reserved: list[Rect]) -> None:
        number = (len(sizes) - 1) // 2  # The line at the bottom is drawn before.
        is_tight = number < tight_for or (number % 2 and number < tight_for + 40)
        begin(self, boxes, [*reserved, *(tight if is_tight else [])])

    monkeypatch.setattr(Captions, "_ground", noted)
    monkeypatch.setattr(Labels, "begin", begun)
    captions = Captions(height, width)
    for _ in range(tight_for + 40 + 30):
        captions.draw(np.full((height, width, 3), 120, np.uint8), [face], "")
    labels = sizes[1::2]
    assert len(set(labels[tight_for : tight_for + 40])) == 1 and labels[-1] > labels[tight_for]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_copy_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Stopped while the copy is being written, no file of that name is there, and no half of one."""
    actor = Actor(path=((0.0, 300.0, 300.0, 90.0),))
    write_clip(Scene(width=1280, height=720, fps=25, duration_s=4, actors=(actor,), noise=12), tmp_path / "film.mp4")
    command = [*COMMAND, "annotate", "film.mp4", "copy.mp4"]
    running = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while not list(tmp_path.glob(f"copy.mp4.*{HALF}")) and time.monotonic() < until:
        time.sleep(0.02)
    running.send_signal(number)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130 and told.endswith(b"emobatch: interrupted: nothing half-written is kept\n")
    assert files_below(tmp_path) == {"film.mp4"}
