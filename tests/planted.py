"""Archives with known truth, as tables: people who come, stay, turn their heads and change their faces, drawn by seed.

Face rows are drawn, with misses, jitter and noisy probabilities; tracks are linked and summed up by emobatch itself,
file by file, so they break where its own break. What is planted, and what only looks like it, is in `truth`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.signal import lfilter

from analytics.aggregate import labels_of, smoothed_labels, summarise
from analytics.expressions import EXPRESSIONS, labels_for
from analytics.records import FaceRows
from analytics.tables import Place, prepare, to_table, write_video
from analytics.track import link
from tests.archive import METADATA, video_id_of
from tests.test_report_data import video_row

WIDTH, HEIGHT = 1280, 720
ZONE: Final = ((0.3, 0.25), (0.7, 0.25), (0.7, 1.0), (0.3, 1.0))
"""The shelf: where dwelling counts."""
DWELL_S: Final = 60.0
CROWD: Final = 5
CROWD_S: Final = 15.0
ANGRY_S: Final = 10.0
FIRST: Final = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
_SLOT_S: Final = 200.0
_THRESHOLD: Final = 0.45
_LABELS: Final = labels_for(EXPRESSIONS)

KINDS: Final = (
    "loiters", "loiters turning", "passes", "nearly loiters", "stays elsewhere", "queue", "crowd", "nearly a crowd",
    "short crowd", "distress", "one is startled", "all laugh", "agitated", "short anger", "stern face", "poster",
)  # fmt: skip
"""What may happen in a slot of time. Half of it only looks like what rules look for."""


@dataclass(frozen=True)
class Truth:
    """Something that a rule must find."""

    rule: str
    start: float
    end: float
    """Seconds from the begin of the camera's footage."""


@dataclass
class Person:
    """One face and where it goes."""

    path: list[tuple[float, float, float]]
    """Seconds, x and y of the centre in px; straight lines between."""
    size: float
    sway: float = 0.25
    """Spread of its wandering about the path, in face sizes."""
    gone: list[tuple[float, float]] = field(default_factory=list)
    """Turned away so far that no detector finds it."""
    turned: list[tuple[float, float]] = field(default_factory=list)
    """Found, and not frontal enough to judge."""
    moods: list[tuple[float, float, str, float]] = field(default_factory=list)
    """From when, until when, the class, and how much its logit is raised."""
    bias: dict[str, float] = field(default_factory=dict)


