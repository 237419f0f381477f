"""Several data sets as one: labels under common names, and the classes that are to be told apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.errors import UsageError
from analytics.expressions import EXPRESSIONS, columns_of
from analytics.schema import why_no_classes
from models.labels import class_name
from models.sets.records import Item, SourceSet

_NAMES_PEOPLE: Final = ("ckplus", "jaffe", "kdef")
"""Kinds of sets whose file names say who shows a picture."""
_SHOWN: Final = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """The pictures of some sets that show one of the classes, in the order of the sets."""

    sets: Mapping[str, SourceSet]
    """By name."""
    classes: tuple[str, ...]
    source: NDArray[np.intp]
    """(n,) which of the sets."""
    row: NDArray[np.intp]
    """(n,) which picture of it."""
    labels: NDArray[np.int32]
    """(n,) index into classes."""
    left_out: tuple[tuple[str, str, int], ...]
    """Set, reason and number of pictures that are no part of it."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """What labels are called instead, by their names in small letters."""

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> "Pool":
        """Some of the pictures."""
        return replace(self, source=self.source[keep], row=self.row[keep], labels=self.labels[keep])

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sets."""
        return tuple(self.sets)

    def item(self, index: int) -> Item:
        """What is said of a picture."""
        return self.sets[self.names[self.source[index]]].items[int(self.row[index])]

    @property
    def subjects(self) -> list[str]:
        """(n,) who shows each picture; empty where nobody says.

        Sets with names of their own for people (CK+, JAFFE, KDEF) have theirs before it; the same name in two lists is taken for
        one person, because two who share a split do no harm, and one in two splits does.
        """
        kinds = [one.kind for one in self.sets.values()]
        items = [self.item(k) for k in range(len(self))]
        return [
            f"{kinds[s]}/{one.subject}" if one.subject and kinds[s] in _NAMES_PEOPLE else one.subject
            for s, one in zip(self.source, items, strict=True)
        ]


def pooled(sets: Mapping[str, SourceSet], classes: Sequence[str], mapping: Mapping[str, str]) -> Pool:
    """The pictures that show one of the classes.

    Args:
        sets: by name.
        classes: what is to be told apart, at least two; pictures of others are left out. None at all means the seven
            expressions, and a label that is none of them is an error, unless its set can spare it.
        mapping: what labels are to be called instead, before anything else.

    Raises:
        UsageError: a class that can be none or that no picture shows; one class alone; a label that nothing is said of;
            or a mapping of labels that no set has.
    """
    renamed = {name.strip().lower(): class_name(target) for name, target in mapping.items()}
    wanted = _wanted(classes)
    labels: list[int] = []
    source: list[int] = []
    rows: list[int] = []
    left_out = [(name, reason, n) for name, one in sets.items() for reason, n in one.left_out.items()]
    used: set[str] = set()
    for place, (name, one) in enumerate(sets.items()):
        foreign: Counter[str] = Counter()
        for row, item in enumerate(one.items):
            ours, by = called(item.label, renamed)
            used.add(by)
            if ours in wanted:
                labels.append(wanted.index(ours))
                source.append(place)
                rows.append(row)
            else:
                foreign[ours] += 1
        if unknown := [label for label in foreign if not classes and label not in one.spare]:
            _refuse(name, unknown)
        left_out += [(name, f"class {label}", n) for label, n in sorted(foreign.items())]
    if unused := set(renamed) - used:
        known = sorted({item.label.strip() for one in sets.values() for item in one.items})
        raise UsageError(f"--map {min(unused)}: no picture is labelled so", f"labels are: {', '.join(known)[:300]}")
    pool = Pool(
        sets=sets,
        classes=wanted,
        source=np.array(source, np.intp),
        row=np.array(rows, np.intp),
        labels=np.array(labels, np.int32),
        left_out=tuple(left_out),
        renamed=renamed,
    )
    if classes:
        _check_known(wanted, renamed, sets)
    check_shown(pool, " and ".join(sets))
    return pool


def _check_known(wanted: Sequence[str], renamed: Mapping[str, str], sets: Mapping[str, SourceSet]) -> None:
    """Refuse a class that nothing is called: mistyped, most likely."""
    shown = {called(item.label, renamed)[0] for one in sets.values() for item in one.items}
    if unknown := [name for name in wanted if name not in shown]:
        problem = f"--classes {','.join(wanted)}: no picture shows {' or '.join(unknown)}"
        raise UsageError(problem, f"they show: {', '.join(sorted(shown))[:300]}")


def check_shown(pool: Pool, where: str) -> None:
    """Refuse classes without a picture, and one class alone.

    Args:
        pool: some pictures.
        where: what they are, for the error.
    """
    counts = np.bincount(pool.labels, minlength=len(pool.classes))
    shown = [name for name, n in zip(pool.classes, counts, strict=True) if n]
    if len(shown) < 2:
        which = f"one class alone ({shown[0]})" if shown else f"none of {', '.join(pool.classes)}"
        raise UsageError(f"{where}: the pictures show {which}", "add a set that shows others")
    if missing := [name for name in pool.classes if name not in shown]:
        remedy = f"add pictures of it, or leave it out: --classes {','.join(shown)}"
        raise UsageError(f"{where}: no picture shows {' or '.join(missing)}", remedy)


def _wanted(classes: Sequence[str]) -> tuple[str, ...]:
    if not classes:
        return EXPRESSIONS
    named = list(dict.fromkeys(class_name(name) for name in classes))
    if why := why_no_classes(named):
        raise UsageError(f"--classes {','.join(classes)}: has {why}", "name two classes or more, such as happy,sad")
    return tuple(name for name in columns_of(named) if name in named)


def called(label: str, renamed: Mapping[str, str]) -> tuple[str, str]:
    """What a label is called here, and the entry of the mapping that says so; an empty one where none does."""
    plain, ours = label.strip().lower(), class_name(label)
    by = plain if plain in renamed else ours if ours in renamed else ""
    return (renamed[by], by) if by else (ours, "")


def _refuse(name: str, unknown: Sequence[str]) -> None:
    shown = ", ".join(f"'{label[:_SHOWN]}'" for label in sorted(unknown)[:10])
    remedy = (
        f"call them otherwise (--map {unknown[0][:_SHOWN] or 'NAME'}=CLASS), or name all the classes that count "
        f"(--classes {','.join(EXPRESSIONS)}) and leave out the others"
    )
    raise UsageError(f"{name}: {shown} {'is' if len(unknown) == 1 else 'are'} none of the seven expressions", remedy)
