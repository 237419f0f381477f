"""From tables to events: the table of contents of everything here.

videos → recordings → lanes → chunks                 which files are looked at together (clock, archive)
tracks → spells → where a rule may fire              so that other faces need not be read (early)
faces → people → stays → measures → hits             for each chunk (presence, measures, conditions)
hits → items → merged, cooled down → rows            over everything (items, evidence, store)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from analytics.events.archive import Chunk, chunks, read_faces, read_recordings, read_tracks
from analytics.events.clock import CUT_S, Recording
from analytics.events.conditions import evaluate
from analytics.events.early import may_fire, recordings_of, spells_of
from analytics.events.items import Item, Who, located, short_list
from analytics.events.posters import Still
from analytics.events.presence import LONGEST_BLIND_S, Scene, scene_of
from analytics.events.rules import EventRules, Rule

_LEAST_QUIET_S: Final = 30.0


@dataclass(frozen=True)
class Found:
    """What the rules picked out."""

    items: tuple[Item, ...]
    recordings: tuple[Recording, ...]
    """All that have rows, looked at or not."""
    hours: float
    """Of the recordings that a rule is for."""
    faces: int
    """Rows of `faces` that had to be looked at."""
    still: tuple[Still, ...] = ()
    """Stays of faces left out as pictures, where a rule could have fired with them."""


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """What came of a chunk."""

    items: Sequence[Item] = ()
    faces: int = 0
    still: Sequence[Still] = ()


def find_events(out: Path, rules: EventRules) -> Found:
    """Evaluate all rules over the tables below OUT. Writes nothing.

    Raises:
        UsageError: a table cannot be read.
    """
    recordings = read_recordings(out)
    wanted = [one for one in recordings if _rules_for(one, rules)]
    tracks = read_tracks(out, wanted)
    quiet_s = max(rules.absence_s + CUT_S + LONGEST_BLIND_S, rules.longest_within_s, _LEAST_QUIET_S)
    items: list[Item] = []
    still: list[Still] = []
    faces = 0
    for chunk in chunks(wanted, tracks, quiet_s):
        looked = _looked_at(out, chunk, rules, quiet_s)
        items += looked.items
        still += looked.still
        faces += looked.faces
    hours = sum(one.duration_s for one in wanted) / 3600
    return Found(tuple(short_list(items)), tuple(recordings), hours, faces, tuple(still))


def _rules_for(recording: Recording, rules: EventRules) -> list[Rule]:
    zones = frozenset(rules.zones_of(recording.camera))
    return [rule for rule in rules.rules if rule.is_for(recording.camera, zones)]


def _looked_at(out: Path, chunk: Chunk, rules: EventRules, quiet_s: float) -> _Looked:
    camera = chunk.clock.recordings[0].camera
    here = _rules_for(chunk.clock.recordings[0], rules)
    spells = spells_of(chunk, quiet_s)
    may = {rule: may_fire(rule.when, chunk, spells) for rule in here}
    needed = recordings_of(chunk, spells, np.any([*may.values(), np.zeros(len(spells.start), bool)], axis=0))
    if not needed:
        return _Looked()
    of_faces = [rule for rule in here if may[rule].any()]
    classes = frozenset[str]().union(*(rule.when.classes for rule in of_faces))
    columns = ["usable", *sorted(classes)] if classes else []
    recording, faces = read_faces(out, chunk.clock, needed, columns)
    if not len(faces):
        return _Looked()
    scene = scene_of(chunk.clock, recording, faces, classes, rules.absence_s, rules.still_s)
    zones, who = rules.zones_of(camera), Who(scene)
    items: list[Item] = []
    for rule in of_faces:
        hits = evaluate(rule.when, scene, zones)
        items += located(rule, [hit for owner in sorted(hits) for hit in hits[owner]], scene, who, zones)
    return _Looked(items=items, faces=len(scene.at), still=_still_of(scene))


def _still_of(scene: Scene) -> list[Still]:
    recordings = scene.clock.recordings
    found = []
    for one in scene.still:
        tracks = tuple((recordings[recording].video_id, track_id) for recording, track_id in one.tracks)
        camera = recordings[one.tracks[0][0]].camera
        found.append(Still(camera=camera, tracks=tracks, seconds=round(one.seconds, 1), spot=one.spot))
    return found
