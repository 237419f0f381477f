"""Which picture teaches, which chooses and which judges: nobody's face, and no copy of a picture, on two sides.

Pure arrays: no file. Who is seen in training is recognised in the test as well, which flatters a score; papers compare
by person-independent splits (Li and Deng 2020, "Deep Facial Expression Recognition: A Survey").
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from analytics.errors import UsageError
from models.listed import SPLITS

Shares = tuple[float, float, float]
"""Of train, public and private."""


def units_of(subjects: Sequence[str], copies: NDArray[np.int32]) -> NDArray[np.int32]:
    """(n,) numbers from 0 of what must stay on one side: all pictures of a subject, and all copies of a picture.

    Args:
        subjects: (n,) empty where nobody knows.
        copies: (n,) numbers that copies have in common.
    """
    n, most = len(copies), int(copies.max(initial=0)) + 1
    numbers = {name: place for place, name in enumerate(dict.fromkeys(name for name in subjects if name))}
    known = np.array([numbers.get(name, -1) for name in subjects], np.int64)
    # A graph whose nodes are copies first and subjects behind them, with an edge for each picture.
    there = known >= 0
    edges = (copies[there], known[there] + most)
    size = most + len(numbers)
    graph = coo_matrix((np.ones(int(there.sum()), np.int8), edges), shape=(size, size))
    _, found = connected_components(graph, directed=False)
    return np.asarray(found[copies], np.int32) if n else np.empty(0, np.int32)


def divided(
    labels: NDArray[np.int32],
    given: NDArray[np.str_],
    units: NDArray[np.int32],
    source: NDArray[np.intp],
    shares: Shares,
    seed: int,
) -> NDArray[np.str_]:
    """The split of each picture, (n,), one of SPLITS.

    Splits that a set brings are kept. Where it brings no public one, a part of train becomes public, so that something
    chooses: units that are public in another set, and a share of those that no other set has. Where it brings train
    alone, that is no split. All other units are dealt out so that each split has its share of each class of each set, as
    far as whole units allow: the largest first, each to where what there is comes nearest to what there should be. Iterative
    stratification (Sechidis et al. 2011) for whole groups, with Pearson's chi-squared for the distance: what lacks of a
    small split counts more. One seed gives one result.

    Args:
        labels: (n,) classes.
        given: (n,) splits that the sets bring, empty where none.
        units: (n,) of units_of.
        source: (n,) which set a picture is of.
        shares: of train, public and private.
        seed: of the order of units of one size.

    Raises:
        UsageError: there are fewer units than splits.
    """
    splits = given.astype("<U7")
    free = np.zeros(len(splits), np.bool_)
    for one in np.unique(source):
        inside = source == one
        brought = set(splits[inside].tolist()) - {""}
        if brought <= {"train"}:
            splits[inside] = ""
        elif "public" not in brought and shares[1]:
            free |= inside & (splits == "train")
    for one in np.unique(source[free]):
        part = free & (source == one)
        free &= ~part
        # What other sets have on a side, or have been dealt, must not come to be on another one by the dealing.
        held = {split: units[(splits == split) & (source != one) & ~free] for split in SPLITS}
        splits[part & np.isin(units, held["public"]) & ~np.isin(units, held["train"])] = "public"
        part &= ~np.isin(units, np.concatenate([*held.values()]))
        if len(np.unique(units[part])) > 1 or not (splits == "public").any():
            splits[part] = _dealt(labels[part], units[part], (shares[0], shares[1], 0.0), seed)
    _follow(splits, units)
    rest = splits == ""
    # Sets whose people are in many pictures would all be dealt to train, were classes alone to be even.
    kinds = np.asarray(source * (int(labels.max(initial=0)) + 1) + labels, np.int32)
    splits[rest] = _dealt(kinds[rest], units[rest], shares, seed)
    return splits


def _follow(splits: NDArray[np.str_], units: NDArray[np.int32]) -> None:
    """Where a part of a unit has a split, the rest of it goes there, too; the first of SPLITS where it has several."""
    for split in SPLITS:
        taken = np.isin(units, units[splits == split])
        splits[taken & (splits == "")] = split


def _dealt(kinds: NDArray[np.int32], units: NDArray[np.int32], shares: Shares, seed: int) -> NDArray[np.str_]:
    """The split of each picture, so that each has its share of each kind: kinds and units are (n,), from 0."""
    if not len(kinds):
        return np.empty(0, "<U7")
    _, unit = np.unique(units, return_inverse=True)
    counts = np.zeros((int(unit.max()) + 1, int(kinds.max()) + 1))
    np.add.at(counts, (unit, kinds), 1)
    sides = [k for k, share in enumerate(shares) if share]
    if len(counts) < len(sides):
        what = "1 subject or picture" if len(counts) == 1 else f"{len(counts)} subjects or pictures"
        problem = f"{what} cannot be divided into {len(sides)} splits"
        fewer = (
            "set a share to 0 (--shares 80,20,0)"
            if len(counts) > 1
            else "make it no test of its own (--shares 100,0,0)"
        )
        remedy = f"add pictures of others, or {fewer}; --near 0 lets equal pictures alone count as one"
        raise UsageError(problem, remedy)
    part = np.array([shares[k] for k in sides]) / sum(shares)
    target = part[:, None] * counts.sum(axis=0)
    lacking, scale = target.copy(), np.where(target > 0, target, 1)
    chosen = np.zeros(len(counts), np.intp)
    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[np.argsort(-counts.sum(axis=1)[order], kind="stable")]
    empty = set(range(len(sides)))
    for left, one in zip(range(len(order), 0, -1), order, strict=True):
        # By how much it brings the sum of (lacking ** 2 / target) down on each side.
        worth = ((2 * lacking - counts[one]) * counts[one] / scale).sum(axis=1)
        if left <= len(empty):  # None may stay empty.
            worth[[k for k in range(len(sides)) if k not in empty]] = -np.inf
        side = int(worth.argmax())
        empty.discard(side)
        lacking[side] -= counts[one]
        chosen[one] = sides[side]
    return np.array(SPLITS)[chosen[unit]]
