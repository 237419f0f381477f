"""Masks of emobatch.toml: polygons of a camera, each known by its line. Apart, as only they need analytics.masks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analytics.errors import UsageError
from analytics.masks import Masks, polygon_of
from jobs.toml_lines import Key

if TYPE_CHECKING:
    from jobs.config import Config


def masked_of(cameras: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Names of the cameras that have masks and are not left out, from the settings of all, by name."""
    return tuple(name for name, settings in cameras.items() if settings.get("masks") and not settings.get("exclude"))


def masks_as_given(config: "Config", key: Key, polygons: list[Any]) -> list[Any]:
    """Masks of a camera as they stand there, checked; an error tells the line of the one that it is about."""
    for number, polygon in enumerate(polygons):
        try:
            polygon_of(polygon)
        except UsageError as error:
            raise config.error((*key, number), error.problem, error.remedy) from None
    try:
        Masks.of(polygons)
    except UsageError as error:
        raise config.error(key, error.problem, error.remedy) from None
    return polygons