class Drawer:
    """What happens before one camera."""

    def __init__(self, seed: int, hours: float, kinds: Sequence[str] = KINDS) -> None:
        self.random = np.random.default_rng(seed)
        self.people: list[Person] = []
        self.truth: list[Truth] = []
        self.hours = hours
        n = int(hours * 3600 // _SLOT_S)
        order = [kinds[k % len(kinds)] for k in range(n)]
        self.random.shuffle(order)
        for k, kind in enumerate(order):
            begin = k * _SLOT_S + 10 + float(self.random.uniform(0, 15))
            getattr(self, f"_{kind.replace(' ', '_')}")(begin)
            if "crowd" not in kind and kind not in ("distress", "one is startled", "all laugh"):
                self._background(begin)

    def _u(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def _person(self, path: list[tuple[float, float, float]], **more: Any) -> Person:
        bias = {"neutral": 2.0 + self._u(-0.4, 0.6), **{n: self._u(-0.5, 0.3) for n in EXPRESSIONS if n != "neutral"}}
        person = Person(path, self._u(42, 90), bias={**bias, **more.pop("bias", {})}, **more)
        self.people.append(person)
        return person

    def _stay(self, begin: float, stay_s: float, **more: Any) -> Person:
        """Into the zone, to a spot, and out again; exactly so long within it."""
        x, y = self._u(0.38, 0.62) * WIDTH, self._u(0.4, 0.85) * HEIGHT
        edges = (0.3, 0.02) if self.random.random() < 0.5 else (0.7, 0.98)
        way = abs(x / WIDTH - edges[0]) * 6
        return self._person(
            [
                (begin - 2, edges[1] * WIDTH, y),
                (begin, edges[0] * WIDTH, y),
                (begin + way, x, y),
                (begin + stay_s - way, x, y),
                (begin + stay_s, edges[0] * WIDTH, y),
                (begin + stay_s + 2, edges[1] * WIDTH, y),
            ],
            **more,
        )

    def _standing(self, begin: float, end: float, x: float, y: float, **more: Any) -> Person:
        """From above into the picture, left of the zone or anywhere, and away again."""
        side = x - 200 if x < 640 else x + 200
        return self._person([(begin, side, y), (begin + 1.5, x, y), (end - 1.5, x, y), (end, side, y)], **more)

    def _background(self, begin: float) -> None:
        for _ in range(int(self.random.poisson(3))):
            self._passes(begin + self._u(0, 160))

    def _passes(self, begin: float) -> None:
        right = self.random.random() < 0.5
        xs, y = ((20.0, WIDTH - 20.0) if right else (WIDTH - 20.0, 20.0)), self._u(0.2, 0.9) * HEIGHT
        self._person([(begin, xs[0], y), (begin + self._u(4, 9), xs[1], y + self._u(-60, 60))])

    def _loiters(self, begin: float) -> None:
        stay = self._u(1.15, 2.2) * DWELL_S
        self._stay(begin, stay)
        self.truth.append(Truth("loitering", begin, begin + stay))

    def _loiters_turning(self, begin: float) -> None:
        stay = self._u(1.3, 2.2) * DWELL_S
        away = [(at, at + self._u(2.5, 4.5)) for at in np.arange(begin + 10, begin + stay - 10, 17.0).tolist()]
        turned = [(end, end + 3) for _, end in away]
        self._stay(begin, stay, gone=away, turned=turned)
        self.truth.append(Truth("loitering", begin, begin + stay))

    def _nearly_loiters(self, begin: float) -> None:
        self._stay(begin, 0.9 * DWELL_S)

    def _stays_elsewhere(self, begin: float) -> None:
        self._standing(begin, begin + 1.8 * DWELL_S, 0.12 * WIDTH, self._u(0.4, 0.8) * HEIGHT)

    def _queue(self, begin: float) -> None:
        """One after the other at the same spot: each for a short while."""
        x, y = 0.5 * WIDTH, 0.6 * HEIGHT
        for k in range(6):
            at = begin + k * 22.0
            self._person([(at, 10.0, y), (at + 2.5, x, y), (at + 17, x, y), (at + 19.5, WIDTH - 10.0, y)])

    def _group(self, begin: float, n: int, seconds: float, **more: Any) -> list[Person]:
        places = [((0.08 + 0.17 * (k % 6)) * WIDTH, (0.35 + 0.3 * (k // 6)) * HEIGHT) for k in range(n)]
        people = []
        for x, y in places:
            start = begin + self._u(-4, 0)
            people.append(self._person([(start, x, y - 90), (start + 1, x, y), (begin + seconds + 3, x, y)], **more))
        return people

    def _crowd(self, begin: float) -> None:
        seconds = self._u(1.5, 2.5) * CROWD_S
        self._group(begin, CROWD + int(self.random.integers(0, 3)), seconds)
        self.truth.append(Truth("crowding", begin, begin + seconds))

    def _nearly_a_crowd(self, begin: float) -> None:
        self._group(begin, CROWD - 1, 2 * CROWD_S)

    def _short_crowd(self, begin: float) -> None:
        self._group(begin, CROWD + 1, 0.9 * CROWD_S - 7)

    def _distress(self, begin: float) -> None:
        at = begin + 14
        people = self._group(begin, 4, 30)
        for person in people[: int(self.random.integers(3, 5))]:
            name, since = ("fear", "surprise")[int(self.random.integers(2))], at + self._u(0, 1.2)
            person.moods.append((since, since + self._u(5, 9), name, self._u(4.2, 6.0)))
        self.truth.append(Truth("distress", at, at + 6))

    def _one_is_startled(self, begin: float) -> None:
        people = self._group(begin, 4, 30)
        people[0].moods.append((begin + 14, begin + 20, "surprise", 5.0))

    def _all_laugh(self, begin: float) -> None:
        for person in self._group(begin, 4, 30):
            person.moods.append((begin + 14, begin + 22, "happy", 5.0))

    def _agitated(self, begin: float) -> None:
        anger = self._u(1.4, 2.2) * ANGRY_S
        since = begin + 12
        mood = (since, since + anger, "angry", self._u(3.9, 5.5))
        self._standing(begin, begin + 45, 0.14 * WIDTH, self._u(0.4, 0.8) * HEIGHT, moods=[mood])
        self.truth.append(Truth("agitation", since, since + anger))

    def _short_anger(self, begin: float) -> None:
        mood = (begin + 12, begin + 12 + 0.4 * ANGRY_S, "angry", 5.0)
        self._standing(begin, begin + 45, 0.14 * WIDTH, self._u(0.4, 0.8) * HEIGHT, moods=[mood])

    def _stern_face(self, begin: float) -> None:
        """Looks a little angry to the classifier all the time."""
        self._standing(begin, begin + 50, 0.86 * WIDTH, self._u(0.4, 0.8) * HEIGHT, bias={"angry": 1.7})

    def _poster(self, begin: float) -> None:
        """A printed face in the zone, that nobody hides for three minutes."""
        x, y = self._u(0.35, 0.65) * WIDTH, 0.3 * HEIGHT
        self._person([(begin, x, y), (begin + 160, x, y)], sway=0.0)

    def faces(self, every: float) -> FaceRows:
        """What a detector and a classifier make of it, at a sample every so many seconds."""
        # Of their own, so that other samples see the same scene.
        parts = [_seen(person, every, np.random.default_rng([k, 7])) for k, person in enumerate(self.people)]
        rows = FaceRows.joined([part for part in parts if len(part)])
        return rows.at(np.lexsort((rows.boxes[:, 0], rows.sample)))


def _seen(person: Person, every: float, random: np.random.Generator) -> FaceRows:
    times, xs, ys = (np.array(values) for values in zip(*person.path, strict=True))
    numbers = np.arange(int(np.ceil(times[0] / every)), int(times[-1] // every) + 1)
    at = numbers * every
    # Wandering and noise are drawn on a grid of their own, a tenth of a second.
    grid = np.arange(times[0], times[-1] + 0.2, 0.1)
    wander = [np.interp(at, grid, _slow(random, len(grid), 20.0)) * person.sway * person.size for _ in range(2)]
    growth = np.interp(at, grid, _slow(random, len(grid), 40.0)) * 0.15 * person.sway
    logits = np.array([person.bias.get(name, 0.0) for name in EXPRESSIONS]) + np.stack(
        [np.interp(at, grid, _slow(random, len(grid), 6.0)) * 0.75 for _ in EXPRESSIONS], axis=1
    )
    for start, end, name, raised in person.moods:
        part = np.clip(np.minimum((at - start) / 0.6, (end - at) / 0.6), 0, 1)
        logits[:, EXPRESSIONS.index(name)] += raised * part
        logits[:, EXPRESSIONS.index("neutral")] -= 1.2 * part
    jitter = 0.012 if person.sway else 0.006
    box_noise = random.normal(0, jitter * person.size, (len(at), 3))
    size = person.size * np.exp(growth) + box_noise[:, 2]
    x = np.interp(at, times, xs) + wander[0] + box_noise[:, 0]
    y = np.interp(at, times, ys) + wander[1] + box_noise[:, 1]
    missed = random.random(len(at)) < 0.06
    for start in random.uniform(times[0], times[-1], random.poisson((times[-1] - times[0]) / 40)):
        missed |= (at >= start) & (at < start + random.uniform(0.8, 3.0))
    for start, end in person.gone:
        missed |= (at >= start) & (at < end)
    outside = (x < 5) | (x > WIDTH - 5) | (y < 5) | (y > HEIGHT - 5)
    turned = np.zeros(len(at), np.bool_)
    for start, end in person.turned:
        turned |= (at >= start) & (at < end)
    n, keep = len(at), ~(missed | outside)
    shown = np.exp(logits)
    rows = FaceRows(
        sample=numbers.astype(np.int32),
        pts_s=at.astype(np.float64),
        boxes=np.stack([x - 0.4 * size, y - size / 2, 0.8 * size, size], axis=1).astype(np.float32),
        score=random.uniform(0.72, 0.95, n).astype(np.float32),
        sharpness=np.full(n, 0.3, np.float32),
        yaw_deg=np.where(turned, 55, random.normal(0, 10, n)).astype(np.float32),
        pitch_deg=np.zeros(n, np.float32),
        brightness=np.full(n, 0.5, np.float32),
        usable=~turned & (random.random(n) > 0.1),
        probabilities=(shown / shown.sum(axis=1, keepdims=True)).astype(np.float32),
    )
    return rows.at(np.flatnonzero(keep))


def _slow(random: np.random.Generator, n: int, steps: float) -> NDArray[np.float64]:
    """Noise of spread 1 that changes within so many steps (an autoregressive process of first order)."""
    keep = float(np.exp(-1 / steps))
    noise = random.normal(0, np.sqrt(1 - keep**2), n)
    noise[0] /= np.sqrt(1 - keep**2)
    slow: NDArray[np.float64] = lfilter([1.0], [1.0, -keep], noise)
    return slow


@dataclass(frozen=True, kw_only=True)
class Filed:
    """How footage is cut into files."""

    every: float = 0.5
    file_s: float = 900.0
    gap_s: float = 0.4
    """Lost between two files."""
    dated: bool = True
    holes: tuple[tuple[float, float], ...] = ()
    """Stretches of the footage that cannot be decoded."""


def write_planted(out: Path, camera: str, drawer: Drawer, filed: Filed = Filed(), first: int = 0) -> None:
    """Write the tables of one camera's footage, file by file.

    Args:
        out: the output folder.
        camera: its name.
        drawer: what happens.
        filed: how it is cut.
        first: number of the first video.
    """
    prepare(out, METADATA)
    faces = drawer.faces(filed.every)
    n = int(np.ceil(drawer.hours * 3600 / filed.file_s))
    for k in range(n):
        begin, end = k * filed.file_s, (k + 1) * filed.file_s - filed.gap_s
        mine = (faces.pts_s >= begin) & (faces.pts_s <= end)
        for lost, found in filed.holes:
            mine &= (faces.pts_s < lost) | (faces.pts_s > found)
        start = FIRST + timedelta(seconds=begin) if filed.dated else None
        rows = faces.at(np.flatnonzero(mine))
        holes = [(max(a, begin) - begin, min(b, end) - begin) for a, b in filed.holes if b > begin and a < end]
        _write(out, video_id_of(first + k), camera, start, rows, begin, end - begin, filed.every, holes)


def _write(
    out: Path, video_id: str, camera: str, start: datetime | None, faces: FaceRows, begin: float, duration_s: float,
    every: float, holes: list[tuple[float, float]],
) -> None:  # fmt: skip
    pts_s = faces.pts_s - begin
    faces = FaceRows(**{**vars(faces), "pts_s": pts_s, "sample": np.rint(pts_s / every).astype(np.int32)})
    track_id = link(faces.pts_s, faces.boxes, faces.score)
    tables = planted_tables(video_id, camera, start, faces, track_id)
    told = [{"start_s": a, "end_s": b, "kind": "hole", "cause": "corrupt packets"} for a, b in holes]
    facts = {
        "camera": camera, "start_time": start, "time_zone": "Europe/Berlin", "duration_s": duration_s, "width": WIDTH,
        "height": HEIGHT, "n_samples": 0, "n_faces": len(faces), "n_tracks": len(tables["tracks"]), "holes": told,
        "status": "partial" if holes else "done", "source": f"/archive/{camera}/{video_id}.mp4",
    }  # fmt: skip
    tables["videos"] = pa.Table.from_pylist([video_row(video_id, **facts)], schema=_schema("videos"))
    day = start.date().isoformat() if start else None
    write_video(out, Place(day, camera), video_id, tables, METADATA)


def planted_tables(
    video_id: str, camera: str, start: datetime | None, faces: FaceRows, track_id: NDArray[np.int32]
) -> dict[str, pa.Table]:
    """`faces` and `tracks` of one video."""
    n = len(faces)
    smoothed = smoothed_labels(faces, track_id, _THRESHOLD)
    labels = labels_of(faces.probabilities, _THRESHOLD)
    times = [start + timedelta(seconds=float(s)) for s in faces.pts_s] if start else None
    columns: dict[str, Any] = {
        "video_id": [video_id] * n,
        "camera": [camera] * n,
        "sample": faces.sample,
        "pts_s": faces.pts_s,
        "time": times,
        "track_id": pa.array(track_id, pa.int32(), mask=track_id == 0),
        **{name: faces.boxes[:, k] for k, name in enumerate("xywh")},
        **{
            name: getattr(faces, name)
            for name in ("score", "sharpness", "yaw_deg", "pitch_deg", "brightness", "usable")
        },
        **{name: faces.probabilities[:, k] for k, name in enumerate(EXPRESSIONS)},
        "expression": [_LABELS[label] for label in labels],
        "confidence": faces.probabilities.max(axis=1),
        "smoothed_expression": [_LABELS[label] if label >= 0 else None for label in smoothed],
    }
    found = summarise(faces, track_id, _THRESHOLD)
    tracks = []
    for one in found:
        row = {name: getattr(one, name) for name in ("track_id", "start_s", "end_s", "n_faces", "n_usable")}
        row |= {"video_id": video_id, "camera": camera, "median_face_px": one.median_face_px}
        row |= {
            name: None if one.probabilities is None else float(one.probabilities[k])
            for k, name in enumerate(EXPRESSIONS)
        }
        row |= {f"share_{name}": None if one.shares is None else float(one.shares[k]) for k, name in enumerate(_LABELS)}
        row |= {"expression": one.expression, "confidence": one.confidence, "best_pts_s": one.best_pts_s}
        row |= {"start_time": start and start + timedelta(seconds=one.start_s)}
        tracks.append(row | {"end_time": start and start + timedelta(seconds=one.end_s)})
    return {"faces": to_table("faces", columns), "tracks": pa.Table.from_pylist(tracks, schema=_schema("tracks"))}


def _schema(table: str) -> pa.Schema:
    from analytics.schema import TABLES

    return TABLES[table]


CONFIG: Final = f"""
[[zone]]
name = "shelf"
camera = "shop"
points = {[list(point) for point in ZONE]}

[events]
use = ["loitering", "crowding", "distress", "agitation"]

[events.loitering]
zone = "shelf"
dwell = {DWELL_S}
cooldown = 10

[events.crowding]
cooldown = 10
people = {CROWD}
people_lasting = {CROWD_S}
"""
"""Made on the archive of one seed; the others are for finding out whether it holds."""
