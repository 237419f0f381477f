"""Rules that come with emobatch, as they would stand in emobatch.toml. docs/events.md says what each can mean."""

from collections.abc import Mapping
from typing import Any, Final

SHIPPED: Final[Mapping[str, Mapping[str, Any]]] = {
    "loitering": {"severity": "medium", "dwell": "2m"},
    "crowding": {"severity": "low", "people": 6, "people_lasting": "20s"},
    "distress": {
        "severity": "high",
        "change": ["fear", "surprise"],
        "rise": 0.35,
        "over": "3s",
        "confidence": 0.5,
        "people": 2,
    },
    "agitation": {
        "severity": "medium",
        "dwell": "20s",
        "expression": "angry",
        "confidence": 0.6,
        "lasting": "10s",
        "usable": "6s",
    },
}
"""By name; `[events] use` switches them on, and [events.NAME] sets what differs."""
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {"loitering": ("zone",)}
"""What [events.NAME] must say, as nothing would do for all."""
