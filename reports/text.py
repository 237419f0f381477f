"""How values from the tables are worded. Everything that a person reads passes through here."""

import html
import math
import unicodedata
from datetime import UTC, datetime

from reports.clock import local

UNKNOWN = "unknown"
UNDER_ONE = 0.005
"""A share below which there is no whole percent."""

# Joiners that spell words in Persian, in Indic scripts and in emoji; they move nothing about.
_HARMLESS_FORMATS = "\u200c\u200d"


def visible(text: str) -> str:
    """The text with every control, direction and line-break character spelled out, such as ``\\u202e``.

    A file name with a right-to-left mark would otherwise be read as another name.
    """
    # Nothing that is printable is of the kinds that are spelled out, and nearly all names are.
    return text if text.isprintable() else "".join(_spelled(char) for char in text)


def _spelled(char: str) -> str:
    if char in _HARMLESS_FORMATS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return char
    return char.encode("unicode_escape").decode("ascii")


def chart_text(text: str) -> str:
    """The text for a label or hover text of Plotly, which reads a pseudo-HTML of its own."""
    return html.escape(visible(text), quote=False)


def data_block(json_text: str) -> str:
    """JSON that can stand inside a script element: nothing in it can end the element or open a comment."""
    for char in "<>&\u2028\u2029":
        json_text = json_text.replace(char, f"\\u{ord(char):04x}")
    return json_text


def clock(seconds: float | None, *, tenths: bool = False) -> str:
    """Seconds as m:ss or h:mm:ss, rounded to the second or to the tenth."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    ticks = round(seconds * 10) if tenths else round(seconds) * 10
    whole, tenth = divmod(abs(ticks), 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
    return ("-" if ticks < 0 else "") + text + (f".{tenth}" if tenths else "")


def footage(seconds: float | None) -> str:
    """How much footage, in the unit that a person would say: 1,204 h, 12.5 h, 34 min, 50 s."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:,.1f} h" if hours < 99.95 else f"{hours:,.0f} h"


def span(start_s: float, end_s: float) -> str:
    """A range of time, to the tenth of a second."""
    return f"{clock(start_s, tenths=True)} to {clock(end_s, tenths=True)}"


def coverage(share: float | None) -> str:
    """A share of 0 to 1 in percent, rounded down: what misses a moment never reads as 100 %."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    return f"{floored(share) / 10:g} %"


def floored(share: float) -> int:
    """A share of 0 to 1 in per mille, rounded down."""
    # The float32 of the table may lie a hair below the decimal that was meant.
    return math.floor(share * 1000 + 1e-3)


def percent(share: float | None) -> str:
    """A share of 0 to 1 in whole percent; what is more than nothing never reads as 0 %, nor what is less than all as 100 %."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    if 1 - UNDER_ONE < share < 1:
        return "over 99 %"
    return "under 1 %" if 0 < share < UNDER_ONE else f"{share:.0%}".replace("%", " %")


def sure(confidence: float | None) -> str:
    """A confidence of 0 to 1 in whole percent, rounded down: no classifier is ever quite sure."""
    if confidence is None or not math.isfinite(confidence):
        return UNKNOWN
    return f"{math.floor(min(confidence, 0.999) * 100 + 1e-4)} %"


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands marked."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def counted(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 face, 1,200 faces."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def of_clock(epoch_s: float) -> str:
    """A moment by the clock of a camera, told in seconds since 1970 by the same clock; unknown below 0."""
    if epoch_s < 0:
        return UNKNOWN
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(sep=" ", timespec="seconds")[:19]


def moment(when: datetime | None, time_zone: str | None = None) -> str:
    """A wall-clock time of a camera's clock, to the second, with its time zone; UTC where that is unknown."""
    if when is None:
        return UNKNOWN
    # Abbreviations such as IST mean several zones; an offset means one.
    stamp = local(when, time_zone).isoformat(sep=" ", timespec="seconds")
    return f"{stamp[:19]} UTC{stamp[19:].replace('+00:00', '')}"
