"""Short recordings with known truth, as pictures: drawn faces that stay, pass and gather, cut into files of one camera.

They go through the whole of emobatch: decoder, detector, classifier, tracks, rules. The one face is that of
tests/footage.py, which smiles.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from tests.clips import write_clip
from tests.footage import Actor, Keyframe, Scene
from tests.planted import Truth

WIDTH, HEIGHT, FACE = 640, 360, 70.0
DWELL_S: Final = 12.0
FIRST: Final = datetime(2026, 5, 4, 8, 0)
CONFIG: Final = f"""
[[recorder]]
pattern = "{{camera}}/{{start:%Y%m%d_%H%M%S}}.mp4"
timezone = "Europe/Berlin"

[[zone]]
name = "shelf"
camera = "shop"
points = [[0.55, 0.0], [1.0, 0.0], [1.0, 1.0], [0.55, 1.0]]

[events]
use = ["loitering", "crowding"]

[events.loitering]
zone = "shelf"
dwell = {DWELL_S}
cooldown = 10

[events.crowding]
people = 4
people_lasting = 3

[[rule]]
name = "smiles at the shelf"
zone = "shelf"
expression = "happy"
lasting = 6
usable = 3
cooldown = 10
"""


@dataclass(frozen=True)
class PlantedFootage:
    """Files of one camera, and what rules must find in them."""

    truth: tuple[Truth, ...]
    hours: float


def write_footage(folder: Path, seed: int, files: int, file_s: int, fps: float = 5.0) -> PlantedFootage:
    """Draw the files below folder/shop: people come every half a minute, some over the cut between two files."""
    random = np.random.default_rng(seed)
    total = files * file_s
    actors: list[Actor] = []
    truth: list[Truth] = []
    kinds = ["loiters", "nearly", "gather", "pass"]
    begin, order = 2.0, list[str]()
    while begin + 1.8 * DWELL_S + 2 < total:
        order = order or [kinds[int(k)] for k in random.permutation(4)]
        kind = order.pop()
        stay = DWELL_S * float(random.uniform(1.25, 1.8))
        if kind == "loiters":
            actors.append(_visits(begin, stay, random))
            truth.append(Truth("loitering", begin, begin + stay))
            truth.append(Truth("smiles at the shelf", begin, begin + stay))
        elif kind == "nearly":
            stay = 0.85 * DWELL_S
            actors.append(_visits(begin, stay, random))
            truth.append(Truth("smiles at the shelf", begin, begin + stay))
        elif kind == "gather":
            actors += [_stands(begin, begin + 8, 0.1 + 0.14 * k, random) for k in range(4)]
            truth.append(Truth("crowding", begin, begin + 8))
            stay = 8.0
        else:
            path = ((begin, 40.0, 200.0, FACE), (begin + 5, WIDTH - 40.0, 150.0, FACE))
            actors.append(Actor(path=path))
            stay = 5.0
        begin += stay + 11 + float(random.uniform(0, 3))
    for k in range(files):
        shifted = tuple(_shifted(actor, -k * file_s) for actor in actors)
        scene = Scene(width=WIDTH, height=HEIGHT, fps=fps, duration_s=file_s, seed=seed, actors=shifted)
        start = FIRST + timedelta(seconds=k * file_s)
        file = folder / "shop" / f"{start:%Y%m%d_%H%M%S}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_clip(scene, file)
    return PlantedFootage(tuple(truth), total / 3600)


def _visits(begin: float, stay: float, random: np.random.Generator) -> Actor:
    """In from the right edge of the picture, to a spot in the zone, and out again."""
    x, y = float(random.uniform(0.68, 0.88)) * WIDTH, float(random.uniform(0.35, 0.65)) * HEIGHT
    sway = _sway(begin + 1, begin + stay - 1, x, y, random)
    edge = WIDTH - 30.0
    return Actor(path=((begin, edge, y, FACE), *sway, (begin + stay, edge, y, FACE)))


def _stands(begin: float, end: float, x: float, random: np.random.Generator) -> Actor:
    return Actor(path=_sway(begin, end, x * WIDTH, 200.0, random))


def _sway(begin: float, end: float, x: float, y: float, random: np.random.Generator) -> tuple[Keyframe, ...]:
    times = np.arange(begin, end, 0.8)
    dx, dy = random.normal(0, 0.12 * FACE, (2, len(times)))
    return tuple((float(t), x + float(a), y + float(b), FACE) for t, a, b in zip(times, dx, dy, strict=True))


def _shifted(actor: Actor, by: float) -> Actor:
    return Actor(path=tuple((t + by, x, y, size) for t, x, y, size in actor.path))
