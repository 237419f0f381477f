"""Stretches of time that touch one another, together."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class Stretch(Protocol):
    """Something from a begin to an end, seconds."""

    @property
    def start_s(self) -> float:
        """Its begin."""

    @property
    def end_s(self) -> float:
        """Its end."""


S = TypeVar("S", bound=Stretch)


def touching(stretches: Iterable[S]) -> Iterator[tuple[float, float, list[S]]]:
    """Begin, end and members of each group of stretches that overlap or touch, in order of time."""
    group: list[S] = []
    end_s = 0.0
    for one in sorted(stretches, key=lambda one: (one.start_s, -one.end_s)):
        if group and one.start_s > end_s:
            yield group[0].start_s, end_s, group
            group = []
        end_s = max(end_s, one.end_s) if group else one.end_s
        group.append(one)
    if group:
        yield group[0].start_s, end_s, group
