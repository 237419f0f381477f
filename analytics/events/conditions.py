"""Where a condition holds among the people of a scene."""

from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import count

import numpy as np
from numpy.typing import NDArray

from analytics.events import zones
from analytics.events.clock import lies_in
from analytics.events.hits import Hits, both, either, one_then_other
from analytics.events.measures import MEASURES, crowd, present
from analytics.events.presence import Scene
from analytics.events.rules import Condition, Zone
from analytics.events.stays import stays_of


def evaluate(
    asked: Condition, scene: Scene, of_camera: Mapping[str, Zone], numbers: Iterator[int] | None = None
) -> Hits:
    """Where all that a condition asks for holds; nowhere in a zone that the camera does not have.

    Args:
        asked: the condition.
        scene: people of one camera.
        of_camera: its zones, by name.
        numbers: for the next `then`s of the rule, in the order in which it is gone through; None at its begin.
    """
    numbers = count(1) if numbers is None else numbers
    parts: list[Hits] = []
    if asked.has_own:
        parts.append(_own(asked, scene, of_camera))
    parts += [evaluate(part, scene, of_camera, numbers) for part in asked.all]
    if asked.any:
        parts.append(either([evaluate(part, scene, of_camera, numbers) for part in asked.any]))
    if asked.then:
        number = next(numbers)
        first, second = (evaluate(part, scene, of_camera, numbers) for part in asked.then)
        parts.append(one_then_other(first, second, asked.within_s, number))
    return reduce(both, parts)


def _own(asked: Condition, scene: Scene, of_camera: Mapping[str, Zone]) -> Hits:
    """What it asks for itself. The number of people comes last: it counts those for whom the rest holds."""
    rows = _where(asked, scene, of_camera)
    if not rows.any():
        return {}
    stays = stays_of(scene, rows)
    measured = [measure(scene, stays, asked) for name, measure in MEASURES.items() if getattr(asked, name) is not None]
    people = reduce(both, measured) if measured else None
    if asked.crowd is not None:
        return crowd(scene, stays, people, asked.crowd, asked.zone)
    return present(stays, asked.zone) if people is None else people


def _where(asked: Condition, scene: Scene, of_camera: Mapping[str, Zone]) -> NDArray[np.bool_]:
    """(n,) which faces are in the zone at the right time of day."""
    rows = np.ones(len(scene.at), np.bool_)
    if asked.zone is not None:
        if asked.zone not in of_camera:
            return np.zeros(len(scene.at), np.bool_)
        rows &= zones.inside(of_camera[asked.zone].points, scene.x, scene.y)
    if asked.hours is not None or asked.days is not None:
        rows &= lies_in(scene.clock.when(asked.hours, asked.days), scene.at)
    return rows
