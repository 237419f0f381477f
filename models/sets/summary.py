"""What there is to know of a data set that was made: counts, copies, leaks and people, as plain values and in words."""

from collections import Counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.listed import SPLITS
from models.sets.copies import repeated
from models.sets.make import Made

_LISTED: Final = 100
"""Groups of copies that are listed one by one, those that leak first."""


def summary_of(made: Made) -> dict[str, Any]:
    """The object that `emobatch dataset --json` prints."""
    pool, kept = made.pool, made.kept
    groups = repeated(made.near)
    in_file = np.flatnonzero(kept)
    left = [in_file[rows] for rows in repeated(made.left[in_file])]
    leaking = [rows for rows in left if _leaks(made, rows)]
    people = _people(made)
    return {
        "out": str(made.options.out),
        "n": int(kept.sum()),
        "size": made.options.prepare.size,
        "classes": list(pool.classes),
        "splits": {split: _by_class(made, kept & (made.splits == split)) for split in SPLITS},
        "sources": {
            name: {
                "kind": one.kind,
                "classes": _by_class(made, kept & (pool.source == place)),
                "splits": {
                    split: int((kept & (pool.source == place) & (made.splits == split)).sum()) for split in SPLITS
                },
            }
            for place, (name, one) in enumerate(pool.sets.items())
        },
        "left_out": [{"source": name, "reason": reason, "n": n} for name, reason, n in pool.left_out],
        "used_whole": made.faceless if made.options.prepare.detector else None,
        "copies": {
            "equal_groups": len(equal := repeated(made.equal)),
            "equal_pictures": sum(map(len, equal)),
            "near_groups": len(groups),
            "near_pictures": sum(map(len, groups)),
            "labelled_differently": sum(len(set(pool.labels[rows].tolist())) > 1 for rows in groups),
            "dropped": int((~kept).sum()),
            "leaks": len(leaking),
            "leaking_pictures": sum(map(len, leaking)),
        },
        "subjects": {
            "splits": {split: len(people[split]) for split in SPLITS},
            "in_several": sorted(
                name for name, n in Counter(one for split in SPLITS for one in people[split]).items() if n > 1
            ),
            "pictures_of_nobody_known": int((np.array(pool.subjects) == "")[kept].sum()),
        },
        "groups": [_group(made, rows) for rows in listed_groups(made)],
    }


def listed_groups(made: Made) -> list[NDArray[np.intp]]:
    """Groups of copies, those that leak first, no more than can be looked through."""
    return sorted(repeated(made.near), key=lambda rows: (not _leaks(made, rows), int(rows[0])))[:_LISTED]


def _leaks(made: Made, rows: NDArray[np.intp]) -> bool:
    """Whether copies that are in the file are in several splits."""
    rows = rows[made.kept[rows]]
    groups = made.left[rows].tolist()
    return len(set(zip(groups, made.splits[rows].tolist(), strict=True))) > len(set(groups))


def _by_class(made: Made, rows: NDArray[np.bool_]) -> dict[str, int]:
    counts = np.bincount(made.pool.labels[rows], minlength=len(made.pool.classes))
    return dict(zip(made.pool.classes, counts.tolist(), strict=True))


def _people(made: Made) -> dict[str, set[str]]:
    subjects = np.array(made.pool.subjects)
    return {split: set(subjects[made.kept & (made.splits == split)].tolist()) - {""} for split in SPLITS}


def _group(made: Made, rows: NDArray[np.intp]) -> dict[str, Any]:
    pool = made.pool
    return {
        "equal": len(set(made.equal[rows].tolist())) == 1,
        "leaks": _leaks(made, rows),
        "pictures": [
            {
                "source": pool.names[pool.source[row]],
                "name": pool.item(row).name,
                "class": pool.classes[pool.labels[row]],
                "split": str(made.splits[row]) if made.kept[row] else None,
            }
            for row in rows.tolist()
        ],
    }


def in_words(told: dict[str, Any]) -> str:
    """The summary as lines for a person."""
    lines = [f"{told['out']}: {told['n']:,} faces of {told['size']} px, {len(told['classes'])} classes"]
    sources = told["sources"] if len(told["sources"]) > 1 else {}
    wide = max(len("pictures"), *map(len, told["classes"]), *(len(f"of {name}") for name in sources))
    lines.append(f"{'':{wide}}" + "".join(f"{split:>10}" for split in SPLITS))
    for name in told["classes"]:
        lines.append(f"{name:{wide}}" + "".join(f"{told['splits'][split][name]:>10,}" for split in SPLITS))
    totals = [sum(told["splits"][split].values()) for split in SPLITS]
    lines.append(f"{'pictures':{wide}}" + "".join(f"{n:>10,}" for n in totals))
    for name, one in sources.items():
        lines.append(f"{f'of {name}':{wide}}" + "".join(f"{one['splits'][split]:>10,}" for split in SPLITS))
    people = told["subjects"]
    if any(people["splits"].values()):
        lines.append(f"{'subjects':{wide}}" + "".join(f"{people['splits'][split]:>10,}" for split in SPLITS))
    lines += [f"left out of {one['source']}: {one['reason']}, {one['n']:,}" for one in told["left_out"]]
    if told["used_whole"]:
        lines.append(f"no face found in {told['used_whole']:,} pictures, which were used whole")
    copies = told["copies"]
    if copies["near_groups"]:
        lines.append(
            f"copies: {copies['equal_pictures']:,} pictures in {_many(copies['equal_groups'], 'group')} of equal ones, "
            f"{copies['near_pictures']:,} in {copies['near_groups']:,} with nearly equal ones; several labels in "
            f"{_many(copies['labelled_differently'], 'group')}; {_many(copies['dropped'], 'picture')} dropped"
        )
    if copies["leaks"]:
        lines.append(
            f"leaks: {_many(copies['leaks'], 'group')} of copies in several splits, {copies['leaking_pictures']:,} pictures; "
            "--drop leaks keeps those of the first split, --resplit divides anew"
        )
    if people["in_several"]:
        lines.append(f"leaks: {_many(len(people['in_several']), 'subject')} in several splits; --resplit divides anew")
    lines += [f"split {split} shows no {name}" for split, name in _missing(told)]
    return "\n".join(lines)


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _missing(told: dict[str, Any]) -> list[tuple[str, str]]:
    """Splits with pictures, and the classes that they do not show; or those without any."""
    found = []
    for split, counts in told["splits"].items():
        if not any(counts.values()):
            found.append((split, "picture at all"))
        else:
            found += [(split, name) for name, n in counts.items() if not n]
    return found
