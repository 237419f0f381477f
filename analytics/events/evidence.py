"""What an event rests on: a sentence in words and figures, and the same as JSON for programs."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from analytics.events.hits import BETWEEN, FIRST, THEN, Steps
from analytics.events.items import Item, Told
from analytics.events.rules import Condition

_SPANS: Final = ("window_s", "over_s")
_SHOWN: Final = 4
"""People who are told one by one; the others are counted."""


def in_words(item: Item) -> str:
    """Who did what for how long, with what was asked for; never why."""
    parts = _parts(item.told, ())
    if item.unseen_s > 0:
        parts.append(f"{_s(item.unseen_s)} of it were not recorded")
    if item.cooled:
        times = "once more" if item.cooled == 1 else f"{item.cooled} times more"
        parts.append(f"{times} within the cool-down of {_s(item.rule.cooldown_s)}")
    if len(item.videos) > 1:
        parts.append(f"goes on over {len(item.videos)} files")
    return "; ".join(parts)


def _parts(told: Sequence[Told], within: Steps) -> list[str]:
    """What was measured, in words; of each `then` what came first, how much later the rest followed, and that."""
    depth = len(within)
    sequences: dict[int, list[Told]] = {}
    for one in told:
        if len(one.step) > depth:
            sequences.setdefault(one.step[depth][0], []).append(one)
    parts = _of_kinds([one for one in told if len(one.step) == depth], bool(sequences))
    for number, of_one in sorted(sequences.items()):
        words = _sequence(of_one, within, number)
        # Without brackets nobody could see what followed what.
        parts.append(f"[{words}]" if within or len(sequences) > 1 else words)
    return parts


def _sequence(told: Sequence[Told], within: Steps, number: int) -> str:
    by_part = {
        part: [one for one in told if one.step[len(within)] == (number, part)] for part in (FIRST, BETWEEN, THEN)
    }
    first, second = ("; ".join(_parts(by_part[part], (*within, (number, part)))) for part in (FIRST, THEN))
    return f"first {first}; then, {_later(by_part[BETWEEN])}, {second}"


def _of_kinds(told: Sequence[Told], is_there_more: bool) -> list[str]:
    by_kind: dict[tuple[str, str, tuple[Any, ...]], list[Told]] = {}
    for one in told:
        # Parts of a rule that ask for different things of the same kind are told apart.
        asked = tuple(value for name, value in one.figures.items() if name.startswith("asked") or name in _SPANS)
        by_kind.setdefault((one.kind, str(one.figures.get("of", "")), asked), []).append(one)
    # That somebody is there goes without saying where there is more to say.
    telling = {key: of_kind for key, of_kind in by_kind.items() if key[0] != "presence"}
    if not telling and not is_there_more:
        telling = by_kind
    return [_WORDS[kind](of, of_kind) for (kind, of, _), of_kind in telling.items()]


def _later(apart: Sequence[Told]) -> str:
    seconds = sorted(float(one.figures["apart_s"]) for one in apart)
    soonest, latest = _s(seconds[0]), _s(seconds[-1])
    after = latest if soonest == latest else f"{soonest} to {latest}"
    return f"{after} later (asked: within {_s(apart[0].figures['asked_s'])})"


def figures_of(item: Item) -> dict[str, Any]:
    """What was measured."""
    measured = [
        {
            "kind": told.kind,
            **_place(told.step),
            **told.figures,
            "people": [[{"video_id": one, "track_id": track} for one, track in person] for person in told.people],
        }
        for told in item.told
    ]
    tracks = {video_id: list(ids) for video_id, ids in item.tracks.items()}
    return {"tracks": tracks, "measured": measured, "unseen_s": item.unseen_s, "within_cooldown": item.cooled}


def _place(step: Steps) -> dict[str, Any]:
    """The parts that it is of, and the numbers of the `then`s, of which one more is told of what is between two parts."""
    parts = [part for _, part in step if part != BETWEEN]
    return {**({"step": parts} if parts else {}), **({"then": [number for number, _ in step]} if step else {})}


def thresholds_of(item: Item) -> dict[str, Any]:
    """What its rule asks for, and the corners of the zones that it names."""
    rule = item.rule
    told = {**_asked(rule.when), "cooldown_s": rule.cooldown_s, "merge_gap_s": rule.merge_gap_s}
    zones = {zone.name: [list(point) for point in zone.points] for zone in item.zones}
    return {**told, "zones": zones} if zones else told


def as_json(told: Mapping[str, Any]) -> str:
    """Always the same text for the same figures."""
    return json.dumps(told, ensure_ascii=False)


def _asked(when: Condition) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if when.zone is not None:
        told["zone"] = when.zone
    if when.hours is not None:
        told["hours"] = "-".join(f"{int(s // 3600):02}:{int(s % 3600 // 60):02}" for s in when.hours)
    if when.days is not None:
        told["days"] = sorted(when.days)
    if when.dwell_s is not None:
        told["dwell_s"] = when.dwell_s
    if when.shown is not None:
        told |= {"expression": list(when.shown.classes), "confidence": when.shown.confidence}
        told |= {"lasting_s": when.shown.lasting_s, "usable_s": when.shown.usable_s}
    if when.rising is not None:
        told |= {"change": list(when.rising.classes), "rise": when.rising.rise, "over_s": when.rising.over_s}
    if when.crowd is not None:
        told |= {"people": when.crowd.least, "people_lasting_s": when.crowd.lasting_s}
    for name in ("all", "any", "then"):
        if parts := getattr(when, name):
            told[name] = [_asked(part) for part in parts]
    return told | ({"within_s": when.within_s} if when.then else {})


def _dwell(of: str, told: Sequence[Told]) -> str:
    least = _s(told[0].figures["asked_s"])
    words = f"stayed {{stayed_s}}{f' in zone {of}' if of else ' in view'}"
    return f"{_each(told, words, ('stayed_s',))} (asked: {least})"


def _shown_for(of: str, told: Sequence[Told]) -> str:
    asked = told[0].figures
    words = f"apparent expression {of}, mean probability {{probability}} over {{usable_s}} in which the face could be judged"
    judged = f"{_s(asked['asked_usable_s'])} of which can be judged"
    least = f"{float(asked['asked_probability']):.2f} over {_s(asked['window_s'])}, {judged}"
    return f"{_each(told, words, ('probability', 'usable_s'))} (asked: {least})"


def _rising(of: str, told: Sequence[Told]) -> str:
    asked = told[0].figures
    words = f"apparent expression {of} rose from {{before}} to {{after}}"
    least = f"by {float(asked['asked_rise']):.2f} within {_s(asked['over_s'])}"
    return f"{_each(told, words, ('before', 'after'))} (asked: {least})"


def _crowd(of: str, told: Sequence[Told]) -> str:
    most = max(int(float(one.figures["most"])) for one in told)
    longest = max(float(one.figures["lasted_s"]) for one in told)
    asked = told[0].figures
    where = f" in zone {of}" if of else ""
    lasting = f" for {_s(asked['asked_s'])}" if float(asked["asked_s"]) else ""
    least = f"{_people(int(float(asked['asked'])))}{lasting}"
    return f"up to {_people(most)} at once{where}, for {_s(longest)} (asked: {least})"


def _presence(of: str, told: Sequence[Told]) -> str:
    return _each(told, f"was {f'in zone {of}' if of else 'in view'} for {{stayed_s}}", ("stayed_s",))


_WORDS: Final[Mapping[str, Callable[[str, Sequence[Told]], str]]] = {
    "dwell": _dwell,
    "shown": _shown_for,
    "rising": _rising,
    "crowd": _crowd,
    "presence": _presence,
}


def _people(n: int) -> str:
    return "1 person" if n == 1 else f"{n} people"


def _each(told: Sequence[Told], words: str, names: tuple[str, ...]) -> str:
    parts = []
    for one in told[:_SHOWN]:
        values = {
            name: _s(one.figures[name]) if name.endswith("_s") else f"{float(one.figures[name]):.2f}" for name in names
        }
        sep = ": " if words.startswith("apparent") else " "
        parts.append(f"{_called(one)}{sep}{words.format(**values)}")
    more = len(told) - _SHOWN
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")


def _called(told: Told) -> str:
    """A person by track; of one who was lost and found again, by all of them."""
    tracks = [track for person in told.people for track in person]
    if not tracks:
        return "somebody"
    files = len({video_id for video_id, _ in tracks})
    numbers = [str(track) for _, track in tracks[:_SHOWN]] + (["…"] if len(tracks) > _SHOWN else [])
    return f"track{'s' if len(tracks) > 1 else ''} {'+'.join(numbers)}{f' of {files} files' if files > 1 else ''}"


def _s(seconds: float | str) -> str:
    return f"{float(seconds):.1f}".removesuffix(".0") + " s"
